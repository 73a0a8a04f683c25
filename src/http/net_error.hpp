// What an error of the operating system, of Asio or of TLS means to a user. Pure.
#pragma once

#include <boost/system/error_code.hpp>

#include <string>

#include <wix/error.hpp>

namespace wix::detail {

/// The failure behind `ec`; `what` names the operation and its phase. operation_aborted stays what it is.
Failure netFailure(const boost::system::error_code& ec, std::string what);

/// Whether `ec` means that the other side has ended the connection.
bool isConnectionEnd(const boost::system::error_code& ec) noexcept;

}  // namespace wix::detail
