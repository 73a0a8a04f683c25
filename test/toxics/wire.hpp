// A plain client and a plain server, for what is between them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <doctest/doctest.h>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "support/toxic_proxy.hpp"

namespace wix::test {

/// A client and a server with a proxy between them. Reads end with the test rather than wait for ever.
class Wire {
public:
    Wire()
        : acceptor_(io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
          client(io_),
          server(io_) {}
    void connect(const ToxicProxy& proxy) {
        client.connect(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), proxy.port()));
        server = acceptor_.accept();
        server.set_option(boost::asio::ip::tcp::no_delay(true));
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_;

public:
    boost::asio::ip::tcp::socket client, server;
};

inline bool comes(boost::asio::ip::tcp::socket& socket, std::chrono::milliseconds timeout) {
    pollfd poll{socket.native_handle(), POLLIN, 0};
    return ::poll(&poll, 1, static_cast<int>(timeout.count())) > 0;
}

inline void send(boost::asio::ip::tcp::socket& socket, const std::string& bytes) {
    boost::asio::write(socket, boost::asio::buffer(bytes));
}

/// `count` bytes, or what comes before the end; `error` is the end's.
inline std::string receive(boost::asio::ip::tcp::socket& socket, std::size_t count, boost::system::error_code& error) {
    std::string bytes;
    error = boost::system::error_code();
    while (bytes.size() < count && !error) {
        REQUIRE(comes(socket, std::chrono::seconds(10)));
        char chunk[4096];
        const std::size_t size =
            socket.read_some(boost::asio::buffer(chunk, std::min(sizeof chunk, count - bytes.size())), error);
        bytes.append(chunk, size);
    }
    return bytes;
}
inline std::string receive(boost::asio::ip::tcp::socket& socket, std::size_t count) {
    boost::system::error_code ignored;
    return receive(socket, count, ignored);
}
inline boost::system::error_code endOf(boost::asio::ip::tcp::socket& socket) {
    boost::system::error_code error;
    CHECK(receive(socket, 1, error) == "");
    return error;
}

}  // namespace wix::test
