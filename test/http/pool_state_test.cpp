#include "http/pool_limits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

std::string closed(const std::vector<ConnectionId>& ids) {
    std::string text;
    for (const ConnectionId id : ids) text += ", close " + std::to_string(id);
    return text;
}

std::string shown(const Acquired& decision) {
    const std::string id = std::to_string(decision.connection);
    const std::string text = decision.kind == Acquired::Kind::reuse  ? "reuse " + id
                             : decision.kind == Acquired::Kind::open ? "open " + id
                                                                     : "wait";
    return text + closed(decision.close);
}

std::string shown(const Released& decision) {
    std::string text;
    for (const Served& one : decision.served)
        text += ", " + std::string(one.open ? "open " : "give ") + std::to_string(one.connection) + " to " +
                std::to_string(one.waiter);
    text += closed(decision.close);
    return text.empty() ? "idle" : text.substr(2);
}

}  // namespace

TEST_CASE("connections are opened up to the limit of the origin, then requests wait") {
    PoolState pool(limits(2));
    CHECK(shown(pool.acquire(api, start)) == "open 1");
    CHECK(shown(pool.acquire(api, start)) == "open 2");
    CHECK(shown(pool.acquire(api, start)) == "wait");
    CHECK(shown(pool.acquire(edge, start)) == "open 3");  // another origin has a limit of its own
    CHECK(pool.open() == 3);
    CHECK(pool.open(api) == 2);
}

TEST_CASE("an urgent request may have one of a few places beyond the limits") {
    for (const PoolLimits& tight : {limits(2), limits(100, 2)}) {
        PoolState pool(tight);
        pool.acquire(api, start);
        pool.acquire(api, start);
        for (int i = 3; i < 7; ++i)
            CHECK(shown(pool.acquire(api, start, Priority::urgent)) == "open " + std::to_string(i));
        CHECK(shown(pool.acquire(api, start, Priority::urgent)) == "wait");
        CHECK(shown(pool.acquire(api, start)) == "wait");
        for (ConnectionId id = 1; id <= 4; ++id)
            CHECK(shown(pool.released(id, false, start)) == "close " + std::to_string(id));
        CHECK(shown(pool.acquire(api, start)) == "wait");  // for the others the limit is what it was
    }
}

TEST_CASE("the connection that came back last is used first: it is the most likely to live") {
    PoolState pool(limits(3));
    for (int i = 0; i < 3; ++i) pool.acquire(api, start);
    for (ConnectionId id : {1, 2, 3}) CHECK(shown(pool.released(id, true, start + 1s * id)) == "idle");
    CHECK(shown(pool.acquire(api, start + 4s)) == "reuse 3");
    CHECK(shown(pool.acquire(api, start + 4s)) == "reuse 2");
    CHECK(shown(pool.released(3, true, start + 5s)) == "idle");
    CHECK(shown(pool.acquire(api, start + 5s)) == "reuse 3");
    CHECK(shown(pool.acquire(api, start + 5s)) == "reuse 1");
    CHECK(shown(pool.acquire(api, start + 5s)) == "wait");
}

TEST_CASE("what was idle for too long is closed when somebody asks, of all origins") {
    PoolState pool(limits(3));
    pool.acquire(api, start);
    pool.acquire(api, start);
    pool.acquire(edge, start);
    pool.released(1, true, start);
    pool.released(3, true, start + 1s);
    pool.released(2, true, start + 20s);
    CHECK(shown(pool.acquire(api, start + 31s)) == "reuse 2, close 1, close 3");
    CHECK(pool.open() == 1);
}

TEST_CASE("a server may grant less than the limit, and not more") {
    PoolState pool(limits(2));
    pool.acquire(api, start);
    pool.acquire(api, start);
    pool.released(1, true, start, 1s);
    pool.released(2, true, start, 1h);
    CHECK(shown(pool.acquire(api, start + 999ms)) == "reuse 2");
    pool.released(2, true, start + 999ms, 1h);
    CHECK(shown(pool.acquire(api, start + 1s)) == "reuse 2, close 1");
    pool.released(2, true, start + 1s, 1h);
    CHECK(shown(pool.acquire(api, start + 31s)) == "open 3, close 2");
}

TEST_CASE("a connection past its age takes no new request, whether idle or coming back") {
    PoolLimits aging = limits(3);
    aging.age = 60s;
    aging.idleTime = 1h;
    PoolState pool(aging);
    pool.acquire(api, start);
    pool.acquire(api, start);
    CHECK(shown(pool.released(1, true, start + 59s)) == "idle");
    CHECK(shown(pool.acquire(api, start + 60s)) == "open 3, close 1");
    CHECK(shown(pool.released(2, true, start + 60s)) == "close 2");
    pool.acquire(api, start + 60s);
    pool.acquire(api, start + 60s);
    const QueueId waiter = pool.enqueue(api);
    CHECK(shown(pool.released(3, true, start + 121s)) == "open 6 to " + std::to_string(waiter) + ", close 3");
}

TEST_CASE("only so many stay idle: the one that was idle longest goes") {
    PoolLimits few = limits(5);
    few.idlePerOrigin = 2;
    PoolState pool(few);
    for (int i = 0; i < 3; ++i) pool.acquire(api, start);
    CHECK(shown(pool.released(2, true, start + 1s)) == "idle");
    CHECK(shown(pool.released(1, true, start + 2s)) == "idle");
    CHECK(shown(pool.released(3, true, start + 3s)) == "close 2");
    few.idlePerOrigin = 0;
    PoolState none(few);
    none.acquire(api, start);
    CHECK(shown(none.released(1, true, start)) == "close 1");
}

TEST_CASE("who waits is served in the order of coming, urgent ones first, whether the connection lives or not") {
    for (const bool lives : {true, false}) {
        CAPTURE(lives);
        PoolState pool(limits(1));
        pool.acquire(api, start);
        for (int i = 0; i < 4; ++i) pool.acquire(api, start, Priority::urgent);
        const QueueId first = pool.enqueue(api), second = pool.enqueue(api),
                      urgent = pool.enqueue(api, Priority::urgent);
        ConnectionId held = 5;
        const auto comesBack = [&] {
            const Released decision = pool.released(held, lives, start);
            REQUIRE(decision.served.size() == 1);
            CHECK(decision.served[0].open == !lives);
            held = decision.served[0].connection;
            return decision.served[0].waiter;
        };
        CHECK(comesBack() == urgent);
        if (!lives)
            for (ConnectionId id : {2, 3, 4}) CHECK(pool.released(id, false, start).served.empty());
        if (!lives) CHECK(pool.released(held, false, start).served.empty());  // the reserve is not for the others
        if (!lives) held = 1;
        CHECK(comesBack() == first);
        CHECK(comesBack() == second);
    }
}

TEST_CASE("who leaves the line is not served, and leaving twice is nothing") {
    PoolState pool(limits(1));
    pool.acquire(api, start);
    const QueueId first = pool.enqueue(api), second = pool.enqueue(api);
    pool.leave(first);
    pool.leave(first);
    CHECK_FALSE(pool.isWaiting(first));
    CHECK(shown(pool.released(1, true, start)) == "give 1 to " + std::to_string(second));
    pool.leave(second);
    CHECK(shown(pool.released(1, true, start)) == "idle");
}

TEST_CASE("an idle connection elsewhere makes way where the total is reached") {
    PoolState pool(limits(5, 2));
    pool.acquire(api, start);
    pool.acquire(edge, start);
    CHECK(shown(pool.acquire(edge, start)) == "wait");
    const QueueId waiter = pool.enqueue(edge);
    // It comes back, nobody of its own origin wants it, and it is closed for the other.
    CHECK(shown(pool.released(1, true, start)) == "open 3 to " + std::to_string(waiter) + ", close 1");
    pool.released(2, true, start + 1s);
    pool.released(3, true, start + 2s);
    CHECK(shown(pool.acquire(api, start + 3s)) == "open 4, close 2");
}

TEST_CASE("between origins whoever came first is served first, if its own origin has a place") {
    PoolState pool(limits(1, 2));
    pool.acquire(api, start);
    pool.acquire(edge, start);
    const QueueId early = pool.enqueue(api), late = pool.enqueue(2);
    // The place that comes free is not for the early one: its origin is at its limit.
    CHECK(shown(pool.released(2, false, start)) == "open 3 to " + std::to_string(late) + ", close 2");
    CHECK(shown(pool.released(1, false, start)) == "open 4 to " + std::to_string(early) + ", close 1");
}

TEST_CASE("a connection that its own origin could use again makes way for one who came before, to another") {
    PoolState pool(limits(5, 1));
    pool.acquire(api, start);
    const QueueId early = pool.enqueue(edge), late = pool.enqueue(api);
    CHECK(shown(pool.released(1, true, start)) == "open 2 to " + std::to_string(early) + ", close 1");
    const QueueId urgent = pool.enqueue(edge, Priority::urgent);
    CHECK(shown(pool.released(2, true, start)) == "give 2 to " + std::to_string(urgent));
    CHECK(shown(pool.released(2, true, start)) == "open 3 to " + std::to_string(late) + ", close 2");
}

TEST_CASE("a dead connection gives its place back") {
    PoolState pool(limits(1));
    pool.acquire(api, start);
    pool.released(1, true, start);
    CHECK(shown(pool.acquire(api, start)) == "reuse 1");
    pool.dropped(1);
    CHECK(pool.open() == 0);
    CHECK(shown(pool.acquire(api, start)) == "open 2");
}

TEST_CASE("idle ones are given away at once") {
    PoolState pool(limits(3));
    for (int i = 0; i < 3; ++i) pool.acquire(api, start);
    pool.released(1, true, start);
    pool.released(3, true, start);
    CHECK(pool.takeIdle() == std::vector<ConnectionId>{1, 3});
    CHECK(pool.open() == 1);
    CHECK(pool.takeIdle().empty());
}

TEST_CASE("random traffic: limits hold, nobody is forgotten, and nobody waits while a place is free") {
    for (unsigned seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto below = [&](std::size_t n) { return random() % n; };
        PoolLimits tight = limits(1 + below(4), 1 + below(6));
        tight.idlePerOrigin = below(4);
        tight.idleTime = 5s;
        tight.age = 40s;
        PoolState pool(tight);
        std::set<ConnectionId> inUse, known;
        std::set<QueueId> waiting;
        PoolTime now = start;
        const auto close = [&](const std::vector<ConnectionId>& ids) {
            for (const ConnectionId id : ids) {
                CHECK(known.erase(id) == 1);
                CHECK_FALSE(inUse.contains(id));
            }
        };
        const auto use = [&](ConnectionId id, bool isNew) {
            CHECK(known.contains(id) == !isNew);
            known.insert(id);
            CHECK(inUse.insert(id).second);
        };
        for (int i = 0; i < 400; ++i) {
            now += std::chrono::milliseconds(below(2000));
            const OriginId origin = below(3);
            const Priority priority = below(5) == 0 ? static_cast<Priority>(below(3)) : Priority::ordinary;
            switch (below(5)) {
                case 0:
                case 1: {
                    const Acquired decision = pool.acquire(origin, now, priority);
                    close(decision.close);
                    if (decision.kind == Acquired::Kind::wait)
                        waiting.insert(pool.enqueue(origin, priority));
                    else
                        use(decision.connection, decision.kind == Acquired::Kind::open);
                    break;
                }
                case 2:
                case 3: {
                    if (inUse.empty()) break;
                    const ConnectionId id = *std::next(inUse.begin(), static_cast<std::ptrdiff_t>(below(inUse.size())));
                    inUse.erase(id);
                    const Released decision = pool.released(id, below(4) > 0, now);
                    for (const Served& one : decision.served) {
                        CHECK(waiting.erase(one.waiter) == 1);
                        use(one.connection, one.open);
                    }
                    close(decision.close);
                    break;
                }
                default:
                    if (waiting.empty()) break;
                    pool.leave(*waiting.begin());
                    waiting.erase(waiting.begin());
            }
            CHECK(pool.open() == known.size());
            CHECK(pool.open() <= tight.total + 4);
            for (OriginId id = 0; id < 3; ++id) {
                CHECK(pool.open(id) <= tight.perOrigin + 4);
                if (pool.open() < tight.total && pool.open(id) < tight.perOrigin) CHECK_FALSE(pool.hasWaiters(id));
            }
        }
        while (!inUse.empty()) {
            const ConnectionId id = *inUse.begin();
            inUse.erase(id);
            for (const Served& one : pool.released(id, true, now).served) {
                CHECK(waiting.erase(one.waiter) == 1);
                inUse.insert(one.connection);
            }
        }
        CHECK(waiting.empty());
    }
}
