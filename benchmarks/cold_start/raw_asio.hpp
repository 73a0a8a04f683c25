// The same requests by hand: Asio's coroutines, OpenSSL's own session, and no more of HTTP than these servers need.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace wix::bench {

class RawAsio {
public:
    RawAsio(const std::string& caPem, int maxVersion);

    /// A connection, an anonymous visitor's token, and the products with it.
    boost::asio::awaitable<void> firstAnswer(std::uint16_t port);
    /// So many times one after the other: a connection, which resumes the session of the one before if the server lets
    /// it, and one request.
    boost::asio::awaitable<void> again(std::uint16_t port, std::size_t times, std::string accessToken);

private:
    using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
    using StreamPtr = std::unique_ptr<Stream>;

    boost::asio::awaitable<StreamPtr> connect(std::uint16_t port);
    /// Gives the body of the answer.
    static boost::asio::awaitable<std::string> ask(Stream& stream, std::string request);
    /// Keeps the session, and ends the connection so that OpenSSL does not take it for spoilt.
    void keepSession(Stream& stream);

    boost::asio::ssl::context tls_;
    std::shared_ptr<SSL_SESSION> session_;
};

}  // namespace wix::bench
