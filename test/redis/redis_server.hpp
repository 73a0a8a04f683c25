// A Redis server of a test's own: on loopback, in a directory that goes with it, and without anything on its disk.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <istream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <wix/redis.hpp>

#include "storage/temp_directory.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/redis_program.hpp"
#include "support/run.hpp"

namespace wix::test {

using namespace std::chrono_literals;

class RedisServer {
public:
    explicit RedisServer(std::vector<std::string> more = {}) : more_(std::move(more)) { start(); }

    std::uint16_t port() const { return port_; }
    std::string where() const { return "127.0.0.1:" + std::to_string(port_); }
    std::string url() const { return "redis://" + where(); }

    void start() {
        std::vector<std::string> arguments{
            "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", home_.path(), "--save",
            "",       "--appendonly",        "no"};
        arguments.insert(arguments.end(), more_.begin(), more_.end());
        const RedisProgram program = findRedis();
        process_ = std::make_unique<ChildProcess>(home_.path(), program.path, arguments, program.name);
        process_->waitForPort(port_);
    }
    /// As a power cut does: with everything that was in it.
    void kill() { process_->stop(SIGKILL); }
    void restart() {
        kill();
        start();
    }
    void freeze() { process_->signal(SIGSTOP); }
    void thaw() { process_->signal(SIGCONT); }

    /// What an administrator types; gives the reply, the texts of a list joined by spaces.
    std::string command(const std::vector<std::string>& words) {
        namespace asio = boost::asio;
        asio::io_context io;
        asio::ip::tcp::socket socket(io);
        socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port_));
        std::string request = "*" + std::to_string(words.size()) + "\r\n";
        for (const std::string& word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
        asio::write(socket, asio::buffer(request));
        asio::streambuf buffer;
        return reply(socket, buffer);
    }

private:
    static std::string line(boost::asio::ip::tcp::socket& socket, boost::asio::streambuf& buffer) {
        boost::asio::read_until(socket, buffer, "\r\n");
        std::istream in(&buffer);
        std::string text;
        std::getline(in, text);
        text.pop_back();
        return text;
    }
    static std::string reply(boost::asio::ip::tcp::socket& socket, boost::asio::streambuf& buffer) {
        const std::string head = line(socket, buffer);
        if (head[0] == '$') return head == "$-1" ? "(nil)" : line(socket, buffer);  // no text of ours has a line break
        if (head[0] != '*') return head.substr(1);
        std::string all;
        for (int left = std::stoi(head.substr(1)); left > 0; --left)
            all += (all.empty() ? "" : " ") + reply(socket, buffer);
        return all;
    }

    const detail::test::TempDirectory home_;
    const std::uint16_t port_ = freePort();
    const std::vector<std::string> more_;
    std::unique_ptr<ChildProcess> process_;
};

/// The descriptor of this process that is connected to `port`.
inline int descriptorTo(std::uint16_t port) {
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == port)
            return fd;
    }
    return -1;
}

inline Tokens tokensOf(const std::string& mark) {
    return Tokens(AccessToken("OauthNG.JWS." + mark, std::chrono::sys_seconds(1h)),
                  RefreshToken("IST.JWS." + mark, TokenRole::visitor));
}

/// The failure of an operation that has to fail.
template <class T>
Failure failureOf(boost::asio::io_context& io, boost::asio::awaitable<T> operation) {
    result<T> outcome = runOn(io, asResult(std::move(operation)));
    REQUIRE(outcome.has_error());
    return outcome.error();
}

inline bool says(const Failure& failure, const std::string& text) {
    return failure.context.find(text) != std::string::npos;
}

}  // namespace wix::test
