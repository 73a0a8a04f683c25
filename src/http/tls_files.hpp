// The certificates and keys of TlsOptions, read into a context. Nothing ever asks for a passphrase on the terminal.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <optional>

#include <wix/error.hpp>
#include <wix/options.hpp>

namespace wix::detail {

/// Errc::invalid_argument names the option whose file or text cannot be used; certificate_untrusted if nobody would be
/// trusted, since the system has no store.
std::optional<Failure> loadTrust(boost::asio::ssl::context& context, const TlsOptions& options);

/// Errc::invalid_argument names the option.
std::optional<Failure> loadClientCertificate(boost::asio::ssl::context& context, const TlsOptions& options);

}  // namespace wix::detail
