// An HTTP server for the shop: plain HTTP on 127.0.0.1, behind a front that ends TLS. All of it on one io_context that
// one thread runs.
#pragma once

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <memory>
#include <set>

#include "shop.hpp"

using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::seconds, std::chrono::steady_clock;

inline auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

class Server {
public:
    /// More than `connections` wait in the kernel's queue. A request, with the wait for it, may take `patience`, and its
    /// answer too: whoever is slower is cut.
    Server(tcp::acceptor acceptor, Shop& shop, std::size_t connections, seconds patience)
        : acceptor_(std::move(acceptor)), shop_(shop), limit_(connections), patience_(patience) {}

    asio::awaitable<void> acceptAll() {
        while (!draining_) {
            error_code error;
            if (connections_.size() >= limit_) {
                co_await changed_.async_wait(into(error));
                continue;
            }
            tcp::socket socket = co_await acceptor_.async_accept(into(error));
            if (!error) {
                begin(std::move(socket));
            } else if (error != asio::error::operation_aborted) {  // out of descriptors, most likely: they come back
                asio::steady_timer pause(acceptor_.get_executor(), std::chrono::milliseconds(100));
                co_await pause.async_wait(into(error));
            }
        }
    }

    /// Takes no more connections, answers the requests that are there, and returns when all connections have ended:
    /// idle ones after a second, the last one after `limit` at the latest.
    asio::awaitable<void> drain(seconds limit) {
        const steady_clock::time_point begun = steady_clock::now();
        draining_ = true;
        error_code error;
        // Who is in the queue already may have sent a request.
        acceptor_.non_blocking(true, error);
        while (!error) {
            tcp::socket next(acceptor_.get_executor());
            if (!acceptor_.accept(next, error)) begin(std::move(next));
        }
        acceptor_.close(error);
        // A client that believes its connection to be kept may be sending a request. After a second what has arrived is
        // still read, and everyone else finds the end of the stream.
        co_await emptyUntil(begun + seconds(1));
        for (const auto& each : connections_)
            if (each->parser && !each->parser->got_some())
                each->stream.socket().shutdown(tcp::socket::shutdown_receive, error);
        co_await emptyUntil(begun + limit);
        for (const auto& each : connections_) each->stream.close();
    }

private:
    struct Connection {
        explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
        boost::beast::tcp_stream stream;
        boost::beast::flat_buffer buffer;
        std::optional<http::request_parser<http::string_body>> parser;  // of the request that is waited for, or served
    };

    void begin(tcp::socket socket) {
        const auto connection = std::make_shared<Connection>(std::move(socket));
        connections_.insert(connection);
        asio::co_spawn(acceptor_.get_executor(), serve(*connection), [this, connection](std::exception_ptr) {
            connections_.erase(connection);
            changed_.cancel();
        });
    }

    asio::awaitable<void> serve(Connection& connection) {
        bool kept = true;
        while (kept) {
            error_code error = co_await read(connection);
            if (error && !isMalformed(error)) co_return;
            Response answer(http::status::bad_request, 11);
            if (error == http::error::body_limit) answer.result(http::status::payload_too_large);
            if (error == http::error::header_limit) answer.result(http::status::request_header_fields_too_large);
            const bool isHead = !error && connection.parser->get().method() == http::verb::head;
            kept = !error && connection.parser->keep_alive();
            if (!error) answer = co_await shop_.handle(connection.parser->release(), draining_, connections_.size());
            kept = kept && !draining_;
            answer.keep_alive(kept);
            answer.content_length(answer.body().size());
            if (isHead) answer.body().clear();
            connection.stream.expires_after(patience_);
            co_await http::async_write(connection.stream, answer, into(error));
            if (error) co_return;
        }
        co_await closeInOrder(connection.stream);
    }

    asio::awaitable<error_code> read(Connection& connection) {
        error_code error;
        auto& stream = connection.stream;
        auto& parser = connection.parser.emplace();
        parser.header_limit(16'384);
        parser.body_limit(65'536);
        stream.expires_after(patience_);
        co_await http::async_read_header(stream, connection.buffer, parser, into(error));
        if (!error && boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            constexpr std::string_view goOn = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await asio::async_write(stream, asio::buffer(goOn), into(error));
        }
        if (!error) co_await http::async_read(stream, connection.buffer, parser, into(error));
        stream.expires_never();  // calls of the API have deadlines of their own
        co_return error;
    }

    /// Whether it is the request that is wrong, and not the connection.
    static bool isMalformed(const error_code& error) {
        const error_code end = http::error::end_of_stream;
        return error.category() == end.category() && error != end && error != http::error::partial_message;
    }

    /// Closing with bytes unread would reset the connection, and could destroy the answer on its way: drop them first.
    static asio::awaitable<void> closeInOrder(boost::beast::tcp_stream& stream) {
        error_code error;
        std::array<char, 4096> dropped;
        stream.expires_after(seconds(2));
        stream.socket().shutdown(tcp::socket::shutdown_send, error);
        for (std::size_t total = 0; !error && total < 1'000'000;)
            total += co_await stream.async_read_some(asio::buffer(dropped), into(error));
    }

    /// Returns when all connections have ended, or at `end`.
    asio::awaitable<void> emptyUntil(steady_clock::time_point end) {
        error_code error;
        changed_.expires_at(end);
        while (!connections_.empty() && steady_clock::now() < end) co_await changed_.async_wait(into(error));
    }

    tcp::acceptor acceptor_;
    Shop& shop_;
    std::size_t limit_;
    seconds patience_;
    std::set<std::shared_ptr<Connection>> connections_;
    asio::steady_timer changed_{acceptor_.get_executor(), steady_clock::time_point::max()};  // cancelled at an end
    bool draining_ = false;
};
