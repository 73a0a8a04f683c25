// What the pool must not mix up: origins, and answers.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>

#include <memory>
#include <mutex>
#include <string>

#include "support/bare_transport.hpp"
#include "support/scripted_server.hpp"

namespace asio = boost::asio;
using namespace wix;
using namespace wix::test;

namespace {

std::string answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A server that keeps the first line of each request, and closes.
class Listening {
public:
    std::string lines() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    std::uint16_t port() const { return server_.port(); }

private:
    std::mutex mutex_;
    std::string lines_;
    ScriptedServer server_{[this](ScriptedPeer& peer, int) {
        const std::string head = peer.readHead();
        {
            const std::lock_guard lock(mutex_);
            lines_ += head.substr(0, head.find("\r\n"));
        }
        peer.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }};
};

/// Callers on an io_context of their own, so that a test says when the transport gets to work.
struct Apart {
    void send(const std::string& host, std::uint16_t port, const std::string& target) {
        auto request = std::make_shared<detail::WireRequest>(bare.request());
        request->origin = detail::Origin(false, host, port);
        request->target = target;
        ++underWay;
        asio::co_spawn(callers, bare.transport->send(request, detail::WaitLimits()),
                       [this](std::exception_ptr, result<detail::HttpReply>) { --underWay; });
        poll(callers);
    }
    void finish() {
        while (underWay > 0) {
            poll(callers);
            poll(bare.io);
        }
    }
    static void poll(asio::io_context& io) {
        io.restart();
        io.poll();
    }

    BareTransport bare{detail::systemLookup};
    asio::io_context callers;
    int underWay = 0;
};

}  // namespace

TEST_CASE("a request that has not begun goes to its own origin, though another has taken its place in the table") {
    Listening api;
    Listening other;
    Apart apart;
    apart.send("127.0.0.1", api.port(), "/first");
    for (int i = 1; i < 256; ++i) apart.send("127.0.1." + std::to_string(i), 1, "/refused");
    apart.finish();
    apart.send("127.0.0.1", api.port(), "/orders");
    apart.send("127.0.0.1", other.port(), "/redirected");  // a 257th origin
    apart.finish();
    CHECK(api.lines() == "GET /first HTTP/1.1GET /orders HTTP/1.1");
    CHECK(other.lines() == "GET /redirected HTTP/1.1");
}

TEST_CASE("what lies behind an answer that fills the buffer is nobody's") {
    ScriptedServer server([](ScriptedPeer& peer, int) {
        peer.socket().set_option(asio::ip::tcp::no_delay(true));
        const std::size_t room = 16 * 1024;
        const std::string full = answer(std::string(room - answer(std::string(10'000, ' ')).size() + 10'000, ' '));
        for (std::string head = peer.readHead(); !head.empty(); head = peer.readHead())
            peer.write(head.starts_with("GET /full ") ? full + answer("unasked") : answer("mine"));
    });
    for (int round = 0; round < 20; ++round) {
        BareTransport bare(detail::systemLookup);
        bare.host = "127.0.0.1";
        bare.port = server.port();
        detail::WireRequest request = bare.request();
        request.target = "/full";
        const auto first = bare.send(request);
        REQUIRE(first.has_value());
        REQUIRE(answer(first->body).size() == 16 * 1024);
        request.target = "/next";
        const auto next = bare.send(request);
        REQUIRE(next.has_value());
        CHECK(next->body == "mine");
        bare.transport->close();
        bare.io.restart();
        bare.io.run();
    }
}
