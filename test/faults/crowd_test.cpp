// Rows 36-39: many callers, one expired token.
#include "faults/aged_session.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <numeric>
#include <random>

using namespace wix;
using namespace wix::test;
using testing::HoldPoint;
using testing::Rotation;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

/// An expired session, a crowd of callers that all wait, and their exchange held at the endpoint.
struct Crowd : Shopper {
    explicit Crowd(int count, std::optional<ScriptedReply> answer = std::nullopt) {
        expire();
        if (answer) site.fake.failNext("token", 100'000, *answer);
        site.fake.hold("token");
        session.startWaiting(outcomes, count);
        runUntil(site.io, [&] { return site.fake.waitUntilHeld("token", 1, 0ms); });
        site.io.poll();  // the last of them have come too
        CHECK(outcomes.empty());
    }
    void release() {
        site.fake.release("token");
        site.settle();
    }
    TokenOutcomes outcomes;
};

asio::awaitable<TokenOutcome> cancellable(detail::TokenManager::Operation operation) {
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_return co_await std::move(operation);
}

}  // namespace

TEST_CASE("1000 callers on an expired token: exactly one exchange, and all are served once [36]") {
    Crowd crowd(1000);
    CHECK(crowd.asked() == 1);
    crowd.release();
    REQUIRE(crowd.outcomes.size() == 1000);
    for (const TokenOutcome& outcome : crowd.outcomes) {
        REQUIRE(outcome.has_value());
        CHECK(*outcome == *crowd.outcomes.front());
    }
    CHECK((*crowd.outcomes.front())->generation == crowd.before->generation + 1);
    CHECK(crowd.asked() == 1);
    CHECK(crowd.site.observer->take() == Events{"started expired", "finished for 1000"});
    crowd.checkKept();
    CHECK(crowd.session.hasCart());
}

TEST_CASE("the same, and the exchange fails: one exchange, 1000 copies of one error, no retries in a row [37]") {
    Crowd crowd(1000, ScriptedReply(503));
    crowd.release();
    REQUIRE(crowd.outcomes.size() == 1000);
    for (const TokenOutcome& outcome : crowd.outcomes) {
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == Errc::token_unavailable);
        CHECK(outcome.error().retryAt == crowd.outcomes.front().error().retryAt);
        CHECK(outcome.error().requestId == crowd.outcomes.front().error().requestId);
    }
    CHECK(crowd.asked() == 1);
    CHECK(crowd.site.observer->take() == Events{"started expired", "failed for 1000"});
    crowd.checkUnchanged();
    crowd.checkRecovers();
}

TEST_CASE("who started the exchange leaves: it goes on, and the others get its result [38]") {
    for (const auto type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total}) {
        CAPTURE(static_cast<int>(type));
        asio::cancellation_signal signal;  // outlives the operation
        Shopper shopper;
        shopper.site.fake.setRotation(Rotation(true, 0s, true));
        shopper.expire();
        shopper.site.fake.hold("token", HoldPoint::beforeReply);  // the server has rotated already
        std::optional<TokenOutcome> initiator;
        asio::co_spawn(shopper.site.io, cancellable(shopper.session.tokens().usable(detail::WaitLimits())),
                       asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, TokenOutcome outcome) {
                           initiator.emplace(std::move(outcome));
                       }));
        runUntil(shopper.site.io, [&] { return shopper.site.fake.waitUntilHeld("token", 1, 0ms); });
        TokenOutcomes outcomes;
        shopper.session.startWaiting(outcomes, 10);
        shopper.site.io.poll();
        signal.emit(type);
        runUntil(shopper.site.io, [&] { return initiator.has_value(); });
        REQUIRE(initiator->has_error());
        CHECK(initiator->error().code == asio::error::operation_aborted);
        CHECK(outcomes.empty());
        shopper.site.fake.release("token");
        shopper.site.settle();
        REQUIRE(outcomes.size() == 10);
        for (const TokenOutcome& outcome : outcomes) REQUIRE(outcome.has_value());
        const Tokens after = (*outcomes.front())->tokens;
        CHECK(after.refreshToken.value != shopper.before->tokens.refreshToken.value);
        CHECK(shopper.site.stored() == after);
        CHECK(shopper.asked() == 1);
        CHECK(shopper.site.observer->take() == Events{"started expired", "finished for 10"});
        CHECK(shopper.session.hasCart());
    }
}

TEST_CASE("some of the callers leave, any of them: the others do not notice [39]") {
    std::mt19937 random(39);
    for (const std::size_t leaving : {1, 50, 99, 100}) {
        CAPTURE(leaving);
        Shopper shopper;
        shopper.site.fake.setRotation(Rotation(true, 0s, true));
        shopper.expire();
        shopper.site.fake.hold("token");
        std::vector<std::stop_source> stops(100);
        std::vector<TokenOutcomes> outcomes(100);
        for (std::size_t i = 0; i < 100; ++i) {
            detail::WaitLimits limits;
            limits.stop = stops[i].get_token();
            shopper.session.startWaiting(outcomes[i], 1, std::move(limits));
        }
        runUntil(shopper.site.io, [&] { return shopper.site.fake.waitUntilHeld("token", 1, 0ms); });
        std::vector<std::size_t> order(100);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::shuffle(order.begin(), order.end(), random);
        for (std::size_t i = 0; i < leaving; ++i) stops[order[i]].request_stop();
        runUntil(shopper.site.io, [&] {
            return std::all_of(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(leaving),
                               [&](std::size_t who) { return outcomes[who].size() == 1; });
        });
        shopper.site.fake.release("token");
        shopper.site.settle();
        const detail::SnapshotPtr after = shopper.session.goodToken();
        for (std::size_t i = 0; i < 100; ++i) {
            const TokenOutcomes& mine = outcomes[order[i]];
            REQUIRE(mine.size() == 1);
            if (i < leaving) {
                REQUIRE(mine.front().has_error());
                CHECK(mine.front().error().code == asio::error::operation_aborted);
            } else {
                REQUIRE(mine.front().has_value());
                CHECK(*mine.front() == after);
            }
        }
        CHECK(shopper.asked() == 1);
        CHECK(shopper.site.observer->take() ==
              Events{"started expired", "finished for " + std::to_string(100 - leaving)});
        CHECK(after->generation == shopper.before->generation + 1);
        CHECK(after->tokens.refreshToken.value != shopper.before->tokens.refreshToken.value);
        CHECK(shopper.site.stored() == after->tokens);  // the rotated token is kept, also if nobody waits for it
        CHECK(shopper.session.hasCart());
    }
}
