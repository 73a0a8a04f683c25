// Fault matrix C, row 8: the token endpoint refuses a refresh token with a JSON error that is no definite rejection. Only an
// experiment ends a session: refused three times alike, while a refresh of another visitor, the control, succeeds.
#include "faults/aged_session.hpp"

using namespace wix;
using namespace wix::test;
using testing::ScriptedReply;
using testing::TokenRequestMatch;

namespace {

constexpr const char* odd = R"({"message":"no","details":{"applicationError":{"code":"NO_SUCH_TOKEN"}}})";
const TokenRequestMatch refreshes("refresh_token");

TokenRequestMatch only(const Shopper& shopper) {
    return TokenRequestMatch("refresh_token", shopper.before->tokens.refreshToken.value);
}

/// The first refusal comes while the access token works, so that no caller pauses for it; then the token expires.
void refuseWhileAlive(Shopper& shopper, TokenRequestMatch match, const ScriptedReply& response) {
    shopper.toLast(30s);
    shopper.site.fake.failTokenRequests(std::move(match), 1000, response);
    CHECK(shopper.session.goodToken() == shopper.before);
    CHECK(shopper.asked() == 1);
    CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1"});
    shopper.expire();
}

std::uint64_t anonymousGrants(Shopper& shopper) { return shopper.site.fake.state().tokens["anonymous"]; }

/// The session is as before, and the error names the way out.
void checkNotDecided(Shopper& shopper, const Failure& failure) {
    CHECK(failure.code == Errc::token_unavailable);
    CHECK(has(failure.context, "setTokens(Tokens{})"));
    CHECK(shopper.session.active() == shopper.before->tokens);
    CHECK(shopper.site.stored() == shopper.before->tokens);
    for (const std::string& event : shopper.site.observer->take()) CHECK_FALSE(has(event, "lost"));
}

/// The refusals end: the same visitor continues, with the cart.
void checkSameVisitorContinues(Shopper& shopper) {
    shopper.site.fake.clearFaults();
    shopper.age(6min);
    const detail::SnapshotPtr after = shopper.session.goodToken();
    CHECK(after->tokens.refreshToken == shopper.before->tokens.refreshToken);
    CHECK(after->tokens.accessToken != shopper.before->tokens.accessToken);
    CHECK(shopper.session.hasCart());
}

}  // namespace

TEST_CASE("a passing condition in JSON never ends a session, however often it comes [8] [C2]") {
    int status = 400;
    const char* body = nullptr;
    std::vector<std::pair<std::string, std::string>> headers;
    SUBCASE("temporarily_unavailable") { body = R"({"error":"temporarily_unavailable"})"; }
    SUBCASE("slow_down") { body = R"({"error":"slow_down"})"; }
    SUBCASE("server_error, as a gateway spells it") { body = R"({"error":"SERVER-ERROR"})"; }
    SUBCASE("a rate limit in Wix's form") {
        status = 403;
        body = R"({"message":"x","details":{"applicationError":{"code":"RATE_LIMIT_EXCEEDED"}}})";
    }
    SUBCASE("too many requests") {
        status = 401;
        body = R"({"error":"too_many_requests"})";
    }
    SUBCASE("invalid_grant with Retry-After") {
        body = R"({"error":"invalid_grant"})";
        headers.emplace_back("Retry-After", "2");
    }
    SUBCASE("a refusal with Retry-After") {
        status = 403;
        body = odd;
        headers.emplace_back("Retry-After", "2");
    }
    SUBCASE("a firewall's JSON") {
        status = 403;
        body = R"({"message":"Forbidden"})";
    }
    SUBCASE("a framework's JSON") {
        status = 404;
        body = R"({"timestamp":1,"status":404,"error":"Not Found","path":"/oauth2/token"})";
    }
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failTokenRequests(TokenRequestMatch(), 1000, ScriptedReply(status, body, headers));
    for (int i = 0; i < 10; ++i) {
        const auto before = shopper.asked();
        CHECK(shopper.session.noToken().code == Errc::token_unavailable);
        CHECK(shopper.asked() == before + 1);
        shopper.age(2min);
    }
    for (const std::string& event : shopper.site.observer->take()) CHECK_FALSE(has(event, "lost"));
    shopper.checkUnchanged();
    shopper.checkRecovers();
}

TEST_CASE("a dead refresh token is replaced after an experiment with a successful control [C2]") {
    ScriptedReply response(403, odd);
    SUBCASE("400") { response.status = 400; }
    SUBCASE("401") { response.status = 401; }
    SUBCASE("403") {}
    SUBCASE("404") { response.status = 404; }
    SUBCASE("in the form of OAuth") { response = ScriptedReply(400, R"({"error":"access_denied"})"); }
    Shopper shopper;
    refuseWhileAlive(shopper, only(shopper), response);
    const int loadsBefore = shopper.site.storage->loads;

    const detail::SnapshotPtr after = shopper.session.goodToken();
    CHECK(shopper.asked() == 6);  // refused, refused, the control's grant and refresh, refused, a new visitor
    CHECK(shopper.site.storage->loads == loadsBefore + 2);  // with the lease, and after the verdict
    CHECK(after->tokens.refreshToken.value != shopper.before->tokens.refreshToken.value);
    CHECK(shopper.site.stored() == after->tokens);
    CHECK(shopper.site.fake.state().visitors == 3);  // the old one, the control and the new one
    CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1", "lost, new visitor for visitor",
                                                  "started sessionLost", "finished for 1"});
}

TEST_CASE("an experiment ends a member's session with an error, and under the policy to fail a visitor's [C2]") {
    TokenRole role = TokenRole::member;
    SessionLostPolicy policy = SessionLostPolicy::newVisitor;
    SUBCASE("a member") {}
    SUBCASE("a visitor, and the policy to fail") {
        role = TokenRole::visitor;
        policy = SessionLostPolicy::fail;
    }
    Shopper shopper(role, policy);
    refuseWhileAlive(shopper, only(shopper), ScriptedReply(403, odd));
    for (int i = 0; i < 3; ++i) {
        CHECK(shopper.session.noToken().code ==
              (role == TokenRole::member ? Errc::session_expired : Errc::session_lost));
        shopper.age(2min);
    }
    CHECK(shopper.asked() == 5);  // and never a new visitor
    CHECK(shopper.session.active() == shopper.before->tokens);
}

TEST_CASE("a gateway that refuses refreshes, or everything, ends no session [C2]") {
    TokenRequestMatch match;
    SUBCASE("refreshes only") { match = refreshes; }
    SUBCASE("everything") {}
    Shopper shopper;
    refuseWhileAlive(shopper, match, ScriptedReply(403, odd));
    checkNotDecided(shopper, shopper.session.noToken());
    const std::uint64_t controls = match.grantType.empty() ? 1 : 2;  // a grant, or a grant and a refresh
    CHECK(shopper.asked() == 2 + controls);
    for (int i = 0; i < 4; ++i) {
        shopper.age(61s);
        checkNotDecided(shopper, shopper.session.noToken());
        CHECK(shopper.asked() == 3 + i + controls);  // no control within 5 min of one that failed
    }
    shopper.age(61s);
    checkNotDecided(shopper, shopper.session.noToken());
    CHECK(shopper.asked() == 8 + controls);  // one request of it
    CHECK(anonymousGrants(shopper) <= 2);
    checkSameVisitorContinues(shopper);
}

TEST_CASE("a gateway that refuses grants only: without a control nothing is decided [C2]") {
    Shopper shopper;
    shopper.site.fake.failTokenRequests(TokenRequestMatch("anonymous"), 1000, ScriptedReply(403, odd));
    refuseWhileAlive(shopper, only(shopper), ScriptedReply(403, odd));
    checkNotDecided(shopper, shopper.session.noToken());
    CHECK(shopper.asked() == 3);
    CHECK(shopper.site.fake.state().visitors == 1);
    checkSameVisitorContinues(shopper);
}

TEST_CASE("a gateway with alternating codes ends no session [C2]") {
    Shopper shopper;
    shopper.toLast(30s);
    for (int i = 0; i < 100; ++i)
        shopper.site.fake.failTokenRequests(only(shopper), 1,
                                            ScriptedReply(i % 3 ? 403 : 401, i % 2 ? odd : R"({"error":"no"})"));
    CHECK(shopper.session.goodToken() == shopper.before);
    shopper.age(15s);
    CHECK(shopper.session.goodToken() == shopper.before);
    for (const std::string& event : shopper.site.observer->take()) CHECK_FALSE(has(event, "lost"));
    shopper.checkUnchanged();
    checkSameVisitorContinues(shopper);
}

TEST_CASE("the third refusal differs from the others: the session is kept [C2]") {
    Shopper shopper;
    shopper.toLast(30s);
    shopper.site.fake.failTokenRequests(only(shopper), 2, ScriptedReply(403, odd));
    SUBCASE("another code") {
        shopper.site.fake.failTokenRequests(only(shopper), 1, ScriptedReply(403, R"({"error":"access_denied"})"));
    }
    SUBCASE("another status") { shopper.site.fake.failTokenRequests(only(shopper), 1, ScriptedReply(404, odd)); }
    shopper.session.goodToken();
    shopper.expire();
    checkNotDecided(shopper, shopper.session.noToken());
    CHECK(shopper.asked() == 5);
    checkSameVisitorContinues(shopper);
}

TEST_CASE("the refusals end during the experiment: the same visitor continues at once [C2]") {
    Shopper shopper;
    shopper.toLast(30s);
    shopper.site.fake.failTokenRequests(only(shopper), 2, ScriptedReply(403, odd));
    shopper.session.goodToken();
    shopper.expire();
    const detail::SnapshotPtr after = shopper.session.goodToken();
    CHECK(shopper.asked() == 5);  // the third step is the renewal
    CHECK(after->tokens.refreshToken == shopper.before->tokens.refreshToken);
    CHECK(shopper.session.hasCart());
}

TEST_CASE("Retry-After of a failed control holds for the session that asked [C2]") {
    Shopper shopper;
    shopper.site.fake.failTokenRequests(TokenRequestMatch("anonymous"), 1,
                                        ScriptedReply(503, "", {{"Retry-After", "120"}}));
    refuseWhileAlive(shopper, only(shopper), ScriptedReply(403, odd));
    const Failure failure = shopper.session.noToken();
    checkNotDecided(shopper, failure);
    CHECK(pauseOf(failure, shopper.site) == 120s);
}

TEST_CASE("a caller that waits for the second attempt has its own deadline, and setTokens ends the wait [C2]") {
    Shopper shopper;
    shopper.expire();
    const Tokens other = AgedSession(shopper.site, OAuthStrategy(clientId)).goodToken()->tokens;
    shopper.site.fake.failTokenRequests(only(shopper), 1000, ScriptedReply(403, odd));
    TokenOutcomes late, served;
    shopper.session.startWaiting(late, 3, detail::WaitLimits(detail::MonotonicClock::now() + 300ms, std::stop_token()));
    SUBCASE("alone: no timer is left") { shopper.site.settle(); }
    SUBCASE("another caller still waits") {
        shopper.session.startWaiting(served, 1);
        runUntil(shopper.site.io, [&] { return late.size() == 3; });
        CHECK(served.empty());
        // The clock of the session stands still, and the pause never ends.
        boost::asio::co_spawn(
            shopper.site.io,
            shopper.session.tokens().adopt(other, false, detail::WaitLimits())(boost::asio::use_awaitable),
            [](std::exception_ptr error, const TokenOutcome& outcome) { CHECK((!error && outcome.has_value())); });
        runUntil(shopper.site.io, [&] { return served.size() == 1; });
        shopper.site.settle();
        REQUIRE(served.size() == 1);
        REQUIRE(served.front().has_value());
        CHECK((*served.front())->tokens == other);
    }
    REQUIRE(late.size() == 3);
    for (const TokenOutcome& outcome : late) {
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == Errc::timeout);
    }
    for (const std::string& event : shopper.site.observer->take()) CHECK_FALSE(has(event, "lost"));
}

TEST_CASE("another process renews between the two attempts: its record is adopted without an experiment [C2]") {
    Shopper shopper;
    AgedSession other(shopper.site);
    CHECK(other.goodToken()->tokens == shopper.before->tokens);
    shopper.toLast(30s);
    shopper.site.fake.failTokenRequests(refreshes, 1, ScriptedReply(403, odd));
    CHECK(shopper.session.goodToken() == shopper.before);
    const detail::SnapshotPtr renewed = other.goodToken();
    CHECK(renewed->tokens.accessToken != shopper.before->tokens.accessToken);
    shopper.expire();
    CHECK(shopper.session.goodToken()->tokens == renewed->tokens);
    CHECK(shopper.asked() == 2);
}

TEST_CASE("clients of one Transport, client id and set of token headers share a control [C2]") {
    Shopper shopper;
    refuseWhileAlive(shopper, only(shopper), ScriptedReply(403, odd));
    shopper.session.goodToken();
    CHECK(anonymousGrants(shopper) == 3);
    const auto lose = [&](OAuthStrategy strategy) {
        strategy.tokens = AgedSession(shopper.site, OAuthStrategy(clientId)).goodToken()->tokens;
        const std::string refresh = strategy.tokens.refreshToken.value;
        AgedSession session(shopper.site, std::move(strategy));
        shopper.age(4h - 30s);
        shopper.site.fake.failTokenRequests(TokenRequestMatch("refresh_token", refresh), 1000, ScriptedReply(403, odd));
        session.goodToken();
        shopper.age(30s);
        const auto before = anonymousGrants(shopper);
        CHECK(session.goodToken()->tokens.refreshToken.value != refresh);
        return anonymousGrants(shopper) - before;
    };
    CHECK(lose(OAuthStrategy(clientId)) == 1);  // the new visitor: the control has a token
    OAuthStrategy withHeader(clientId);
    withHeader.tokenRequestHeaders.emplace_back("X-Tenant", "a");
    CHECK(lose(withHeader) == 2);  // and a control of its own
    CHECK(lose(withHeader) == 1);
    CHECK(lose(OAuthStrategy("22222222-3333-4444-5555-666666666666")) == 2);
    for (const auto& request : shopper.site.fake.requests("token"))
        CHECK(request.header("Cache-Control") == "no-store");
}
