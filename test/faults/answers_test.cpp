// Rows 18-24 and 29: what a token answer with status 200 may hold, and what it may lack.
#include "faults/aged_session.hpp"
#include "support/held.hpp"

using namespace wix;
using namespace wix::test;
using testing::CutPoint;
using testing::Rotation;
using testing::ScriptedReply;

namespace {

const std::string canary = "CANARY";

ScriptedReply ok(const std::string& body) { return ScriptedReply(200, body); }

/// What every useless answer has to leave behind: the callers' error, no secret in it, and the session.
void checkTransient(Shopper& shopper, std::uint64_t asked = 1) {
    const Failure failure = shopper.session.noToken();
    CHECK((failure.code == Errc::token_unavailable || failure.code == Errc::response_truncated));
    CHECK(failure.retryAt);
    CHECK_FALSE(has(Error(failure).what(), canary));
    CHECK(shopper.asked() == asked);
    shopper.session.noToken();
    CHECK(shopper.asked() == asked);  // remembered
    shopper.checkUnchanged();
}

std::string lastBody(const Shopper& shopper) { return lastRequest(shopper.site.fake, "token").body; }

}  // namespace

TEST_CASE("200 without a body: transient, and a token that still works is served [18]") {
    Shopper shopper;
    shopper.toLast(30s);  // callers wait for the renewal
    shopper.site.fake.failNext("token", 2, ok(""));
    CHECK(shopper.session.goodToken() == shopper.before);
    CHECK(shopper.session.hasCart());
    CHECK(shopper.asked() == 1);
    shopper.expire();
    checkTransient(shopper, 2);
    shopper.checkRecovers();
}

TEST_CASE("JSON that is cut: one prompt replay, and no more [19]") {
    Shopper shopper;
    shopper.expire();
    const std::string cut = R"({"access_token":")" + canary;
    SUBCASE("the replay brings the token") {
        shopper.site.fake.failNext("token", 1, ok(cut));
        CHECK(shopper.session.goodToken()->generation == shopper.before->generation + 1);
        CHECK(shopper.asked() == 2);
        CHECK(shopper.site.observer->take() == Events{"started expired", "finished for 1"});
        shopper.checkKept();
        CHECK(shopper.session.hasCart());
    }
    SUBCASE("the replay is cut too") {
        shopper.site.fake.failNext("token", 2, ok(cut));
        checkTransient(shopper, 2);
        CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1"});
        shopper.checkRecovers();
    }
    const auto seen = shopper.site.fake.requests("token");
    REQUIRE(seen.size() >= 3);
    CHECK(has(seen[1].body, shopper.before->tokens.refreshToken.value));
    CHECK(seen[1].body == seen[2].body);
}

TEST_CASE("an answer that is cut after a rotation: the replay gets the same pair [19]") {
    Shopper shopper;
    shopper.site.fake.setRotation(Rotation(true, 60s, true));
    shopper.expire();
    shopper.site.fake.cutNext("token", 1, CutPoint::midBody);
    const Tokens after = shopper.session.goodToken()->tokens;
    CHECK(shopper.asked() == 2);
    CHECK(after.refreshToken.value != shopper.before->tokens.refreshToken.value);
    CHECK(shopper.site.stored() == after);
    shopper.age(4h);
    shopper.session.goodToken();  // with the new one: nothing was revoked
    CHECK(shopper.site.fake.state().visitors == 1);
    CHECK(shopper.session.hasCart());
}

TEST_CASE("200 with something else: an error without a word of the body [20]") {
    const std::string pair = R"("access_token":"OauthNG.CANARY")";
    for (const std::string& body :
         {std::string("<html>CANARY</html>"), std::string("CANARY"), std::string(R"(["CANARY"])"),
          std::string(R"("CANARY")"), std::string(R"({"access_token":{"value":"CANARY"}})"),
          std::string(R"({"access_token":["CANARY"],"expires_in":3600})"),
          std::string(R"({"access_token":7,"refresh_token":"CANARY"})"), "{" + pair + "," + pair + "}",
          "{" + pair + R"(,"refresh_token":"a","refresh_token":"CANARY"})",
          "{" + pair + R"(,"expires_in":3600,"expires_in":7200})"}) {
        CAPTURE(body);
        Shopper shopper;
        shopper.expire();
        shopper.site.fake.failNext("token", 1, ok(body));
        checkTransient(shopper);
        shopper.checkRecovers();
    }
}

TEST_CASE("a new refresh token replaces the old one, in memory and in the storage, before anybody knows [21]") {
    Shopper shopper;
    shopper.site.fake.setRotation(Rotation(true, 0s, true));  // the old one is dead at once
    shopper.expire();
    TokenOutcomes outcomes;
    int saves = 0;
    shopper.site.storage->onSave = [&](const Tokens& tokens) {
        ++saves;
        CHECK(outcomes.empty());
        CHECK(tokens.refreshToken.value != shopper.before->tokens.refreshToken.value);
        CHECK(tokens.accessToken.value != shopper.before->tokens.accessToken.value);
    };
    shopper.session.startWaiting(outcomes, 10);
    shopper.site.settle();
    REQUIRE(outcomes.size() == 10);
    CHECK(saves == 1);
    const Tokens after = (*outcomes.front())->tokens;
    for (const TokenOutcome& outcome : outcomes) CHECK((*outcome)->tokens == after);
    CHECK(after.refreshToken.value != shopper.before->tokens.refreshToken.value);
    CHECK(after.refreshToken.role == TokenRole::visitor);
    CHECK(shopper.session.active() == after);
    CHECK(shopper.site.stored() == after);

    shopper.age(4h);
    shopper.site.storage->onSave = nullptr;
    shopper.session.goodToken();
    CHECK(has(lastBody(shopper), after.refreshToken.value));
    CHECK(shopper.asked() == 2);
    CHECK(shopper.site.fake.state().visitors == 1);
    CHECK(shopper.session.hasCart());
}

TEST_CASE("no refresh_token in the answer: the old one stays, in memory and in the storage [22]") {
    Shopper shopper;
    for (const char* body : {R"({"access_token":"OauthNG.JWS.x","expires_in":14400})",
                             R"({"access_token":"OauthNG.JWS.x","refresh_token":null,"expires_in":14400})",
                             R"({"access_token":"OauthNG.JWS.x","refresh_token":"","expires_in":14400})"}) {
        CAPTURE(body);
        shopper.age(4h);
        shopper.site.fake.failNext("token", 1, ok(body));
        const Tokens after = shopper.session.goodToken()->tokens;
        CHECK(after.accessToken.value == "OauthNG.JWS.x");
        CHECK(shopper.site.stored() == after);
        shopper.checkKept();
    }
    shopper.age(4h);
    CHECK(shopper.session.hasCart());  // and it still works
    CHECK(has(lastBody(shopper), shopper.before->tokens.refreshToken.value));
    shopper.checkKept();
}

TEST_CASE("no access_token in the answer: transient, and of a half answer nothing is taken [23]") {
    for (const char* body :
         {R"({"refresh_token":"IST.CANARY","expires_in":14400})", R"({"access_token":"","refresh_token":"IST.CANARY"})",
          R"({"access_token":null,"refresh_token":"IST.CANARY"})", "{}"}) {
        CAPTURE(body);
        Shopper shopper;
        shopper.expire();
        shopper.site.fake.failNext("token", 1, ok(body));
        checkTransient(shopper);
        shopper.checkRecovers();
    }
}

TEST_CASE("expires_in is missing: the token lives for 4 h, and a 401 heals a wrong guess [24]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 1, ok(R"({"access_token":"OauthNG.JWS.unknown"})"));
    const detail::SnapshotPtr after = shopper.session.goodToken();
    CHECK(after->life.dead - shopper.site.clock.boot() == 4h);
    CHECK(shopper.asked() == 1);
    CHECK(shopper.session.hasCart());  // the server does not know that token
    CHECK(shopper.asked() == 2);
    CHECK(shopper.session.goodToken()->generation == after->generation + 1);
    shopper.checkKept();
}

TEST_CASE("an answer that names the other role, or has unknown fields: the session's role stays [29]") {
    for (const TokenRole role : {TokenRole::member, TokenRole::visitor}) {
        CAPTURE(roleName(role));
        const std::string other(roleName(role == TokenRole::member ? TokenRole::visitor : TokenRole::member));
        Shopper shopper(role);
        shopper.expire();
        shopper.site.fake.failNext("token", 1,
                                   ok(R"({"access_token":"OauthNG.JWS.x","refresh_token":"IST.next","role":")" + other +
                                      R"(","expires_in":14400,"refreshToken":{"value":"IST.CANARY","role":")" + other +
                                      R"("},"token_type":"mac","scope":7,"user":{"id":"m"}})"));
        const Tokens after = shopper.session.goodToken()->tokens;
        CHECK(after.refreshToken == RefreshToken("IST.next", role));
        CHECK(after.accessToken.value == "OauthNG.JWS.x");
        CHECK(shopper.session.active() == after);
        CHECK(shopper.site.stored() == after);
        CHECK(shopper.site.fake.state().visitors == 1);
    }
}
