// How many urgent requests are served at a time: PoolLimits::urgent.
#include "http/pool_limits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

using Kind = Acquired::Kind;

PoolLimits capped(std::size_t urgent, std::size_t perOrigin = 64, std::size_t total = 256) {
    PoolLimits made;
    made.urgent = urgent;
    made.perOrigin = perOrigin;
    made.total = total;
    return made;
}

/// The only one who is served, and by which connection.
std::pair<QueueId, ConnectionId> onlyServed(const Released& decision, bool open) {
    REQUIRE(decision.served.size() == 1);
    CHECK(decision.served[0].open == open);
    return {decision.served[0].waiter, decision.served[0].connection};
}
using Pair = std::pair<QueueId, ConnectionId>;

}  // namespace

TEST_CASE("at most so many urgent requests have a connection, over all origins; the others go on") {
    PoolState pool(capped(2));
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::open);
    CHECK(pool.acquire(edge, start, Priority::urgent).kind == Kind::open);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::wait);
    pool.enqueue(api, Priority::urgent);
    for (int i = 0; i < 64 - 1; ++i) CHECK(pool.acquire(api, start).kind == Kind::open);
    CHECK(pool.acquire(api, start).kind == Kind::wait);
}

TEST_CASE("an urgent one that waits is served when another one ends, in the order of coming") {
    for (const bool lives : {true, false}) {
        PoolState pool(capped(1));
        pool.acquire(api, start, Priority::urgent);
        const QueueId first = pool.enqueue(api, Priority::urgent), second = pool.enqueue(api, Priority::urgent);
        CHECK(onlyServed(pool.released(1, lives, start), !lives) == Pair(first, lives ? 1 : 2));
        CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::wait);
        CHECK(onlyServed(pool.released(lives ? 1 : 2, lives, start), !lives) == Pair(second, lives ? 1 : 3));
        CHECK(pool.released(lives ? 1 : 3, lives, start).served.empty());
        CHECK(pool.acquire(api, start, Priority::urgent).kind == (lives ? Kind::reuse : Kind::open));
    }
}

TEST_CASE("an urgent one that waits does not hold up the others behind it") {
    PoolState pool(capped(1, 2));
    pool.acquire(api, start, Priority::urgent);
    pool.acquire(api, start);
    const QueueId urgent = pool.enqueue(api, Priority::urgent), other = pool.enqueue(api);
    // The place of an ordinary one is for an ordinary one.
    CHECK(onlyServed(pool.released(2, true, start), false) == Pair(other, 2));
    const QueueId next = pool.enqueue(api);
    CHECK(onlyServed(pool.released(1, true, start), false) == Pair(urgent, 1));
    CHECK(onlyServed(pool.released(2, true, start), false) == Pair(next, 2));
}

TEST_CASE("an urgent one is served by an idle connection, wherever another one ends") {
    PoolState pool(capped(1));
    pool.acquire(api, start);
    pool.acquire(edge, start, Priority::urgent);
    pool.released(1, true, start);
    const QueueId waiter = pool.enqueue(api, Priority::urgent);
    CHECK(pool.open(api) == 1);
    CHECK(onlyServed(pool.released(2, true, start), false) == Pair(waiter, 1));
    CHECK(pool.acquire(edge, start).connection == 2);  // the other one is idle

    // Not by one that is too old.
    PoolState aged(capped(1));
    aged.acquire(api, start);
    aged.acquire(edge, start, Priority::urgent);
    aged.released(1, true, start);
    const QueueId late = aged.enqueue(api, Priority::urgent);
    const Released decision = aged.released(2, true, start + 30s);
    CHECK(onlyServed(decision, true) == Pair(late, 3));
    CHECK(decision.close == std::vector<ConnectionId>{1});
}

TEST_CASE(
    "whoever waits at an origin at its limit gets the connection that comes back, although an urgent one elsewhere "
    "is served first") {
    PoolState pool(capped(1, 1));
    pool.acquire(api, start, Priority::urgent);
    const QueueId other = pool.enqueue(api), urgent = pool.enqueue(edge, Priority::urgent);
    const Released decision = pool.released(1, true, start);
    REQUIRE(decision.served.size() == 2);
    CHECK(decision.served[0].waiter == urgent);
    CHECK(decision.served[0].open);
    CHECK(decision.served[1].waiter == other);
    CHECK(decision.served[1].connection == 1);
    CHECK(decision.close.empty());
}

TEST_CASE("a dead connection gives the right of an urgent request back") {
    PoolState pool(capped(1));
    pool.acquire(api, start);
    pool.released(1, true, start);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::reuse);
    pool.dropped(1);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::open);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::wait);
}

TEST_CASE("an ordinary request on a connection that an urgent one used counts as ordinary") {
    PoolState pool(capped(1));
    pool.acquire(api, start, Priority::urgent);
    pool.released(1, true, start);
    CHECK(pool.acquire(api, start).kind == Kind::reuse);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::open);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::wait);
    pool.released(1, true, start);
    CHECK(pool.acquire(api, start, Priority::urgent).kind == Kind::wait);
}

TEST_CASE("random traffic with a cap: it holds, urgent ones are served in their order, and nobody waits needlessly") {
    for (unsigned seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto below = [&](std::size_t n) { return random() % n; };
        PoolLimits tight = capped(1 + below(3), 1 + below(5), 2 + below(7));
        tight.idlePerOrigin = below(4);
        tight.idleTime = 5s;
        tight.age = 40s;
        PoolState pool(tight);
        std::map<ConnectionId, bool> inUse;  // whether by an urgent one
        std::map<QueueId, std::pair<OriginId, bool>> waiting;
        PoolTime now = start;
        const auto urgentInUse = [&] {
            return static_cast<std::size_t>(
                std::count_if(inUse.begin(), inUse.end(), [](const auto& one) { return one.second; }));
        };
        const auto serve = [&](const Released& decision) {
            for (const Served& one : decision.served) {
                const auto who = waiting.find(one.waiter);
                REQUIRE(who != waiting.end());
                const auto [origin, urgent] = who->second;
                CHECK(origin == one.origin);
                for (const auto& [earlier, what] : waiting)  // nobody of the same kind was there before
                    if (earlier < one.waiter) CHECK(what != who->second);
                waiting.erase(who);
                CHECK(inUse.emplace(one.connection, urgent).second);
            }
        };
        for (int i = 0; i < 400; ++i) {
            now += std::chrono::milliseconds(below(2000));
            const OriginId origin = below(3);
            const bool urgent = below(2) == 0;
            const std::size_t what = below(5);
            if (what < 2) {
                const Acquired decision = pool.acquire(origin, now, urgent ? Priority::urgent : Priority::ordinary);
                if (decision.kind == Kind::wait)
                    waiting.emplace(pool.enqueue(origin, urgent ? Priority::urgent : Priority::ordinary),
                                    std::pair(origin, urgent));
                else
                    CHECK(inUse.emplace(decision.connection, urgent).second);
            } else if (what < 4 && !inUse.empty()) {
                const auto one = std::next(inUse.begin(), static_cast<std::ptrdiff_t>(below(inUse.size())));
                const ConnectionId id = one->first;
                inUse.erase(one);
                serve(pool.released(id, below(4) > 0, now));
            } else if (!waiting.empty()) {
                pool.leave(waiting.begin()->first);
                waiting.erase(waiting.begin());
            }
            CHECK(urgentInUse() <= tight.urgent);
            CHECK(pool.open() <= tight.total + 4);
            for (const auto& [id, who] : waiting) {
                if (who.second && urgentInUse() >= tight.urgent) continue;
                CHECK_FALSE((pool.open() < tight.total && pool.open(who.first) < tight.perOrigin));
                CHECK(pool.open() >= inUse.size());
                // An idle connection of its own is never left to it, nor one elsewhere that could make way.
                const bool roomAtOrigin = pool.open(who.first) < tight.perOrigin;
                if (roomAtOrigin) CHECK(pool.open() == inUse.size());
            }
        }
        while (!inUse.empty()) {
            const ConnectionId id = inUse.begin()->first;
            inUse.erase(inUse.begin());
            serve(pool.released(id, true, now));
        }
        CHECK(waiting.empty());
    }
}
