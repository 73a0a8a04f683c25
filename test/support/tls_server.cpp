#include "support/tls_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <mutex>
#include <string_view>
#include <thread>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace wix::test {
namespace {

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

constexpr std::string_view answerText =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

/// Until the client closes: closing with unread bytes would reset the connection, and destroy an alert on its way.
asio::awaitable<void> drain(tcp::socket& socket) {
    std::array<char, 4096> dropped;
    error_code error;
    while (!error) co_await socket.async_read_some(asio::buffer(dropped), into(error));
}

asio::awaitable<void> serve(tcp::socket socket, std::shared_ptr<asio::ssl::context> context, TlsServer& server) {
    asio::ssl::stream<tcp::socket> stream(std::move(socket), *context);
    error_code error;
    co_await stream.async_handshake(asio::ssl::stream_base::server, into(error));
    if (!error) {
        ++server.handshakes;
        if (SSL_session_reused(stream.native_handle()) == 1) ++server.resumed;
        std::string request;
        std::array<char, 4096> some;
        while (!error && request.find("\r\n\r\n") == request.npos) {
            const std::size_t size = co_await stream.async_read_some(asio::buffer(some), into(error));
            request.append(some.data(), size);
            server.bytes += size;
        }
        if (!error) {
            ++server.requests;
            co_await asio::async_write(stream, asio::buffer(answerText), into(error));
        }
    }
    co_await drain(stream.next_layer());
}

}  // namespace

// The order matters: the coroutines end with the io_context.
struct TlsServer::Loop {
    explicit Loop(const ServerSetup& setup) : current(serverContext(setup)) {}
    ~Loop() {
        io.stop();
        if (thread.joinable()) thread.join();
    }
    static asio::awaitable<void> acceptAll(Loop& loop, TlsServer& server) {
        while (true) {
            error_code error;
            tcp::socket socket = co_await loop.acceptor.async_accept(into(error));
            if (error) co_return;
            ++server.connections;
            socket.set_option(tcp::no_delay(true), error);  // or tickets delay the answer
            asio::co_spawn(loop.io, serve(std::move(socket), loop.context(), server), asio::detached);
        }
    }
    std::shared_ptr<asio::ssl::context> context() {
        const std::lock_guard lock(mutex);
        return current;
    }

    std::mutex mutex;
    std::shared_ptr<asio::ssl::context> current;
    asio::io_context io{1};
    tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::thread thread;
};

TlsServer::TlsServer(const ServerSetup& setup) : loop_(std::make_unique<Loop>(setup)) {
    Loop& loop = *loop_;
    asio::co_spawn(loop.io, Loop::acceptAll(loop, *this), asio::detached);
    loop.thread = std::thread([&loop] { loop.io.run(); });
}

TlsServer::~TlsServer() = default;

void TlsServer::become(const ServerSetup& setup) {
    auto context = serverContext(setup);
    const std::lock_guard lock(loop_->mutex);
    loop_->current = std::move(context);
}

std::uint16_t TlsServer::port() const { return loop_->acceptor.local_endpoint().port(); }

std::string TlsServer::url() const { return "https://localhost:" + std::to_string(port()); }

}  // namespace wix::test
