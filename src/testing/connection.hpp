// One connection: the only file here that knows Beast.
#ifndef WIX_TESTING_CONNECTION_HPP
#define WIX_TESTING_CONNECTION_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

#include "testing/core.hpp"

namespace wix::testing::detail {

struct ConnectionLimits {
    ConnectionLimits() = default;
    std::size_t maxBodyBytes = 0;
    std::chrono::milliseconds idleTimeout{0};
};

/// Serves until the client or a fault ends it. `tls` is null for plain HTTP; it and `core` must outlive the call.
boost::asio::awaitable<void> serveConnection(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls,
                                             Core& core, ConnectionLimits limits);

}  // namespace wix::testing::detail

#endif
