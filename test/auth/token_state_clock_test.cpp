// Clocks: tokens age with the time since boot; the wall clock is only what expiries are written in.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;

namespace {

std::string grantedAt(TokenScript& script, const std::string& access, std::chrono::seconds ahead) {
    detail::TokenAnswer answer;
    answer.verdict = detail::TokenVerdict::granted;
    answer.accessToken = access;
    answer.expiresIn = 4h;
    answer.date = script.now.wall + ahead;
    return script.answered(std::move(answer));
}

std::chrono::seconds writtenLife(const TokenScript& script) {
    return script.published()->tokens.accessToken.expiresAt - std::chrono::floor<std::chrono::seconds>(script.now.wall);
}

}  // namespace

TEST_CASE("the wall clock jumps by an hour in the middle of a token's life: nothing changes [87]") {
    for (const auto jump : {1h, -1h}) {
        CAPTURE(jump.count());
        TokenScript script = TokenScript::with(TokenRole::visitor);
        script.now.wall += jump;
        CHECK(script.get("a") == "a: t1/r1");
        script.pass(4h - 251s);
        CHECK(script.get("b") == "b: t1/r1");
        CHECK(script.ahead(1) == "");
        script.pass(1s);
        CHECK(script.ahead(1) == "exchange r1 behind");
        CHECK(script.granted("t2") == "publish #2 t2/r1");
        script.now.wall -= jump;
        CHECK(script.get("c") == "c: t2/r1");
    }
}

TEST_CASE("the clock jumps while an exchange is on its way: the token's life is that since the request") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h);
    script.get("a");
    script.now.wall += 1h;
    script.pass(10s);
    CHECK(script.granted("t2", "", 60s) == "publish #2 t2/r1; a: t2/r1");
    script.pass(49s);
    CHECK(script.get("b") == "exchange r1");  // in its last 6 s
}

TEST_CASE("a clock that is ten minutes off: lives are the same, and the expiry is written in the endpoint's time") {
    for (const auto ahead : {600s, -600s}) {
        CAPTURE(ahead.count());
        TokenScript script = TokenScript::with(TokenRole::visitor);
        script.renew("a");
        CHECK(grantedAt(script, "t2", ahead) == "publish #2 t2/r1; a: t2/r1");
        CHECK(writtenLife(script) == 4h + ahead);
        // What was written so is read so: the tokens come back from a caller as alive as they went.
        const Tokens written = script.published()->tokens;
        CHECK(script.adopt("out", Tokens()) == "publish #3 -; out: -");
        CHECK(script.adopt("in", written) == "publish #4 t2/r1; in: t2/r1");
        CHECK(script.published()->life.dead - script.now.boot == 4h);
        script.pass(4h - 251s);
        CHECK(script.get("b") == "b: t2/r1");
        script.pass(251s);
        CHECK(script.get("c") == "exchange r1");
    }
}

TEST_CASE("the machine's clock is set right meanwhile: the endpoint's time goes on") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.renew("a");
    grantedAt(script, "t2", 600s);
    script.now.wall += 600s;  // now it is right
    script.pass(60s);
    script.renew("b");
    detail::TokenAnswer answer;  // without a date
    answer.verdict = detail::TokenVerdict::granted;
    answer.accessToken = "t3";
    answer.expiresIn = 4h;
    script.answered(std::move(answer));
    CHECK(writtenLife(script) == 4h);
}

TEST_CASE("a difference of half a minute is no difference") {
    for (const auto ahead : {30s, -30s}) {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        script.renew("a");
        grantedAt(script, "t2", ahead);
        CHECK(writtenLife(script) == 4h);
    }
}
