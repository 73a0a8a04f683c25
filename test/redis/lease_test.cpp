// The renewal lease: one holder in all processes, for a time.
#include "redis/redis_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

const std::string leaseOfA = "wix:session:{a}:lease";

}  // namespace

TEST_CASE("redis lease: one holder, of one session, until it is destroyed") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    RedisTokenStorage other(io.get_executor(), redis.url());
    std::optional<RenewalLease> held = runOn(io, storage.acquireLease("a", 1min));
    REQUIRE(held);
    CHECK_FALSE(runOn(io, storage.acquireLease("a", 1min)));
    CHECK_FALSE(runOn(io, other.acquireLease("a", 1min)));
    CHECK(runOn(io, other.acquireLease("b", 1min)));
    const int left = std::stoi(redis.command({"PTTL", leaseOfA}));
    CHECK(left > 30'000);
    CHECK(left <= 60'000);
    held.reset();
    io.restart();
    io.run();  // sends it, and waits for no more than the answer
    CHECK(redis.command({"GET", leaseOfA}) == "(nil)");
    CHECK(runOn(io, other.acquireLease("a", 1min)));
}

TEST_CASE("redis lease: it ends with its time, and does not end that of the next holder") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    std::optional<RenewalLease> slow = runOn(io, storage.acquireLease("a", 1ms));
    REQUIRE(slow);
    std::optional<RenewalLease> next;
    REQUIRE(eventually([&] { return (next = runOn(io, storage.acquireLease("a", 1min))).has_value(); }));
    slow.reset();
    io.restart();
    io.run();
    CHECK(redis.command({"GET", leaseOfA}) != "(nil)");
    CHECK_FALSE(runOn(io, storage.acquireLease("a", 1min)));
}

TEST_CASE("redis lease: given back when nobody listens any more") {
    if (noRedis()) return;
    RedisServer redis;
    std::optional<RenewalLease> held;
    SUBCASE("the server is gone: no connection is made for it") {
        asio::io_context io;
        RedisTokenStorage storage(io.get_executor(), redis.url());
        held = runOn(io, storage.acquireLease("a", 1min));
        redis.restart();
        held.reset();
        io.restart();
        io.run();
        CHECK(openConnectionsTo(redis.port()) == 0);
    }
    SUBCASE("the storage is gone: it is given back all the same") {
        asio::io_context io;
        auto storage = std::make_unique<RedisTokenStorage>(io.get_executor(), redis.url());
        held = runOn(io, storage->acquireLease("a", 1min));
        storage.reset();
        held.reset();
        io.restart();
        io.run();
        CHECK(redis.command({"GET", leaseOfA}) == "(nil)");
    }
    SUBCASE("the io_context is gone: it ends with its time") {
        asio::io_context io;
        RedisTokenStorage storage(io.get_executor(), redis.url());
        held = runOn(io, storage.acquireLease("a", 1min));
    }
    SUBCASE("the io_context goes before it has run again") {
        asio::io_context io;
        RedisTokenStorage storage(io.get_executor(), redis.url());
        held = runOn(io, storage.acquireLease("a", 1min));
        held.reset();
    }
}

TEST_CASE("redis lease: one that a server grants when nobody waits for it any more is given back") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisOptions options;
    options.connectTimeout = options.commandTimeout = 100ms;
    RedisTokenStorage storage(io.get_executor(), redis.url(), options);
    runOn(io, storage.connect());
    redis.freeze();
    CHECK(says(failureOf(io, storage.acquireLease("a", 1min)), "no answer within 100 ms"));
    bool tried = false;
    SUBCASE("on the next connection") {}
    SUBCASE("on the one after a next that did not answer either") { tried = true; }
    if (tried) CHECK(failureOf(io, storage.load("a")).code == Errc::storage_unavailable);
    redis.thaw();
    if (!tried) REQUIRE(eventually([&] { return redis.command({"EXISTS", leaseOfA}) == "1"; }));
    REQUIRE(eventually([&] { return runOn(io, asResult(storage.connect())).has_value(); }));
    CHECK(redis.command({"EXISTS", leaseOfA}) == "0");
}

TEST_CASE("redis lease: one whose connection breaks before it is given back is given back on the next") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    std::optional<RenewalLease> held = runOn(io, storage.acquireLease("a", 1min));
    REQUIRE(held);
    SUBCASE("before it is sent") {
        redis.command({"CLIENT", "KILL", "TYPE", "normal"});
        held.reset();
    }
    SUBCASE("before it is answered") {
        redis.command({"CLIENT", "PAUSE", "60000", "WRITE"});
        held.reset();
        io.restart();
        for (int i = 0; i < 20; ++i) io.poll();
        redis.command({"CLIENT", "KILL", "TYPE", "normal"});
        io.run();
        CHECK(openConnectionsTo(redis.port()) == 0);  // none is made for it
        redis.command({"CLIENT", "UNPAUSE"});
    }
    io.restart();
    io.run();
    CHECK(redis.command({"EXISTS", leaseOfA}) == "1");
    CHECK(runOn(io, storage.acquireLease("a", 1min)));  // it comes after the other's end
}

TEST_CASE("redis lease: an error is none, and none is granted") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    redis.command({"HSET", leaseOfA, "colour", "blue"});
    CHECK(failureOf(io, storage.acquireLease("a", 1min)).code == Errc::storage_unavailable);
    redis.kill();
    CHECK(failureOf(io, storage.acquireLease("b", 1min)).code == Errc::storage_unavailable);
}
