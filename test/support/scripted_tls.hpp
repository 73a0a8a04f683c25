// A TLS server that does to each connection what a test says, record by record, on loopback.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "support/tls_pair.hpp"

namespace wix::test {

/// The server's side of one connection, after the handshake. Nothing blocks for longer than 20 s.
class TlsPeer {
public:
    using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

    TlsPeer(boost::asio::io_context& io, std::shared_ptr<boost::asio::ssl::context> context)
        : io_(io), context_(std::move(context)), stream_(io, *context_) {}

    bool handshake() {
        const timeval longest{20, 0};
        ::setsockopt(socket().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
        ::setsockopt(socket().native_handle(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
        boost::system::error_code error;
        socket().set_option(boost::asio::ip::tcp::no_delay(true), error);
        stream_.handshake(boost::asio::ssl::stream_base::server, error);
        return !error;
    }
    /// A head of a request; nothing if the connection has ended.
    std::string readHead() {
        std::string text;
        char byte = 0;
        boost::system::error_code error;
        while (text.find("\r\n\r\n") == text.npos && stream_.read_some(boost::asio::buffer(&byte, 1), error) == 1)
            text += byte;
        return error ? std::string() : text;
    }
    /// In records of at most `record` bytes.
    void write(const std::string& bytes, std::size_t record = 16 * 1024) {
        boost::system::error_code error;
        for (std::size_t at = 0; at < bytes.size() && !error; at += record)
            boost::asio::write(stream_, boost::asio::buffer(bytes.substr(at, record)), error);
    }
    /// Session tickets, or an update of the keys, that were asked for with OpenSSL's functions.
    void flush() {
        boost::system::error_code error;
        stream_.handshake(boost::asio::ssl::stream_base::server, error);
    }
    /// Sends close_notify, and does not wait for the client's.
    void closeNotify() {
        stream_.async_shutdown([](const boost::system::error_code&) {});
        io_.restart();
        io_.poll();
    }
    void reset() {
        boost::system::error_code error;
        socket().set_option(boost::asio::socket_base::linger(true, 0), error);
        const std::lock_guard lock(mutex_);
        socket().close(error);
    }
    /// Ends the connection from another thread.
    void interrupt() {
        const std::lock_guard lock(mutex_);
        if (socket().is_open()) ::shutdown(socket().native_handle(), SHUT_RDWR);
    }
    void finish() {
        boost::system::error_code error;
        socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
    }
    /// Until the client has closed, or the server ends.
    void waitForEnd() {
        char bytes[4096];
        while (::recv(socket().native_handle(), bytes, sizeof bytes, 0) > 0) {
        }
    }
    Stream& stream() { return stream_; }
    boost::asio::ip::tcp::socket& socket() { return stream_.next_layer(); }
    SSL* native() { return stream_.native_handle(); }

private:
    boost::asio::io_context& io_;
    std::shared_ptr<boost::asio::ssl::context> context_;
    Stream stream_;
    std::mutex mutex_;  // the socket is closed, or shut down by another thread
};

/// Serves each connection on a thread of its own; it is closed when the server ends.
class ScriptedTls {
public:
    /// `script` gets the number of the connection, from 0, after the handshake.
    using Script = std::function<void(TlsPeer&, int)>;

    explicit ScriptedTls(Script script, std::function<ServerSetup(int)> setup = nullptr)
        : credentials_(testing::detail::makeCredentials(testing::Certificate::valid)),
          script_(std::move(script)),
          setup_(std::move(setup)),
          thread_([this] { serve(); }) {}
    ~ScriptedTls() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
            ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
            for (const auto& one : open_) one->peer.interrupt();
        }
        thread_.join();
        for (const auto& one : open_) one->thread.join();
    }
    ScriptedTls(const ScriptedTls&) = delete;
    ScriptedTls& operator=(const ScriptedTls&) = delete;

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string url() const { return "https://localhost:" + std::to_string(port()); }
    const testing::detail::ServerCredentials& credentials() const { return credentials_; }
    int connections() const { return connections_; }
    int failedHandshakes() const { return failedHandshakes_; }

private:
    struct Open {
        explicit Open(std::shared_ptr<boost::asio::ssl::context> context) : peer(io, std::move(context)) {}
        boost::asio::io_context io;
        TlsPeer peer;
        std::thread thread;
    };

    void serve() {
        for (;;) {
            const int number = connections_;
            ServerSetup setup = setup_ ? setup_(number) : ServerSetup();
            setup.credentials = credentials_;
            auto one = std::make_unique<Open>(serverContext(setup));
            boost::system::error_code error;
            acceptor_.accept(one->peer.socket(), error);
            if (error) return;
            ++connections_;
            const std::lock_guard lock(mutex_);
            if (ending_) return;
            Open& open = *open_.emplace_back(std::move(one));
            open.thread = std::thread([this, &open, number] {
                if (open.peer.handshake())
                    script_(open.peer, number);
                else
                    ++failedHandshakes_;
            });
        }
    }

    testing::detail::ServerCredentials credentials_;
    Script script_;
    std::function<ServerSetup(int)> setup_;
    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_{
        io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
    std::mutex mutex_;
    bool ending_ = false;
    std::deque<std::unique_ptr<Open>> open_;
    std::atomic<int> connections_{0};
    std::atomic<int> failedHandshakes_{0};
    std::thread thread_;
};

}  // namespace wix::test
