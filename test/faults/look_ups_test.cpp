// Connections that wait for the same host name. [C1]
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <atomic>
#include <memory>
#include <vector>

#include "http/host_lookups.hpp"
#include "integration/failures.hpp"
#include "support/bare_transport.hpp"
#include "support/boot_time.hpp"
#include "support/gate.hpp"
#include "support/in_child.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using detail::Endpoint;
using detail::FoundHost;

namespace {

/// Answers one request on each connection with its own name.
ScriptedServer::Script says(const std::string& name) {
    return [name](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write(answer(name, "Connection: close\r\n"));
    };
}

FoundHost at(const Endpoint& where) { return FoundHost(std::vector<Endpoint>(1, where)); }

/// A transport whose names are looked up by a function of the test, on threads of its own.
struct Shop {
    explicit Shop(detail::LookUpFunction function)
        : lookups(std::make_shared<detail::HostLookups>(std::move(function), threads)), bare(lookups->factory()) {}
    detail::BlockingThreads threads{detail::BlockingThreads::AtExit::abandon};
    std::shared_ptr<detail::HostLookups> lookups;
    BareTransport bare;
};

asio::awaitable<void> send(std::shared_ptr<detail::HttpTransport> transport, detail::WireRequest request,
                           std::vector<result<detail::HttpReply>>* replies, std::chrono::minutes time = 1min) {
    const detail::WaitLimits limits(detail::MonotonicClock::now() + time, std::stop_token());
    auto shared = std::make_shared<detail::WireRequest>(std::move(request));
    auto reply = co_await transport->send(std::move(shared), limits);
    replies->push_back(std::move(reply));
}

}  // namespace

TEST_CASE("64 calls at once on a cold pool wait for one look-up, and none fails [C1]") {
    const ScriptedServer server(says("here"));
    std::atomic<int> asked{0};
    Gate gate;
    Shop shop([&](const std::string&) {
        ++asked;
        gate.pass();
        return at(server.endpoint());
    });
    shop.bare.port = server.endpoint().port();
    std::vector<result<detail::HttpReply>> replies;
    for (int i = 0; i < 64; ++i)
        asio::co_spawn(shop.bare.io, send(shop.bare.transport, shop.bare.request(), &replies), rethrow);
    // All of them have asked for a connection when the look-up ends.
    runUntil(shop.bare.io, [&] { return shop.bare.transport->openConnections() == 64 && asked == 1; });
    shop.bare.io.poll();
    REQUIRE(gate.holds(1));
    gate.open();
    runUntil(shop.bare.io, [&] { return replies.size() == 64; });
    for (const auto& reply : replies) CHECK((reply.has_value() && reply->body == "here"));
    CHECK(asked == 1);
}

TEST_CASE("a look-up that takes 200 ms costs 64 calls 200 ms, not each of them [C1]") {
    const ScriptedServer server(says("here"));
    std::atomic<int> asked{0};
    Shop shop([&](const std::string&) {
        ++asked;
        ::poll(nullptr, 0, 200);  // as a slow name server
        return at(server.endpoint());
    });
    shop.bare.port = server.endpoint().port();
    std::vector<result<detail::HttpReply>> replies;
    for (int i = 0; i < 64; ++i)
        asio::co_spawn(shop.bare.io, send(shop.bare.transport, shop.bare.request(), &replies), rethrow);
    runUntil(shop.bare.io, [&] { return replies.size() == 64; });
    for (const auto& reply : replies) CHECK(reply.has_value());
    CHECK(asked == 1);
}

TEST_CASE("a name that leads elsewhere is followed when its old address refuses [C1]") {
    auto first = std::make_unique<ScriptedServer>(says("first"));
    const ScriptedServer second(says("second"));
    std::atomic<int> asked{0};
    const Endpoint address = first->endpoint();
    Shop shop([&](const std::string&) {
        ++asked;
        return at(address);
    });
    shop.bare.port = first->endpoint().port();
    CHECK(shop.bare.get()->body == "first");
    CHECK(shop.bare.get()->body == "first");
    CHECK(asked == 1);  // within a second
    first.reset();
    CHECK(shop.bare.get().error().code == Errc::connection_refused);
    CHECK(asked == 1);
    shop.bare.port = second.endpoint().port();
    CHECK(shop.bare.get()->body == "second");
    CHECK(asked == 2);
}

TEST_CASE("a TLS handshake that fails forgets the address, which may be another server's by now [C1]") {
    const ScriptedServer plain([](ScriptedPeer& peer, int) { peer.write("HTTP/1.1 400 X\r\n\r\n"); });
    std::atomic<int> asked{0};
    Shop shop([&](const std::string&) {
        ++asked;
        return at(plain.endpoint());
    });
    shop.bare.port = plain.endpoint().port();
    for (int i = 1; i <= 3; ++i) {
        CHECK(shop.bare.send(shop.bare.request("GET", true)).error().code == Errc::tls_failed);
        CHECK(asked == i);
    }
}

TEST_CASE("the limit of a look-up counts from its beginning, for those too that come later [C1]") {
    Gate gate;
    std::atomic<int> asked{0};
    Shop shop([&](const std::string&) {
        ++asked;
        gate.pass();
        return FoundHost(boost::system::error_code(asio::error::host_not_found));
    });
    shop.bare.timeouts.resolve = 20ms;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) {
        const auto reply = shop.bare.get();  // its run() returns although the look-up does not
        REQUIRE(reply.has_error());
        CHECK(reply.error().code == Errc::timeout);
        CHECK(has(reply.error().context, "resolving the host of http://shop.example"));
        CHECK_FALSE(reply.error().maybeSent);
    }
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    CHECK(asked == 1);
    gate.open();
}

TEST_CASE("a call that joins a look-up has what is left of the look-up's time [C1]") {
    Gate gate;
    Shop shop([&](const std::string&) {
        gate.pass();
        return FoundHost(boost::system::error_code(asio::error::host_not_found));
    });
    shop.bare.timeouts.resolve = 1h;
    std::vector<result<detail::HttpReply>> first, second, third;
    asio::co_spawn(shop.bare.io, send(shop.bare.transport, shop.bare.request(), &first, 3h), rethrow);
    shop.bare.io.poll();
    REQUIRE(gate.holds(1));
    moveBootTime(1h - 50ms);
    asio::co_spawn(shop.bare.io, send(shop.bare.transport, shop.bare.request(), &second, 3h), rethrow);
    runUntil(shop.bare.io, [&] { return !second.empty(); });
    // Nothing is left: it does not even wait.
    moveBootTime(1s);
    asio::co_spawn(shop.bare.io, send(shop.bare.transport, shop.bare.request(), &third, 3h), rethrow);
    for (int i = 0; i < 20; ++i) shop.bare.io.poll();
    REQUIRE(third.size() == 1);
    for (const auto& reply : {second.front(), third.front()}) {
        REQUIRE(reply.has_error());
        CHECK(reply.error().code == Errc::timeout);
        CHECK(has(reply.error().context, "resolving the host of http://shop.example"));
    }
    gate.open();
}

TEST_CASE("sixteen look-ups that hang: the one of another host fails as a timeout, and succeeds later [C1]") {
    const ScriptedServer server(says("here"));
    Gate gate;
    Shop shop([&](const std::string& host) {
        if (host.starts_with("hangs")) gate.pass();
        return at(server.endpoint());
    });
    shop.bare.port = server.endpoint().port();
    shop.bare.timeouts.resolve = 20ms;
    for (int i = 0; i < 16; ++i) {
        shop.bare.host = "hangs" + std::to_string(i);
        CHECK(shop.bare.get().error().code == Errc::timeout);
    }
    CHECK(gate.holds(16));
    shop.bare.host = "other.example";
    CHECK(shop.bare.get().error().code == Errc::timeout);
    gate.open();
    shop.threads.wait();
    shop.bare.timeouts.resolve = 5s;
    shop.bare.host = "other.example";
    CHECK(shop.bare.get()->body == "here");
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST_CASE("fork() does not wait for a look-up that hangs, and the child looks names up itself [C1]") {
    Gate gate;
    detail::BlockingThreads& threads = detail::BlockingThreads::forLookUps();
    auto hanging = std::make_shared<detail::HostLookups>([&](const std::string&) {
        gate.pass();
        return FoundHost(boost::system::error_code(asio::error::host_not_found));
    });
    asio::io_context io;
    const auto waiting = hanging->factory()(io.get_executor());
    waiting->resolve("localhost", 80, [](const auto&, const auto&) {});
    CHECK(gate.holds(1));
    const auto before = detail::HostLookups::ofProcess();
    const auto looksUp = [&] {
        if (detail::HostLookups::ofProcess() == before) return 1;
        if (&detail::BlockingThreads::forLookUps() == &threads) return 2;
        asio::io_context own;
        const auto work = asio::make_work_guard(own);
        const auto lookup = detail::systemLookup(own.get_executor());
        bool found = false;
        lookup->resolve("localhost", 80, [&](const auto& error, const auto&) { found = !error; });
        own.run_one_for(15s);
        return found ? 0 : 3;
    };
    CHECK(inChild(looksUp) == 0);
    gate.open();
    threads.wait();
}
#endif
