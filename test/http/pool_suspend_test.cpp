// Connections age while the machine is suspended. The pool gets times, so that a suspend is a jump of them.
#include "http/pool_limits.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <type_traits>
#include <vector>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {
using Kind = Acquired::Kind;
using Ids = std::vector<ConnectionId>;
}  // namespace

static_assert(std::is_same_v<PoolTime, BootTime>, "the pool's time goes on while the machine is suspended");

TEST_CASE("a connection that was idle while the machine was suspended is not used [C3]") {
    struct Row {
        std::chrono::milliseconds later;
        bool isUsed;
    };
    for (const Row& row : {Row{0ms, true}, Row{29'999ms, true}, Row{30s, false}, Row{8h, false}}) {
        CAPTURE(row.later.count());
        PoolState used(limits(2));
        used.acquire(api, start);
        used.released(1, true, start);
        const Acquired next = used.acquire(api, start + row.later);
        CHECK(next.kind == (row.isUsed ? Kind::reuse : Kind::open));
        CHECK(next.close == (row.isUsed ? Ids() : Ids{1}));

        // One that was opened ahead of need and never used.
        PoolState ahead(limits(2));
        ahead.acquireAhead(api, start);
        ahead.released(1, true, start);
        CHECK(ahead.acquireAhead(api, start + row.later).kind == (row.isUsed ? Kind::reuse : Kind::open));

        // It does not count against the limits either.
        PoolState full(limits(1));
        full.acquire(api, start);
        full.released(1, true, start);
        const Acquired ordinary = full.reuse(api, start + row.later, Priority::ordinary, true);
        CHECK(ordinary.kind == (row.isUsed ? Kind::reuse : Kind::wait));
        CHECK(full.open() == (row.isUsed ? 1u : 0u));
    }
}

TEST_CASE("a connection that was in use while the machine was suspended takes no other request [C3]") {
    PoolState pool(limits(2));
    pool.acquire(api, start);
    CHECK(pool.released(1, true, start + 8h).close == Ids{1});
    CHECK(pool.acquire(api, start + 8h).kind == Kind::open);

    // Nor is it handed to a queued request.
    PoolState busy(limits(1));
    busy.acquire(api, start);
    const QueueId waiter = busy.enqueue(api);
    const Released decision = busy.released(1, true, start + 8h);
    REQUIRE(decision.served.size() == 1);
    CHECK(decision.served[0].waiter == waiter);
    CHECK(decision.served[0].open);
}

TEST_CASE("a queued request is not served by a connection that was idle during a suspend [C3]") {
    PoolLimits narrow = limits(2);
    narrow.urgent = 1;
    PoolState pool(narrow);
    pool.acquire(api, start);
    pool.acquire(edge, start, Priority::urgent);
    pool.released(1, true, start);
    const QueueId waiter = pool.enqueue(api, Priority::urgent);
    const Released decision = pool.released(2, true, start + 8h);
    REQUIRE(decision.served.size() == 1);
    CHECK(decision.served[0].waiter == waiter);
    CHECK(decision.served[0].open);
}
