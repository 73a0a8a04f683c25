// A server that does to each connection what a test says, byte by byte, in plain TCP on loopback.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace wix::test {

/// The server's side of one connection. Nothing blocks for longer than 20 s.
class ScriptedPeer {
public:
    explicit ScriptedPeer(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
        const timeval longest{20, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
    }

    /// Reads until `end` has come, or the connection ends; gives all that came.
    std::string readUntil(const std::string& end) {
        std::string text;
        char byte = 0;
        while (text.find(end) == text.npos && ::recv(socket_.native_handle(), &byte, 1, 0) == 1) text += byte;
        return text;
    }
    std::string readHead() { return readUntil("\r\n\r\n"); }
    void write(const std::string& bytes) {
        boost::system::error_code ignored;
        boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
    }
    /// Until the client has closed, or the server ends; gives how many bytes still came.
    std::size_t waitForEnd() {
        std::size_t came = 0;
        char bytes[4096];
        for (;;) {
            const auto got = ::recv(socket_.native_handle(), bytes, sizeof bytes, 0);
            if (got <= 0) return came;
            came += static_cast<std::size_t>(got);
        }
    }
    boost::asio::ip::tcp::socket& socket() { return socket_; }

private:
    boost::asio::ip::tcp::socket socket_;
};

/// Serves one connection after the other, on a thread of its own; each is closed when the script ends. The kernel
/// accepts the others meanwhile.
class ScriptedServer {
public:
    /// `script` gets the number of the connection, from 0.
    using Script = std::function<void(ScriptedPeer&, int)>;

    explicit ScriptedServer(Script script, const std::string& address = "127.0.0.1", std::uint16_t port = 0)
        : acceptor_(io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(address), port)),
          script_(std::move(script)),
          thread_([this] { serve(); }) {}
    ~ScriptedServer() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
            ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
            if (current_ >= 0) ::shutdown(current_, SHUT_RDWR);
        }
        thread_.join();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    boost::asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
    std::uint16_t port() const { return endpoint().port(); }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
    int connections() const { return connections_; }

private:
    void serve() {
        for (;;) {
            boost::system::error_code error;
            boost::asio::ip::tcp::socket socket(io_);
            acceptor_.accept(socket, error);
            if (error) return;
            ScriptedPeer peer(std::move(socket));
            {
                const std::lock_guard lock(mutex_);
                if (ending_) return;
                current_ = peer.socket().native_handle();
            }
            script_(peer, connections_++);
            const std::lock_guard lock(mutex_);
            current_ = -1;
        }
    }

    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_;
    Script script_;
    std::mutex mutex_;
    bool ending_ = false;
    int current_ = -1;
    std::atomic<int> connections_{0};
    std::thread thread_;
};

}  // namespace wix::test
