// Sockets that programs which this process starts do not inherit: Asio opens them without the flag.
#pragma once

#include <boost/system/error_code.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace wix::detail {

/// As socket.open(protocol).
template <class Socket, class Protocol>
boost::system::error_code openCloexec(Socket& socket, const Protocol& protocol) {
#if defined(SOCK_CLOEXEC)
    const int made = ::socket(protocol.family(), protocol.type() | SOCK_CLOEXEC, protocol.protocol());
#else
    const int made = ::socket(protocol.family(), protocol.type(), protocol.protocol());
    if (made >= 0) ::fcntl(made, F_SETFD, FD_CLOEXEC);
#endif
    if (made < 0) return boost::system::error_code(errno, boost::system::system_category());
    boost::system::error_code error;
    socket.assign(protocol, made, error);
    if (error) ::close(made);
    return error;
}

}  // namespace wix::detail
