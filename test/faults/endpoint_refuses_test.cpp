// Rows 6-8: the token endpoint says no. A session ends only by a definite rejection of its refresh token,
// once, and never by an error of the configuration.
#include "faults/aged_session.hpp"

using namespace wix;
using namespace wix::test;
using testing::Rotation;
using testing::ScriptedReply;

TEST_CASE("invalid_grant: the storage is read again, then one event and one new visitor, for all waiters [6]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.revokeTokens();
    const int loadsBefore = shopper.site.storage->loads;
    TokenOutcomes outcomes;
    shopper.session.startWaiting(outcomes, 100);
    shopper.site.settle();
    REQUIRE(outcomes.size() == 100);
    for (const TokenOutcome& outcome : outcomes) {
        REQUIRE(outcome.has_value());
        CHECK(*outcome == *outcomes.front());
    }
    CHECK(shopper.asked() == 2);                            // the rejected one and the anonymous one
    CHECK(shopper.site.storage->loads == loadsBefore + 2);  // before the endpoint is asked, and after it has refused
    CHECK(shopper.site.fake.state().visitors == 2);
    CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 100", "lost, new visitor for visitor",
                                                  "started sessionLost", "finished for 100"});
    const detail::SnapshotPtr after = *outcomes.front();
    CHECK(after->tokens.refreshToken.value != shopper.before->tokens.refreshToken.value);
    CHECK(after->epoch != shopper.before->epoch);
    CHECK(shopper.site.stored() == after->tokens);
    CHECK(shopper.session.call(Request("GET", cartPath))->status == 404);  // a new visitor has none
    CHECK(shopper.asked() == 2);
}

TEST_CASE("invalid_grant for a member: an error, one event, and never a visitor [6]") {
    Shopper shopper(TokenRole::member);
    shopper.expire();
    shopper.site.fake.revokeTokens();
    for (int i = 0; i < 5; ++i) {
        CHECK(shopper.session.noToken().code == Errc::session_expired);
        shopper.age(2min);
    }
    CHECK(shopper.asked() == 1);  // no loop
    CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1", "lost, of member"});
    CHECK(shopper.session.active().refreshToken.role == TokenRole::member);
    shopper.checkUnchanged();
}

TEST_CASE("invalid_grant and the policy to fail: an error, one event, and the record stays [6]") {
    Shopper shopper(TokenRole::visitor, SessionLostPolicy::fail);
    shopper.expire();
    shopper.site.fake.revokeTokens();
    for (int i = 0; i < 5; ++i) {
        CHECK(shopper.session.noToken().code == Errc::session_lost);
        shopper.age(2min);
    }
    CHECK(shopper.asked() == 1);
    CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1", "lost, of visitor"});
    shopper.checkUnchanged();
}

TEST_CASE("another program was faster: its record is adopted, and the endpoint has nothing to refuse [6]") {
    Shopper shopper;
    shopper.site.fake.setRotation(Rotation(true, 0s));
    AgedSession sibling(shopper.site);
    CHECK(sibling.goodToken()->tokens == shopper.before->tokens);
    shopper.expire();
    const Tokens renewed = sibling.goodToken()->tokens;
    CHECK(renewed.refreshToken.value != shopper.before->tokens.refreshToken.value);
    shopper.site.observer->take();

    const detail::SnapshotPtr after = shopper.session.goodToken();
    CHECK(after->tokens == renewed);
    CHECK(after->generation == shopper.before->generation + 1);
    CHECK(shopper.asked() == 1);
    CHECK(shopper.site.observer->take() == Events{"adopted for 1"});
    CHECK(shopper.site.fake.state().visitors == 1);
    CHECK(shopper.site.stored() == renewed);
    CHECK(shopper.session.hasCart());
}

TEST_CASE("another program was faster while our request was on its way: refused, its record is adopted [6]") {
    TokenRole role = TokenRole::visitor;
    SUBCASE("a visitor") {}
    SUBCASE("a member") { role = TokenRole::member; }
    Shopper shopper(role);
    testing::FakeWix& fake = shopper.site.fake;
    fake.setRotation(Rotation(true, 0s));
    AgedSession sibling(shopper.site);  // this storage gives each the lease, as one does whose lease has run out
    CHECK(sibling.goodToken()->tokens == shopper.before->tokens);
    shopper.expire();

    TokenOutcomes ours, theirs;
    fake.hold("*");
    shopper.session.startWaiting(ours, 10);
    runUntil(shopper.site.io, [&] { return fake.waitUntilHeld("token", 1, 0ms); });
    fake.hold("token",
              testing::HoldPoint::beforeReply);  // a hold of its own: the sibling passes the one that we are in
    sibling.startWaiting(theirs, 1);
    runUntil(shopper.site.io, [&] { return fake.waitUntilHeld("token", 2, 0ms); });
    fake.release("token");
    runUntil(shopper.site.io, [&] { return theirs.size() == 1; });
    REQUIRE(theirs.front().has_value());
    const Tokens renewed = (*theirs.front())->tokens;
    CHECK(renewed.refreshToken.value != shopper.before->tokens.refreshToken.value);
    CHECK(shopper.site.stored() == renewed);
    CHECK(ours.empty());
    shopper.site.observer->take();

    fake.release("*");
    shopper.site.settle();
    REQUIRE(ours.size() == 10);
    for (const TokenOutcome& outcome : ours) {
        REQUIRE(outcome.has_value());
        CHECK((*outcome)->tokens == renewed);
        CHECK((*outcome)->epoch == shopper.before->epoch);
    }
    CHECK(shopper.asked() == 2);
    CHECK(shopper.site.renewals() == 1);
    CHECK(shopper.site.observer->take() == Events{"failed for 10"});  // and no session is lost
    CHECK(fake.state().visitors == 1);
    CHECK(shopper.site.stored() == renewed);
    CHECK(shopper.session.hasCart());
    shopper.age(4h);
    CHECK(shopper.session.goodToken()->tokens.refreshToken.role == role);  // and it can be renewed again
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("invalid_client: an error of the configuration, no storm of retries, and the session is kept [7]") {
    const char* body = nullptr;
    SUBCASE("invalid_client") { body = R"({"error":"invalid_client","error_description":"SECRET"})"; }
    SUBCASE("invalid_request") { body = R"({"error":"invalid_request"})"; }
    SUBCASE("unauthorized_client") { body = R"({"error":"unauthorized_client"})"; }
    SUBCASE("a validation error about the client id") {
        body = R"({"message":"SECRET","details":{"validationError":{"fieldViolations":[{"field":"clientId"}]}}})";
    }
    Shopper shopper(TokenRole::member);
    shopper.expire();
    shopper.site.fake.failNext("token", 100'000, ScriptedReply(400, body));
    for (int call = 0; call < 1000; ++call) {
        const Failure failure = shopper.session.noToken();
        CHECK(failure.code == Errc::misconfigured);
        CHECK_FALSE(has(failure.context, "SECRET"));
    }
    CHECK(shopper.asked() == 1);
    shopper.age(9s);
    CHECK(shopper.session.noToken().code == Errc::misconfigured);
    CHECK(shopper.asked() == 1);
    for (int second = 0; second < 120; ++second) {
        shopper.session.noToken();
        shopper.age(1s);
    }
    CHECK(shopper.asked() <= 13);
    for (const std::string& event : shopper.site.observer->take()) CHECK_FALSE(has(event, "lost"));
    shopper.checkUnchanged();
    shopper.checkRecovers();
}

TEST_CASE("a JSON error that is no definite rejection: asked once more, and the second one counts [8]") {
    int status = 0;
    const char* body = R"({"message":"no","details":{"applicationError":{"code":"NO_SUCH_TOKEN"}}})";
    SUBCASE("400") { status = 400; }
    SUBCASE("401") { status = 401; }
    SUBCASE("403") { status = 403; }
    SUBCASE("404") { status = 404; }
    SUBCASE("in the form of OAuth") {
        status = 400;
        body = R"({"error":"access_denied"})";
    }
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 2, ScriptedReply(status, body));
    const Failure first = shopper.session.noToken();
    CHECK(first.code == Errc::token_unavailable);
    CHECK(pauseOf(first, shopper.site) >= 1s);
    for (int call = 0; call < 100; ++call) shopper.session.noToken();
    CHECK(shopper.asked() == 1);
    shopper.checkUnchanged();
    CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1"});

    shopper.age(pauseOf(first, shopper.site));
    const detail::SnapshotPtr after = shopper.session.goodToken();
    CHECK(shopper.asked() == 3);
    CHECK(after->tokens.refreshToken.value != shopper.before->tokens.refreshToken.value);
    CHECK(shopper.site.fake.state().visitors == 2);
    CHECK(shopper.site.stored() == after->tokens);
    CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1", "lost, new visitor for visitor",
                                                  "started sessionLost", "finished for 1"});
}

TEST_CASE("a JSON error that is no definite rejection, and then an answer: the session goes on [8]") {
    Shopper shopper;
    shopper.expire();
    std::uint64_t asked = 0;
    for (const int status : {400, 401, 403, 404}) {
        CAPTURE(status);
        shopper.site.fake.failNext("token", 1, ScriptedReply(status, R"({"error":"access_denied"})"));
        const Failure failure = shopper.session.noToken();
        shopper.age(pauseOf(failure, shopper.site));
        CHECK(shopper.session.goodToken()->generation == shopper.before->generation + 1 + asked / 2);
        asked += 2;
        CHECK(shopper.asked() == asked);
        shopper.checkKept();
        shopper.age(4h);
    }
    CHECK(shopper.session.hasCart());
}
