// Sockets that programs which this process starts do not inherit: Asio opens them without the flag.
#pragma once

#include <boost/system/error_code.hpp>

#include <fcntl.h>

namespace wix::detail {

/// As socket.open(protocol).
///
/// The flag is set after the socket was opened, and not in one step. Asio takes a socket that is assigned to it for one that
/// may have duplicates, and removes it from the epoll set when it is closed. The set is shared with the children of a fork,
/// so a child that closes what it has of its parent's would make its parent deaf.
template <class Socket, class Protocol>
boost::system::error_code openCloexec(Socket& socket, const Protocol& protocol) {
    boost::system::error_code error;
    socket.open(protocol, error);
    if (!error) ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    return error;
}

}  // namespace wix::detail
