// The proxy itself, between plain sockets.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "support/toxic_proxy.hpp"
#include "toxics/wire.hpp"

using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::string someBytes(std::size_t count) {
    std::string made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(static_cast<char>(i * 7 + i / 256));
    return made;
}

}  // namespace

TEST_CASE("bytes pass both ways, and the ends of both streams") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    wire.connect(proxy);
    const std::string bytes = someBytes(50'000);
    send(wire.client, bytes);
    CHECK(receive(wire.server, bytes.size()) == bytes);
    send(wire.server, "answer");
    CHECK(receive(wire.client, 6) == "answer");
    wire.client.shutdown(tcp::socket::shutdown_send);
    CHECK(endOf(wire.server) == asio::error::eof);
    send(wire.server, "late");  // the other direction goes on
    CHECK(receive(wire.client, 4) == "late");
    wire.server.close();
    CHECK(endOf(wire.client) == asio::error::eof);
    CHECK(proxy.waitUntil([](const ProxyCounts& counts) { return counts.open() == 0; }, 10s));
    const ProxyCounts counts = proxy.counts();
    CHECK(counts.accepted() == 1);
    CHECK(counts.bytes(Direction::upstream) == bytes.size());
    CHECK(counts.bytes(Direction::downstream) == 10);
}

TEST_CASE("single bytes with jitter arrive whole and in order, both ways at once") {
    Wire wire;
    ToxicProxy proxy(wire.port(), 42);
    Toxics toxics;
    toxics.latency = 3ms;
    toxics.jitter = 3ms;
    toxics.sliceSize = 1;
    proxy.set(Direction::upstream, toxics);
    proxy.set(Direction::downstream, toxics);
    wire.connect(proxy);
    const std::string bytes = someBytes(3000);
    send(wire.client, bytes);
    send(wire.server, bytes);
    CHECK(receive(wire.server, bytes.size()) == bytes);
    CHECK(receive(wire.client, bytes.size()) == bytes);
}

TEST_CASE("bandwidth: the sender is slowed, and nothing is faster than it may be") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    Toxics toxics;
    toxics.bandwidth = 100'000;
    proxy.set(Direction::upstream, toxics);
    wire.connect(proxy);
    const auto began = std::chrono::steady_clock::now();
    send(wire.client, someBytes(20'000));
    CHECK(receive(wire.server, 20'000).size() == 20'000);
    CHECK(std::chrono::steady_clock::now() - began >= 180ms);

    wire.client.non_blocking(true);
    const std::string much = someBytes(64 << 10);
    error_code error;
    std::size_t taken = 0;
    while (!error && taken < (64u << 20)) taken += wire.client.write_some(asio::buffer(much), error);
    CHECK(error == asio::error::would_block);  // the proxy does not take what it cannot pass on
}

TEST_CASE("limit_data closes in order, reset_peer does not, and each after exactly as many bytes") {
    for (const std::uint64_t count : {0u, 1u, 700u}) {
        for (const bool reset : {false, true}) {
            CAPTURE(count);
            CAPTURE(reset);
            Wire wire;
            ToxicProxy proxy(wire.port());
            Toxics toxics;
            (reset ? toxics.resetPeer : toxics.limitData) = count;
            proxy.set(Direction::downstream, toxics);
            wire.connect(proxy);
            send(wire.client, "ask");
            CHECK(receive(wire.server, 3) == "ask");
            send(wire.server, someBytes(1000));
            error_code end;
            CHECK(receive(wire.client, 1000, end) == someBytes(count));
            CHECK(end == (reset ? error_code(asio::error::connection_reset) : error_code(asio::error::eof)));
            CHECK(proxy.waitUntil([](const ProxyCounts& counts) { return counts.open() == 0; }, 10s));
            CHECK(proxy.counts().bytes(Direction::downstream) == count);
        }
    }
}

TEST_CASE("a half close ends one direction only") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    wire.connect(proxy);
    Toxics toxics;
    toxics.halfClose = 2;
    proxy.set(Direction::downstream, toxics);
    send(wire.server, "lost");
    error_code end;
    CHECK(receive(wire.client, 9, end) == "lo");
    CHECK(end == asio::error::eof);
    send(wire.client, "still there");
    CHECK(receive(wire.server, 11) == "still there");
    proxy.halfCloseAll(Direction::upstream);
    CHECK(endOf(wire.server) == asio::error::eof);
}

TEST_CASE("barriers: nothing passes until the release") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    Toxics toxics;
    toxics.hold = 3;
    proxy.set(Direction::upstream, toxics);
    wire.connect(proxy);
    CHECK_FALSE(proxy.waitUntilHeld(Direction::upstream, 1, 1ms));
    send(wire.client, "abcdef");
    CHECK(proxy.waitUntilHeld(Direction::upstream, 1, 10s));
    CHECK_FALSE(proxy.waitUntilHeld(Direction::upstream, 2, 1ms));
    CHECK_FALSE(proxy.waitUntilHeld(Direction::downstream, 1, 1ms));
    CHECK(receive(wire.server, 3) == "abc");
    CHECK_FALSE(comes(wire.server, 1ms));
    proxy.release(Direction::upstream);
    CHECK(receive(wire.server, 3) == "def");
    CHECK(proxy.counts().held(Direction::upstream) == 0);
}

TEST_CASE("timeout: nothing passes, then the connection ends; or it never does") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    wire.connect(proxy);
    Toxics toxics;
    toxics.timeout = 0ms;
    proxy.set(Direction::upstream, toxics);
    send(wire.client, "x");
    CHECK_FALSE(comes(wire.server, 20ms));
    toxics.timeout = 5ms;
    proxy.set(Direction::upstream, toxics);
    CHECK(endOf(wire.client) == asio::error::eof);
    CHECK(proxy.counts().bytes(Direction::upstream) == 0);
}

TEST_CASE("slow_close: the end comes later than the last byte") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    Toxics toxics;
    toxics.slowClose = 80ms;
    proxy.set(Direction::downstream, toxics);
    wire.connect(proxy);
    const auto began = std::chrono::steady_clock::now();
    send(wire.server, "bye");
    wire.server.close();
    CHECK(receive(wire.client, 3) == "bye");
    CHECK(endOf(wire.client) == asio::error::eof);
    CHECK(std::chrono::steady_clock::now() - began >= 80ms);
}

TEST_CASE("toxics for one connection: before it comes, and while it is there") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    Toxics toxics;
    toxics.limitData = 0;
    proxy.set(2, Direction::upstream, toxics);
    wire.connect(proxy);
    send(wire.client, "one");
    CHECK(receive(wire.server, 3) == "one");
    tcp::socket second(wire.client.get_executor());
    second.connect(tcp::endpoint(asio::ip::address_v4::loopback(), proxy.port()));
    send(second, "two");
    CHECK(endOf(second) == asio::error::eof);
    proxy.set(1, Direction::upstream, toxics);
    send(wire.client, "three");
    CHECK(endOf(wire.client) == asio::error::eof);
    proxy.clear();
    CHECK(proxy.counts().connections.at(0).upstream == 3);
    CHECK(proxy.counts().connections.at(1).upstream == 0);
}

TEST_CASE("all connections end: in order, which the client's machine knows at once, or by a reset") {
    Wire wire;
    ToxicProxy proxy(wire.port());
    wire.connect(proxy);
    proxy.closeAll();
    CHECK(comes(wire.client, 0ms));
    CHECK(endOf(wire.client) == asio::error::eof);
    CHECK(proxy.counts().open() == 0);
    wire.client.close();
    wire.connect(proxy);
    proxy.resetAll();
    CHECK(endOf(wire.client) == asio::error::connection_reset);
    CHECK(endOf(wire.server) == asio::error::connection_reset);
    CHECK(proxy.counts().accepted() == 2);
}

TEST_CASE("nobody listens behind the proxy: a reset") {
    std::uint16_t nobody = 0;
    {
        const Wire wire;
        nobody = wire.port();
    }
    ToxicProxy proxy(nobody);
    Wire wire;
    wire.client.connect(tcp::endpoint(asio::ip::address_v4::loopback(), proxy.port()));
    CHECK(endOf(wire.client) == asio::error::connection_reset);
}

TEST_CASE("a proxy may end with connections open and bytes held") {
    Wire wire;
    {
        ToxicProxy proxy(wire.port());
        Toxics toxics;
        toxics.hold = 0;
        proxy.set(Direction::upstream, toxics);
        wire.connect(proxy);
        send(wire.client, "never");
        CHECK(proxy.waitUntilHeld(Direction::upstream, 1, 10s));
    }
    CHECK(endOf(wire.server) == asio::error::eof);
}
