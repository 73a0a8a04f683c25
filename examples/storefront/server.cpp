#include "server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace storefront {

using asio::ip::tcp;
using boost::beast::flat_buffer;
using boost::system::error_code;

namespace {

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

/// Whether it is the request that is wrong, and not the connection.
bool isMalformed(const error_code& error) {
    const error_code end = http::error::end_of_stream;
    return error.category() == end.category() && error != end && error != http::error::partial_message;
}

Response refusal(const error_code& error) {
    http::status status = http::status::bad_request;
    if (error == http::error::body_limit) status = http::status::payload_too_large;
    if (error == http::error::header_limit) status = http::status::request_header_fields_too_large;
    Response answer(status, 11);
    answer.set(http::field::content_type, "text/plain; charset=utf-8");
    answer.body() = std::string(http::obsolete_reason(status)) + "\n";
    answer.keep_alive(false);
    return answer;
}

/// Closing with bytes unread would reset the connection, and could destroy the answer on its way: read and drop them.
asio::awaitable<void> closeInOrder(boost::beast::tcp_stream& stream) {
    error_code error;
    stream.expires_after(std::chrono::seconds(2));
    stream.socket().shutdown(tcp::socket::shutdown_send, error);
    std::array<char, 4096> dropped;
    for (std::size_t total = 0; !error && total < 1'000'000;)
        total += co_await stream.async_read_some(asio::buffer(dropped), into(error));
}

}  // namespace

/// One of the open connections, as long as it is served.
class Server::Open {
public:
    Open(Server& server, Stream& stream) : server_(server), stream_(stream) {
        server_.connections_[&stream_] = nullptr;
    }
    ~Open() {
        server_.connections_.erase(&stream_);
        server_.changed_.cancel();
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

private:
    Server& server_;
    Stream& stream_;
};

Server::Server(asio::io_context& io, Handler handler, Limits limits)
    : io_(io),
      handler_(std::move(handler)),
      limits_(limits),
      acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), limits.port)),
      port_(acceptor_.local_endpoint().port()),
      changed_(io, asio::steady_timer::time_point::max()) {}

void Server::start() { asio::co_spawn(io_, acceptAll(), asio::detached); }

void Server::begin(tcp::socket socket) { asio::co_spawn(io_, serve(std::move(socket)), asio::detached); }

asio::awaitable<void> Server::acceptAll() {
    while (!draining_) {
        error_code error;
        if (connections_.size() >= limits_.connections) {
            co_await changed_.async_wait(into(error));
            continue;
        }
        tcp::socket socket = co_await acceptor_.async_accept(into(error));
        if (!error) {
            begin(std::move(socket));
        } else if (error != asio::error::operation_aborted) {  // out of descriptors, most likely: they come back
            asio::steady_timer pause(io_, std::chrono::milliseconds(100));
            co_await pause.async_wait(into(error));
        }
    }
}

asio::awaitable<void> Server::serve(tcp::socket socket) {
    Stream stream(std::move(socket));
    const Open open(*this, stream);
    flat_buffer buffer;
    bool kept = true;
    while (kept) kept = co_await serveOne(stream, buffer);
}

/// Whether the connection is kept.
asio::awaitable<bool> Server::serveOne(Stream& stream, flat_buffer& buffer) {
    Parser parser;
    parser.header_limit(limits_.headBytes);
    parser.body_limit(limits_.bodyBytes);
    const error_code error = co_await read(stream, buffer, parser);
    if (error && !isMalformed(error)) co_return false;

    Response answer;
    bool isHead = false;
    if (error) {
        answer = refusal(error);
    } else {
        Request request = parser.release();
        isHead = request.method() == http::verb::head;
        const bool kept = request.keep_alive();
        answer = co_await handler_(std::move(request));
        answer.keep_alive(kept && !draining_);
    }
    answer.content_length(answer.body().size());
    if (isHead) answer.body().clear();

    error_code lost;
    stream.expires_after(limits_.patience);
    co_await http::async_write(stream, answer, into(lost));
    if (!lost && answer.keep_alive()) co_return true;
    if (!lost) co_await closeInOrder(stream);
    co_return false;
}

asio::awaitable<error_code> Server::read(Stream& stream, flat_buffer& buffer, Parser& parser) {
    error_code error;
    stream.expires_after(limits_.patience);
    connections_[&stream] = &parser;
    co_await http::async_read_header(stream, buffer, parser, into(error));
    connections_[&stream] = nullptr;
    if (!error && boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        constexpr std::string_view goOn = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await asio::async_write(stream, asio::buffer(goOn), into(error));
    }
    if (!error) co_await http::async_read(stream, buffer, parser, into(error));
    stream.expires_never();  // the handler has deadlines of its own
    co_return error;
}

asio::awaitable<void> Server::drain(std::chrono::seconds limit) {
    draining_ = true;
    error_code error;
    // Who is in the queue already may have sent a request.
    acceptor_.non_blocking(true, error);
    for (tcp::socket next(io_); acceptor_.accept(next, error), !error; next = tcp::socket(io_)) begin(std::move(next));
    acceptor_.close(error);
    changed_.cancel();

    // A client of a connection that it believes to be kept has a second for the request that it may be sending. After
    // that what has arrived is still read, and everyone else finds the end of the stream.
    asio::steady_timer pause(io_, std::chrono::seconds(1));
    if (!connections_.empty()) co_await pause.async_wait(into(error));
    for (const auto& [stream, waiting] : connections_)
        if (waiting != nullptr && !waiting->got_some()) stream->socket().shutdown(tcp::socket::shutdown_receive, error);

    const auto giveUp = std::chrono::steady_clock::now() + limit - std::chrono::seconds(1);
    pause.expires_at(giveUp);
    pause.async_wait([this](const error_code& cancelled) {
        if (cancelled) return;
        for (const auto& each : connections_) each.first->close();
        changed_.cancel();
    });
    while (!connections_.empty() && std::chrono::steady_clock::now() < giveUp)
        co_await changed_.async_wait(into(error));
}

}  // namespace storefront
