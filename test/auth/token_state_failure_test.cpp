// What a failed exchange does: backoff, replay, misconfiguration; and what it does not.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

namespace {

TokenScript dead(TokenRole role = TokenRole::visitor) { return TokenScript::with(role); }

}  // namespace

TEST_CASE("a failure is remembered, with the time of the next attempt") {
    TokenScript script = dead();
    script.pass(4h);
    script.get("a");
    CHECK(script.fails(TokenVerdict::transient) == "a: unavailable");  // 500 ms at random = 0.5
    const auto retryAt = script.failureOf("a").retryAt;
    CHECK(retryAt == script.now.wall + 500ms);
    CHECK(script.state.nextAttempt() == script.now.boot + 500ms);
    script.pass(499ms);
    CHECK(script.get("b") == "b: unavailable");
    CHECK(script.renew("c") == "c: unavailable");
    CHECK(script.unauthorized("d", 1) == "d: unavailable");
    CHECK(script.ahead(1) == "");
    CHECK(script.failureOf("b").retryAt == retryAt);
    CHECK(script.failureOf("c").context == script.failureOf("a").context);
    CHECK(script.exchanges() == 1);
    script.pass(1ms);
    CHECK(script.get("e") == "exchange r1");
}

TEST_CASE("the backoff doubles up to a minute, and has a floor") {
    for (const double random : {0.0, 0.999}) {
        TokenScript script = dead();
        script.pass(4h);
        script.now.random = random;
        std::chrono::nanoseconds before = 0ns;
        for (int i = 0; i < 10; ++i) {
            script.get("a" + std::to_string(i));
            script.fails(TokenVerdict::transient);
            const auto pause = script.state.nextAttempt() - script.now.boot;
            CHECK(pause >= std::max<std::chrono::nanoseconds>(250ms, before));
            CHECK(pause <= 60s);
            if (random > 0 && i < 6) CHECK(pause > std::chrono::milliseconds(990 << i));
            before = pause;
            script.pass(pause);
        }
        CHECK(script.exchanges() == 10);
    }
}

TEST_CASE("ten minutes of failures: no more exchanges than the backoff allows; then it recovers by itself") {
    TokenScript script = dead();
    script.pass(4h);
    for (int i = 0; i < 6000; ++i) {
        script.get("a" + std::to_string(i));
        script.fails(TokenVerdict::transient);  // if one was asked for
        script.pass(100ms);
    }
    CHECK(script.waiting() == 0);
    CHECK(script.exchanges() <= 26);
    script.pass(60s);
    CHECK(script.get("z") == "exchange r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1; z: t2/r1");
    CHECK(script.state.nextAttempt() == detail::BootTime());
    script.renew("y");
    script.fails(TokenVerdict::transient);
    CHECK(script.state.nextAttempt() == script.now.boot + 500ms);  // counted from one again
}

TEST_CASE("Retry-After is honoured, and capped at five minutes") {
    TokenScript script = dead();
    script.pass(4h);
    script.get("a");
    script.fails(TokenVerdict::transient, 30s);
    CHECK(script.state.nextAttempt() == script.now.boot + 30s);
    script.pass(30s);
    script.get("b");
    script.fails(TokenVerdict::transient, 24h);
    CHECK(script.state.nextAttempt() == script.now.boot + 300s);
    CHECK(script.failureOf("b").retryAt == script.now.wall + 300s);
    script.pass(300s);
    script.get("c");
    script.fails(TokenVerdict::transient, 0s);
    CHECK(script.state.nextAttempt() > script.now.boot);
}

TEST_CASE("the endpoint is down in the advisory window: served until the end, at a few attempts") {
    TokenScript script = dead();
    script.pass(4h - 240s);
    for (int i = 0; i < 2390; ++i) {
        const std::string who = "a" + std::to_string(i);
        script.ahead(1);
        const std::string asked = script.get(who);
        const std::string told = script.waits(who) ? script.fails(TokenVerdict::transient) : asked;
        CHECK(told.ends_with(who + ": t1/r1"));
        script.fails(TokenVerdict::transient);
        script.pass(100ms);
    }
    CHECK(script.exchanges() <= 16);
    script.pass(1s);
    script.get("late");
    script.fails(TokenVerdict::transient);
    CHECK(codeName(script.failureOf("late").code) == "unavailable");
}

TEST_CASE("an answer that was lost: the same refresh token at once, once") {
    TokenScript script = dead();
    script.pass(4h);
    CHECK(script.get("a") == "exchange r1");
    CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
    CHECK(script.get("b") == "");
    CHECK(script.granted("t2", "r2") == "publish #2 t2/r2; a b: t2/r2");
    script.pass(4h);
    script.get("c");
    CHECK(script.fails(TokenVerdict::lost) == "exchange r2");
    CHECK(script.fails(TokenVerdict::lost) == "c: unavailable");
    CHECK(script.get("d") == "d: unavailable");
    script.pass(1s);
    CHECK(script.get("e") == "exchange r2");
}

TEST_CASE("a lost answer whose token was rotated without grace: rejected, once") {
    TokenScript script = TokenScript::with(TokenRole::visitor, SessionLostPolicy::fail);
    script.renew("a");
    CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
    CHECK(script.fails(TokenVerdict::rejected) == "a: session lost");
    CHECK(script.exchanges() == 2);
}

TEST_CASE("a lost answer of a new visitor is not replayed: it would be another one") {
    TokenScript script;
    CHECK(script.get("a") == "exchange anonymous");
    CHECK(script.fails(TokenVerdict::lost) == "a: unavailable");
    CHECK(script.get("b") == "b: unavailable");
}

TEST_CASE("a lost answer behind the callers is replayed, too") {
    TokenScript script = dead();
    script.pass(4h - 200s);
    CHECK(script.ahead(1) == "exchange r1 behind");
    CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
    CHECK(script.granted("t2", "r2") == "publish #2 t2/r2");
}

TEST_CASE("misconfigured: told, at ten seconds' distance, and the session is kept") {
    TokenScript script = TokenScript::with(TokenRole::member);
    script.pass(4h);
    for (int i = 0; i < 3; ++i) {
        CHECK(script.get("a" + std::to_string(i)) == "exchange r1");
        CHECK(script.fails(TokenVerdict::misconfigured) == "a" + std::to_string(i) + ": misconfigured");
        CHECK(script.state.nextAttempt() >= script.now.boot + 10s);
        CHECK(script.get("b" + std::to_string(i)) == "b" + std::to_string(i) + ": misconfigured");
        script.pass(61s);
    }
    script.get("c");
    CHECK(script.granted("t2") == "publish #2 t2/r1; c: t2/r1");
    CHECK(script.published()->tokens.refreshToken.role == TokenRole::member);
}

TEST_CASE("fresher tokens are on their way when a renewal fails: they serve those who wait") {
    TokenScript script = TokenScript::stored();
    script.pass(4h);
    CHECK(script.get("a") == "exchange r1");
    CHECK(script.adopt("set", script.tokens("t2", "r1")) == "save t2/r1 over 1");
    CHECK(script.fails(TokenVerdict::transient) == "");
    CHECK(script.saved(2) == "publish #2 t2/r1; set: t2/r1; a: t2/r1");
}

TEST_CASE("whoever leaves a failing exchange, the others see the same") {
    const auto start = [] { return TokenScript::stored(); };
    cancelAnyWaiter(start, {"a", "b"}, [](TokenScript& script) {
        script.pass(4h);
        script.get("stays");
        script.get("a");
        script.renew("b");
        script.fails(TokenVerdict::ambiguous);
        script.pass(10s);
        script.paused();
        script.fails(TokenVerdict::ambiguous);
        script.controlled(true);
        script.fails(TokenVerdict::ambiguous);
        script.loadFails();
        script.pass(60s);
        script.renew("stays to the end");
        script.fails(TokenVerdict::rejected);
        script.loaded(StoredTokens(script.tokens("t2", "r2"), 5));
        script.granted("t3", "r3");
        script.saved(6);
    });
}
