// When the access token is renewed, and for whom: the four states, joiners, forced renewals, 401.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

namespace {

/// Of 4 h, the mandatory window is 60 s and the advisory one of an adopted token at random = 0.5 is 250 s.
constexpr auto toAdvisory = 4h - 249s;
constexpr auto toMandatory = 4h - 59s;

}  // namespace

TEST_CASE("fresh: used") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h - 251s);
    CHECK(script.get("a") == "a: t1/r1");
    CHECK(script.ahead(1) == "");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("advisory: used, and renewed behind the callers") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(toAdvisory);
    CHECK(script.get("a") == "a: t1/r1");
    CHECK(script.ahead(1) == "exchange r1 behind");
    CHECK(script.ahead(1) == "");
    CHECK(script.get("b") == "b: t1/r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1");
    CHECK(script.ahead(1) == "");  // somebody who met the old one
    CHECK(script.ahead(2) == "");
    CHECK(script.exchanges() == 1);
}

TEST_CASE("a renewal ahead of need that finds no room is left for later") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(toAdvisory);
    CHECK(script.ahead(1) == "exchange r1 behind");
    CHECK(script.refused() == "");
    CHECK(script.get("a") == "a: t1/r1");
    CHECK(script.ahead(1) == "exchange r1 behind");
    CHECK(script.renew("b") == "");
    CHECK(script.refused() == "exchange r1");  // now somebody waits for it
    CHECK(script.granted("t2") == "publish #2 t2/r1; b: t2/r1");
}

TEST_CASE("mandatory: waits, and uses the token if the renewal fails") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(toMandatory);
    CHECK(script.get("a") == "exchange r1");
    CHECK(script.fails(TokenVerdict::transient) == "a: t1/r1");
    CHECK(script.get("b") == "b: t1/r1");  // in the backoff: at once
    CHECK(script.exchanges() == 1);
}

TEST_CASE("dead: waits, or gets the error") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h);
    CHECK(script.get("a") == "exchange r1");
    CHECK(script.fails(TokenVerdict::transient) == "a: unavailable");
    script.pass(61s);
    CHECK(script.get("b") == "exchange r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1; b: t2/r1");
}

TEST_CASE("suspended for a night: an advisory or fresh token of yesterday is dead") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.now.boot += 8h;  // the wall clock may lag behind: it does not matter
    CHECK(script.get("a") == "exchange r1");
}

TEST_CASE("the wall clock set by years: nothing happens") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    for (const auto years : {20000h, -60000h}) {
        script.now.wall += years;
        CHECK(script.get("a" + std::to_string(years.count())) == "a" + std::to_string(years.count()) + ": t1/r1");
    }
    CHECK(script.exchanges() == 0);
}

TEST_CASE("a thousand callers, one exchange, a thousand answers") {
    for (const bool fails : {false, true}) {
        TokenScript script = TokenScript::stored();
        script.pass(4h);
        for (int i = 0; i < 1000; ++i) script.get("a" + std::to_string(i));
        CHECK(script.exchanges() == 1);
        if (fails) {
            script.fails(TokenVerdict::transient);
            for (int i = 0; i < 1000; ++i) script.get("b" + std::to_string(i));  // no retry for each of them
        } else {
            script.granted("t2", "r2");
            CHECK(script.waiting() == 1000);
            script.saved(2);
        }
        CHECK(script.waiting() == 0);
        CHECK(script.exchanges() == 1);
    }
}

TEST_CASE("every kind of caller joins the exchange that is under way") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(toMandatory);
    CHECK(script.ahead(1) == "exchange r1 behind");
    CHECK(script.get("get") == "");
    CHECK(script.renew("renew") == "");
    CHECK(script.unauthorized("401", 1) == "");
    CHECK(script.renew("same", RefreshToken("r1", TokenRole::visitor)) == "");
    CHECK(script.adopt("adopt", script.tokens("t1", "r1", 1s), true) == "");
    CHECK(script.read("read") == "read: t1/r1");
    CHECK(script.granted("t2", "r2") == "publish #2 t2/r2; get renew 401 same adopt: t2/r2");
}

TEST_CASE("a forced renewal does not look at the token; what comes next does") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    CHECK(script.renew("a") == "exchange r1");
    CHECK(script.get("b") == "b: t1/r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1; a: t2/r1");
    CHECK(script.renew("c") == "exchange r1");
}

TEST_CASE("the role stays, and so does the refresh token unless it is rotated") {
    TokenScript script = TokenScript::with(TokenRole::member);
    script.renew("a");
    script.granted("t2");
    CHECK(script.published()->tokens.refreshToken == RefreshToken("r1", TokenRole::member));
    script.renew("b");
    script.granted("t3", "r3");
    CHECK(script.published()->tokens.refreshToken == RefreshToken("r3", TokenRole::member));
}

TEST_CASE("a token that is dead on arrival serves those who waited") {
    TokenScript script;
    script.get("a");
    script.get("b");
    CHECK(script.granted("t1", "r1", 0s) == "publish #1 t1/r1; a b: t1/r1");
    CHECK(script.get("c") == "c: t1/r1");
    script.pass(1s);
    CHECK(script.get("d") == "exchange r1");
    script.pass(40s);
    CHECK(script.granted("t2", "", 30s) == "publish #2 t2/r1; d: t2/r1");
}

TEST_CASE("401 with the current generation: renewed") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    CHECK(script.unauthorized("a", 1) == "exchange r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1; a: t2/r1");
}

TEST_CASE("401 with an older generation: what is there, and no renewal") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.renew("x");
    script.granted("t2");
    script.renew("y");
    script.granted("t3");
    CHECK(script.unauthorized("a", 1) == "a: t3/r1");
    CHECK(script.unauthorized("b", 2) == "b: t3/r1");
    CHECK(script.exchanges() == 2);
    CHECK(script.unauthorized("c", 3) == "exchange r1");
}

TEST_CASE("401 with an older generation, and what is there is dead") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.renew("x");
    script.granted("t2");
    script.pass(4h);
    CHECK(script.unauthorized("a", 1) == "exchange r1");
    CHECK(script.granted("t3") == "publish #3 t3/r1; a: t3/r1");
}

TEST_CASE("401 of an older generation in the last minute, and the renewal fails: what is there still works") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.renew("x");
    script.granted("t2");
    script.pass(4h - 30s);
    CHECK(script.unauthorized("older", 1) == "exchange r1");
    CHECK(script.unauthorized("current", 2) == "");
    CHECK(script.fails(TokenVerdict::transient) == "older: t2/r1; current: unavailable");
}

TEST_CASE("401 of another session: the active one") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.adopt("set", script.tokens("tB", "rB"));
    CHECK(script.unauthorized("a", 1) == "a: tB/rB");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("five hundred 401s, one renewal") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    for (int i = 0; i < 500; ++i) script.unauthorized("a" + std::to_string(i), 1);
    script.granted("t2");
    CHECK(script.waiting() == 0);
    for (int i = 0; i < 500; ++i) script.unauthorized("late" + std::to_string(i), 1);
    CHECK(script.waiting() == 0);
    CHECK(script.exchanges() == 1);
}

TEST_CASE("401s that a renewal does not cure come out of a small purse") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    std::uint64_t generation = 1;
    for (int i = 0; i < 5; ++i) {
        CHECK(script.unauthorized("a" + std::to_string(i), generation) == "exchange r1");
        script.granted("t", "");
        generation = script.published()->generation;
    }
    CHECK(script.unauthorized("b", generation) == "b: t/r1");  // the same generation: another would not help
    CHECK(script.get("get") == "get: t/r1");
    CHECK(script.renew("renew") == "exchange r1");  // asked for is asked for
    CHECK(script.unauthorized("joiner", generation) == "");
    script.granted("u");
    script.pass(10s);
    CHECK(script.unauthorized("c", generation + 1) == "exchange r1");
}

TEST_CASE("another session has a purse of its own") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    for (int i = 0; i < 5; ++i) {
        script.unauthorized("a" + std::to_string(i), script.published()->generation);
        script.granted("t", "");
    }
    script.adopt("set", script.tokens("tB", "rB"));
    CHECK(script.unauthorized("b", script.published()->generation) == "exchange rB");
}

TEST_CASE("joining costs nothing of the purse") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    for (int i = 0; i < 100; ++i) script.unauthorized("a" + std::to_string(i), 1);
    script.fails(TokenVerdict::transient);
    for (int i = 0; i < 100; ++i) CHECK(script.unauthorized("b" + std::to_string(i), 1).ends_with(": unavailable"));
    script.pass(61s);
    for (int i = 0; i < 4; ++i) {
        CHECK(script.unauthorized("c" + std::to_string(i), script.published()->generation) == "exchange r1");
        script.granted("t");
    }
}

TEST_CASE("whoever leaves, the exchange goes on, and the others see the same") {
    cancelAnyWaiter([] { return TokenScript::stored(); }, {"a", "b", "c", "d"},
                    [](TokenScript& script) {
                        script.pass(4h);
                        script.get("stays");
                        script.get("a");
                        script.renew("b");
                        script.unauthorized("c", 1);
                        script.adopt("d", script.tokens("t1", "r1", -1h), true);
                        script.fails(TokenVerdict::lost);
                        script.granted("t2", "r2");
                        script.saved(2);
                    });
}

TEST_CASE("the one who started it leaves: it is finished and saved all the same") {
    TokenScript script = TokenScript::stored();
    CHECK(script.renew("a") == "exchange r1");
    CHECK(script.cancel("a") == "");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.saved(2) == "publish #2 t2/r2");
    CHECK(script.get("b") == "b: t2/r2");
}
