// Connections that are there: which one is taken, how it is looked at, and when it is too old.
#include "http/pool_limits.hpp"

#include <doctest/doctest.h>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

using Kind = Acquired::Kind;

/// With `count` connections of `api` in use, numbered from 1.
PoolState poolWith(int count, PoolLimits limits = PoolLimits()) {
    PoolState pool(limits);
    for (int i = 0; i < count; ++i) pool.acquire(api, start);
    return pool;
}

}  // namespace

TEST_CASE("reuse opens nothing") {
    PoolState pool = poolWith(1);
    CHECK(pool.reuse(api, start, Priority::ordinary, true).kind == Kind::wait);
    pool.released(1, true, start);
    CHECK(pool.reuse(edge, start, Priority::ordinary, true).kind == Kind::wait);
    CHECK(pool.reuse(api, start, Priority::ordinary, true).kind == Kind::reuse);
    CHECK(pool.reuse(api, start, Priority::ordinary, true).kind == Kind::wait);
    CHECK(pool.open() == 1);
}

TEST_CASE("what has just answered needs no look at the socket, for a request that may be repeated") {
    struct Row {
        std::chrono::microseconds idle;
        bool idempotent;
        bool look;
    };
    for (const Row& row : {Row{0us, true, false}, Row{99us, true, false}, Row{100us, true, true}, Row{1h, true, true},
                           Row{0us, false, true}, Row{99us, false, true}}) {
        CAPTURE(row.idle.count());
        CAPTURE(row.idempotent);
        PoolState pool = poolWith(1, [] {
            PoolLimits limits;
            limits.idleTime = 2h;
            limits.age = 2h;
            return limits;
        }());
        pool.released(1, true, start);
        const Acquired decision = pool.reuse(api, start + row.idle, Priority::ordinary, row.idempotent);
        REQUIRE(decision.kind == Kind::reuse);
        CHECK(decision.look == row.look);
    }
}

TEST_CASE("who stands in line, or opens, always looks") {
    PoolState pool = poolWith(1);
    pool.released(1, true, start);
    CHECK(pool.acquire(api, start).look);
}

TEST_CASE("an urgent request beyond the limit takes no idle connection either") {
    PoolLimits limits;
    limits.urgent = 1;
    PoolState pool = poolWith(2, limits);
    pool.released(1, true, start);
    pool.released(2, true, start);
    CHECK(pool.reuse(api, start, Priority::urgent, false).connection == 2);
    CHECK(pool.reuse(api, start, Priority::urgent, false).kind == Kind::wait);
    pool.released(2, true, start);
    CHECK(pool.reuse(api, start, Priority::urgent, false).kind == Kind::reuse);
}

TEST_CASE("of several that end at different times, each is closed in its own") {
    PoolState pool = poolWith(3);
    pool.released(1, true, start, 5s);
    pool.released(2, true, start + 1s, 2s);  // the server grants less: it ends first
    pool.released(3, true, start + 1s);
    CHECK(pool.reuse(edge, start + 2s, Priority::ordinary, true).close.empty());
    CHECK(pool.reuse(edge, start + 3s, Priority::ordinary, true).close == std::vector<ConnectionId>{2});
    CHECK(pool.reuse(edge, start + 4s, Priority::ordinary, true).close.empty());
    CHECK(pool.reuse(edge, start + 5s, Priority::ordinary, true).close == std::vector<ConnectionId>{1});
    CHECK(pool.reuse(api, start + 6s, Priority::ordinary, true).connection == 3);
}
