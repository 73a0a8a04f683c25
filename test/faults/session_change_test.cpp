// Rows 40, 41 and 44: while an exchange is under way the session changes, or the exchange cannot even
// start.
#include "faults/aged_session.hpp"
#include "support/held.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace wix;
using namespace wix::test;
using testing::HoldPoint;
using testing::Rotation;
namespace asio = boost::asio;

namespace {

/// An exchange of A's is held after its effect at the server, and ten callers wait for it.
struct MidFlight : Shopper {
    MidFlight() {
        site.fake.setRotation(Rotation(true, 0s));
        other = AgedSession(site, OAuthStrategy(clientId)).goodToken()->tokens;
        site.observer->take();
        expire();
        requestsBefore = site.tokenRequests();
        site.fake.hold("token", HoldPoint::beforeReply);
        session.startWaiting(outcomes, 10);
        runUntil(site.io, [&] { return site.fake.waitUntilHeld("token", 1, 0ms); });
        site.io.poll();
        CHECK(outcomes.empty());
    }
    /// setTokens(), as far as it goes without the endpoint.
    void set(const Tokens& tokens) {
        bool done = false;
        asio::co_spawn(site.io, session.tokens().adopt(tokens, false, detail::WaitLimits())(asio::use_awaitable),
                       [&](std::exception_ptr error, const TokenOutcome& outcome) {
                           CHECK_FALSE(error);
                           CHECK(outcome.has_value());
                           done = true;
                       });
        runUntil(site.io, [&] { return done; });
    }
    void release() {
        site.fake.release("token");
        site.settle();
        CHECK(outcomes.size() == 10);
    }
    TokenOutcomes outcomes;
    Tokens other;  // of B, valid for 4 h at the time of A
};

}  // namespace

TEST_CASE("setTokens(B) during A's exchange: its result is dropped, and A's waiters get B [40]") {
    MidFlight flight;
    flight.other.accessToken.expiresAt += 4h;  // B is fresh
    flight.set(flight.other);
    runUntil(flight.site.io, [&] { return flight.outcomes.size() == 10; });  // before A's exchange has ended
    for (const TokenOutcome& outcome : flight.outcomes) {
        REQUIRE(outcome.has_value());
        CHECK((*outcome)->tokens == flight.other);
    }
    flight.release();
    CHECK(flight.session.active() == flight.other);
    CHECK(flight.site.stored() == flight.other);
    CHECK(flight.asked() == 1);
    CHECK(flight.session.goodToken()->generation == flight.before->generation + 1);  // A's was never published
    CHECK(flight.site.observer->take() == Events{"started expired", "failed for 0"});
    CHECK(flight.site.fake.state().visitors == 2);
}

TEST_CASE("the same with a B that has expired: it is renewed for A's waiters [40]") {
    MidFlight flight;
    flight.set(flight.other);
    CHECK(flight.outcomes.empty());
    flight.release();
    const Tokens after = flight.session.goodToken()->tokens;
    for (const TokenOutcome& outcome : flight.outcomes) {
        REQUIRE(outcome.has_value());
        CHECK((*outcome)->tokens == after);
    }
    CHECK(after.refreshToken.value != flight.other.refreshToken.value);  // rotated
    CHECK(flight.asked() == 2);
    CHECK(has(lastRequest(flight.site.fake, "token").body, flight.other.refreshToken.value));
    CHECK(flight.site.stored() == after);
    CHECK(flight.site.fake.state().visitors == 2);
}

TEST_CASE("logout after the exchange has left: its result is discarded, from memory and from the storage [41]") {
    MidFlight flight;
    int saves = 0;
    flight.site.storage->onSave = [&](const Tokens& tokens) {
        ++saves;
        CHECK(tokens.refreshToken.role == TokenRole::visitor);
        CHECK_FALSE(tokens.refreshToken.value == flight.before->tokens.refreshToken.value);
    };
    flight.set(Tokens());
    CHECK(flight.site.stored().empty());
    flight.release();
    // A's callers wanted a token, whoever they are now: they get a new visitor's.
    CHECK(flight.asked() == 2);
    CHECK(flight.site.fake.state().tokens["anonymous"] == 3);
    for (const TokenOutcome& outcome : flight.outcomes) {
        REQUIRE(outcome.has_value());
        CHECK((*outcome)->tokens == flight.session.active());
        CHECK((*outcome)->epoch != flight.before->epoch);
    }
    CHECK(saves == 1);
    CHECK(flight.site.stored() == flight.session.active());
    CHECK(flight.session.call(Request("GET", cartPath))->status == 404);  // not A's cart
}

TEST_CASE("logout, and nobody wants a token any more: there is no session, and none comes back [41]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.hold("token", HoldPoint::beforeReply);
    std::stop_source leave;
    detail::WaitLimits limits;
    limits.stop = leave.get_token();
    TokenOutcomes outcomes;
    shopper.session.startWaiting(outcomes, 1, std::move(limits));
    runUntil(shopper.site.io, [&] { return shopper.site.fake.waitUntilHeld("token", 1, 0ms); });
    leave.request_stop();
    bool loggedOut = false;
    asio::co_spawn(shopper.site.io,
                   shopper.session.tokens().adopt(Tokens(), false, detail::WaitLimits())(asio::use_awaitable),
                   [&](std::exception_ptr, const TokenOutcome& outcome) { loggedOut = outcome.has_value(); });
    runUntil(shopper.site.io, [&] { return loggedOut; });
    shopper.site.fake.release("token");
    shopper.site.settle();
    CHECK(outcomes.size() == 1);
    CHECK(shopper.session.active().empty());
    CHECK(shopper.site.stored().empty());
    CHECK(shopper.asked() == 1);
    CHECK(shopper.site.fake.state().visitors == 1);
}

namespace {

/// A transport that can fail as no transport should.
class ThrowingTransport final : public detail::TransportInterface {
public:
    explicit ThrowingTransport(std::shared_ptr<detail::HttpTransport> real) : real_(std::move(real)) {}
    asio::awaitable<result<detail::HttpReply>> send(detail::WireRequestPtr request,
                                                    detail::WaitLimits limits) override {
        if (throwsAtOnce) throw std::bad_alloc();
        if (throwsLater) return thrown();
        return real_->send(std::move(request), std::move(limits));
    }
    std::shared_ptr<void> backgroundSlot() override { return real_->backgroundSlot(); }
    detail::RetryQuotas& retryQuotas() override { return real_->retryQuotas(); }
    bool throwsAtOnce = false;
    bool throwsLater = false;

private:
    static asio::awaitable<result<detail::HttpReply>> thrown() {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        throw std::runtime_error("SECRET");
    }
    std::shared_ptr<detail::HttpTransport> real_;
};

}  // namespace

TEST_CASE("the start of an exchange throws: its waiters get an error, and the next call works [44]") {
    Site site;
    const auto transport = std::make_shared<ThrowingTransport>(site.transport);
    SUBCASE("at once") { transport->throwsAtOnce = true; }
    SUBCASE("later, while it is awaited") { transport->throwsLater = true; }
    detail::TokenManagerSetup setup;
    setup.strategy = strategyWith(site.storage);
    setup.storageKey = clientId;
    setup.request.origin = detail::parseApiBase("url", site.fake.url(), false)->origin;
    setup.request.method = "POST";
    setup.request.target = "/oauth2/token";
    setup.request.headers.emplace_back("Content-Type", "application/json");
    setup.transport = transport;
    setup.clock = &site.clock;
    setup.observer = site.observer;
    const auto manager = std::make_shared<detail::TokenManager>(site.io.get_executor(), std::move(setup));

    TokenOutcomes outcomes;
    for (int i = 0; i < 10; ++i)
        asio::co_spawn(site.io, manager->usable(detail::WaitLimits())(asio::use_awaitable),
                       [&](std::exception_ptr, TokenOutcome outcome) { outcomes.push_back(std::move(outcome)); });
    site.settle();
    REQUIRE(outcomes.size() == 10);
    for (const TokenOutcome& outcome : outcomes) {
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == Errc::token_unavailable);
        CHECK(outcome.error().retryAt);
        CHECK_FALSE(has(Error(outcome.error()).what(), "SECRET"));
    }
    CHECK(site.tokenRequests() == 0);
    transport->throwsAtOnce = transport->throwsLater = false;
    site.advance(pauseOf(outcomes.front().error(), site));
    const TokenOutcome next = runOn(site.io, manager->usable(detail::WaitLimits()));
    REQUIRE(next.has_value());
    CHECK((*next)->generation == 1);
    CHECK(site.stored() == (*next)->tokens);
    CHECK(site.fake.state().visitors == 1);
    for (const std::string& event : site.observer->take()) CHECK_FALSE(has(event, "lost"));
}
