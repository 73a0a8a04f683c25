// An HTTP server for a shop: plain HTTP on 127.0.0.1, behind a front that ends TLS. All of it on one io_context that one
// thread runs.
#ifndef STOREFRONT_SERVER_HPP
#define STOREFRONT_SERVER_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

namespace storefront {

namespace asio = boost::asio;
namespace http = boost::beast::http;

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

struct Limits {
    Limits() = default;
    std::uint16_t port = 0;            ///< 0 takes a free one.
    std::size_t connections = 1'000;   ///< More wait in the kernel's queue.
    std::uint32_t headBytes = 16'384;  ///< Longer: 431.
    std::size_t bodyBytes = 65'536;    ///< Longer: 413.
    /// A request, with the wait for it, may take so long; its answer too. Whoever is slower is cut.
    std::chrono::seconds patience{15};
};

class Server {
public:
    /// Answers every request; must not throw.
    using Handler = std::function<asio::awaitable<Response>(Request)>;

    /// Listens, and accepts from start() on.
    Server(asio::io_context& io, Handler handler, Limits limits);
    void start();

    std::uint16_t port() const { return port_; }
    std::size_t connections() const noexcept { return connections_.size(); }
    bool draining() const noexcept { return draining_; }

    /// Takes no more connections, answers the requests that are there, and returns when all connections have ended:
    /// idle ones after a second, the last one after `limit` at the latest.
    asio::awaitable<void> drain(std::chrono::seconds limit);

private:
    using Stream = boost::beast::tcp_stream;
    using Parser = http::request_parser<http::string_body>;
    class Open;

    asio::awaitable<void> acceptAll();
    void begin(asio::ip::tcp::socket socket);
    asio::awaitable<void> serve(asio::ip::tcp::socket socket);
    asio::awaitable<bool> serveOne(Stream& stream, boost::beast::flat_buffer& buffer);
    asio::awaitable<boost::system::error_code> read(Stream& stream, boost::beast::flat_buffer& buffer, Parser& parser);

    asio::io_context& io_;
    Handler handler_;
    Limits limits_;
    asio::ip::tcp::acceptor acceptor_;
    std::uint16_t port_;
    asio::steady_timer changed_;                    // never expires: it is cancelled when a connection has ended
    std::map<Stream*, const Parser*> connections_;  // with what waits for a request, if it does
    bool draining_ = false;
};

}  // namespace storefront

#endif
