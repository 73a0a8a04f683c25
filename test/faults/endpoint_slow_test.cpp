// Rows 9 and 10: the token endpoint is slow, or silent. The exchange has a deadline of its own, and each
// of those who wait for it another.
#include "faults/aged_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

detail::WaitLimits waitAtMost(std::chrono::milliseconds time) {
    return detail::WaitLimits(std::chrono::steady_clock::now() + time, std::stop_token());
}

}  // namespace

TEST_CASE("an answer that drips: the total deadline ends the flight, and nobody else notices [9]") {
    Shopper shopper(150ms);
    AgedSession other(shopper.site, [&] {
        OAuthStrategy strategy = strategyWith(shopper.site.storage);
        strategy.sessionKey = "other";
        return strategy;
    }());
    const detail::SnapshotPtr othersToken = other.goodToken();
    shopper.expire();

    shopper.site.fake.dripNext("token", 1, 5ms);  // some 700 bytes
    TokenOutcomes outcomes;
    shopper.session.startWaiting(outcomes, 10);
    runUntil(shopper.site.io, [&] { return shopper.asked() == 2; });  // the other's first one, and the slow one
    std::optional<TokenOutcome> othersNext;
    std::size_t servedBefore = 99;
    asio::co_spawn(shopper.site.io, other.tokens().usable(detail::WaitLimits())(asio::use_awaitable),
                   [&](std::exception_ptr, TokenOutcome outcome) {
                       othersNext = std::move(outcome);
                       servedBefore = outcomes.size();
                   });
    shopper.site.settle();
    REQUIRE(othersNext);
    REQUIRE(othersNext->has_value());
    CHECK((**othersNext)->generation == othersToken->generation + 1);
    CHECK(servedBefore == 0);

    REQUIRE(outcomes.size() == 10);
    for (const TokenOutcome& outcome : outcomes) {
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == Errc::timeout);
        CHECK(outcome.error().retryAt);
    }
    CHECK(shopper.site.renewals() == 2);  // it had its effect, and is not repeated after the deadline
    CHECK(shopper.session.active() == shopper.before->tokens);

    shopper.age(61s);  // the lock is free
    CHECK(shopper.session.goodToken()->generation == shopper.before->generation + 1);
    CHECK(shopper.session.hasCart());
    CHECK(shopper.session.active().refreshToken == shopper.before->tokens.refreshToken);
    CHECK(shopper.site.stored().refreshToken == shopper.before->tokens.refreshToken);
    CHECK(shopper.site.stored(clientId + "/other").refreshToken == othersToken->tokens.refreshToken);
    CHECK(shopper.site.fake.state().visitors == 2);
}

TEST_CASE("an endpoint that never answers: the exchange ends at its deadline, and the next one works [10]") {
    Shopper shopper(500ms);
    shopper.expire();
    shopper.site.fake.hold("token");
    TokenOutcomes outcomes;
    shopper.session.startWaiting(outcomes, 10);
    shopper.site.settle();
    REQUIRE(outcomes.size() == 10);
    for (const TokenOutcome& outcome : outcomes) {
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == Errc::timeout);
        CHECK(outcome.error().retryAt);
    }
    CHECK(shopper.asked() == 1);
    shopper.checkUnchanged();
    shopper.site.fake.release("token");
    shopper.checkRecovers();
}

TEST_CASE("who waits less leaves earlier, and who waits longer gets the late answer [10]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.hold("token");
    TokenOutcomes hurried, patient;
    shopper.session.startWaiting(patient, 5);
    shopper.session.startWaiting(hurried, 5, waitAtMost(20ms));
    runUntil(shopper.site.io, [&] { return hurried.size() == 5; });
    for (const TokenOutcome& outcome : hurried) {
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == Errc::timeout);
        CHECK_FALSE(outcome.error().retryAt);  // theirs, not the exchange's
    }
    CHECK(patient.empty());
    CHECK(shopper.site.fake.waitUntilHeld("token", 1, 10s));
    shopper.site.fake.release("token");
    shopper.site.settle();
    REQUIRE(patient.size() == 5);
    for (const TokenOutcome& outcome : patient) {
        REQUIRE(outcome.has_value());
        CHECK((*outcome)->generation == shopper.before->generation + 1);
    }
    CHECK(shopper.asked() == 1);
    shopper.checkKept();
}

TEST_CASE("the answer comes when nobody waits any more: it is kept for the next caller [10]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.hold("token");
    TokenOutcomes hurried;
    shopper.session.startWaiting(hurried, 1, waitAtMost(20ms));
    runUntil(shopper.site.io, [&] { return hurried.size() == 1; });
    CHECK(hurried.front().error().code == Errc::timeout);
    CHECK(shopper.site.fake.waitUntilHeld("token", 1, 10s));
    shopper.site.fake.release("token");
    shopper.site.settle();
    CHECK(shopper.session.goodToken()->generation == shopper.before->generation + 1);
    CHECK(shopper.asked() == 1);
    shopper.checkKept();
    CHECK(shopper.session.hasCart());
}
