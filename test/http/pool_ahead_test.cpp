// Connections that are opened before anybody needs them.
#include "http/pool_limits.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

std::string shown(const Acquired& decision) {
    const std::string id = std::to_string(decision.connection);
    std::string text = decision.kind == Acquired::Kind::reuse  ? "there is " + id
                       : decision.kind == Acquired::Kind::open ? "open " + id
                                                               : "no";
    for (const ConnectionId old : decision.close) text += ", close " + std::to_string(old);
    return text;
}

}  // namespace

TEST_CASE("ahead of need one connection is opened at a time, for each origin") {
    PoolState pool(limits(4));
    CHECK(shown(pool.acquireAhead(edge, start)) == "open 1");
    CHECK(shown(pool.acquireAhead(edge, start)) == "no");
    CHECK(shown(pool.acquireAhead(api, start)) == "open 2");
    CHECK(pool.open(edge) == 1);
}

TEST_CASE("what was opened ahead is idle for whoever comes, and enough") {
    PoolState pool(limits(4));
    pool.acquireAhead(edge, start);
    pool.released(1, true, start);
    CHECK(shown(pool.acquireAhead(edge, start)) == "there is 1");
    CHECK(shown(pool.acquireAhead(edge, start)) == "there is 1");  // it stays where it is
    const Acquired taken = pool.acquire(edge, start);
    CHECK(taken.kind == Acquired::Kind::reuse);
    CHECK(taken.connection == 1);
    CHECK(shown(pool.acquireAhead(edge, start)) == "open 2");  // others use the first one
}

TEST_CASE("nothing opens ahead for an idle connection, unless it is old or dead") {
    PoolState pool(limits(4));
    pool.acquire(edge, start);
    pool.released(1, true, start);
    CHECK(shown(pool.acquireAhead(edge, start + 29s)) == "there is 1");
    CHECK(shown(pool.acquireAhead(edge, start + 30s)) == "open 2, close 1");
    pool.released(2, true, start + 31s);
    CHECK(shown(pool.acquireAhead(edge, start + 32s)) == "there is 2");
    pool.dropped(2);
    CHECK(shown(pool.acquireAhead(edge, start + 32s)) == "open 3");
}

TEST_CASE("an opening ahead that fails, or is not needed any more, leaves its place, and the next one may try") {
    PoolState pool(limits(1));
    for (ConnectionId id = 1; id < 4; ++id) {
        CHECK(shown(pool.acquireAhead(edge, start)) == "open " + std::to_string(id));
        const Released gone = pool.released(id, false, start);
        CHECK(gone.close.size() == 1);
        CHECK(pool.open() == 0);
    }
    CHECK(shown(pool.acquireAhead(edge, start)) == "open 4");
    pool.dropped(4);  // it could not even be made
    CHECK(shown(pool.acquireAhead(edge, start)) == "open 5");
}

TEST_CASE("ahead of need no limit is passed, and nobody makes way") {
    PoolState full(limits(2));
    full.acquire(edge, start);
    full.acquire(edge, start);
    CHECK(shown(full.acquireAhead(edge, start)) == "no");

    PoolState crowded(limits(4, 2));
    crowded.acquire(api, start);
    crowded.acquire(api, start);
    crowded.released(2, true, start);
    CHECK(shown(crowded.acquireAhead(edge, start)) == "no");
    CHECK(crowded.open(api) == 2);
    CHECK(crowded.acquire(edge, start).close.size() == 1);  // for a request the idle one does make way

    PoolLimits none = limits(4);
    none.idlePerOrigin = 0;
    CHECK(shown(PoolState(none).acquireAhead(edge, start)) == "no");  // it would be closed at once
}

TEST_CASE("who stands in line gets what was opened ahead, or its place") {
    PoolState pool(limits(1));
    pool.acquireAhead(edge, start);
    CHECK(pool.acquire(edge, start).kind == Acquired::Kind::wait);
    const QueueId first = pool.enqueue(edge);
    const Released opened = pool.released(1, true, start);
    REQUIRE(opened.served.size() == 1);
    CHECK(opened.served[0].waiter == first);
    CHECK(opened.served[0].connection == 1);
    CHECK_FALSE(opened.served[0].open);

    pool.released(1, false, start);
    pool.acquireAhead(edge, start);
    const QueueId second = pool.enqueue(edge);
    const Released failed = pool.released(2, false, start);
    REQUIRE(failed.served.size() == 1);
    CHECK(failed.served[0].waiter == second);
    CHECK(failed.served[0].open);
}

TEST_CASE("what was opened ahead and handed over counts as an opening no longer") {
    PoolState pool(limits(2));
    pool.acquireAhead(edge, start);
    pool.enqueue(edge);
    pool.released(1, true, start);
    CHECK(shown(pool.acquireAhead(edge, start)) == "open 2");
}
