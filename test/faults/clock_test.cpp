// Rows 87 and 88: clocks that jump.
#include "faults/aged_session.hpp"

using namespace wix;
using namespace wix::test;

TEST_CASE("the wall clock jumps in the middle of a token's life: the time of its renewal is the same [87]") {
    for (const std::chrono::seconds jump : {3600s, -3600s, 1s, -1s}) {
        CAPTURE(jump.count());
        Shopper shopper;
        shopper.age(1h);
        shopper.site.clock.jump(jump);
        shopper.toLast(300s);  // before the advisory window
        for (int call = 0; call < 100; ++call) CHECK(shopper.session.goodToken() == shopper.before);
        shopper.site.settle();
        CHECK(shopper.asked() == 0);
        shopper.toLast(200s);
        for (int call = 0; call < 100; ++call) CHECK(shopper.session.goodToken() == shopper.before);
        shopper.site.settle();
        CHECK(shopper.asked() == 1);
        shopper.site.clock.jump(-jump);  // and back
        const detail::SnapshotPtr after = shopper.session.goodToken();
        CHECK(after->generation == shopper.before->generation + 1);
        for (int call = 0; call < 100; ++call) CHECK(shopper.session.goodToken() == after);
        shopper.site.settle();
        CHECK(shopper.asked() == 1);
        CHECK(shopper.site.observer->take() == Events{"started ahead", "finished for 0"});
        shopper.checkKept();
        CHECK(shopper.session.hasCart());
    }
}

TEST_CASE("the machine was suspended past the token's end: the next call renews before it is sent [88]") {
    Shopper shopper;
    shopper.age(3h);
    CHECK(shopper.session.hasCart());
    const auto carts = shopper.site.fake.state().requests["cart"];
    // The time since boot has gone on, and the wall clock; the clock of timers and deadlines has stood still.
    shopper.age(2h);
    CHECK(shopper.asked() == 0);
    CHECK(shopper.session.hasCart());
    CHECK(shopper.asked() == 1);
    CHECK(shopper.site.fake.state().requests["cart"] == carts + 1);  // no 401 came first
    CHECK(shopper.site.observer->take() == Events{"started expired", "finished for 1"});
    shopper.checkKept();
}
