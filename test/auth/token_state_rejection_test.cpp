// A rejected refresh token: the look into the storage, the two policies.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("ambiguous or rejected answers to an anonymous grant are failures like others") {
    for (const auto verdict : {TokenVerdict::ambiguous, TokenVerdict::rejected}) {
        TokenScript script;
        for (int i = 0; i < 3; ++i) {
            CHECK(script.get("a" + std::to_string(i)) == "exchange anonymous");
            script.fails(verdict);
            CHECK(script.waiting() == 0);
            CHECK(script.exchanges() == i + 1);
            script.pass(61s);
        }
    }
}

TEST_CASE("a rejected visitor: one new one, for everybody who waits") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h);
    script.get("a");
    script.renew("b");
    CHECK(script.fails(TokenVerdict::rejected) == "exchange anonymous");
    script.get("c");
    CHECK(script.granted("tN", "rN") == "publish #2 tN/rN; a b c: tN/rN");
    CHECK(script.published()->tokens.refreshToken.role == TokenRole::visitor);
    CHECK(script.published()->epoch > 2);
}

TEST_CASE("a rejected visitor keeps the cart as long as the access token works") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h - 30s);
    CHECK(script.get("a") == "exchange r1");
    CHECK(script.fails(TokenVerdict::rejected) == "a: t1/r1");
    CHECK(script.get("b") == "b: t1/r1");
    CHECK(script.ahead(1) == "");
    CHECK(script.exchanges() == 1);
    script.pass(30s);
    CHECK(script.get("c") == "exchange anonymous");
    CHECK(script.fails(TokenVerdict::transient) == "c: unavailable");
    script.pass(61s);
    CHECK(script.get("d") == "exchange anonymous");  // never again the refresh token that is dead
}

TEST_CASE("a rejected visitor under the policy `fail`: an error until other tokens are set, and no exchange") {
    TokenScript script = TokenScript::with(TokenRole::visitor, SessionLostPolicy::fail);
    script.pass(4h);
    script.get("a");
    CHECK(script.fails(TokenVerdict::rejected) == "a: session lost");
    script.pass(24h);
    CHECK(script.get("b") == "b: session lost");
    CHECK(script.renew("c") == "c: session lost");
    CHECK(script.unauthorized("d", 1) == "d: session lost");
    CHECK(script.exchanges() == 1);
    CHECK(script.adopt("set", script.tokens("tB", "rB"), true) == "publish #2 tB/rB; set: tB/rB");
    CHECK(script.renew("e") == "exchange rB");
}

TEST_CASE("a rejected member is never a visitor, whatever the policy") {
    for (const auto policy : {SessionLostPolicy::newVisitor, SessionLostPolicy::fail}) {
        TokenScript script = TokenScript::with(TokenRole::member, policy);
        script.pass(4h - 30s);
        script.get("a");
        CHECK(script.fails(TokenVerdict::rejected) == "a: t1/r1");
        CHECK(script.unauthorized("401", 1) == "401: session expired");
        script.pass(30s);
        CHECK(script.get("b") == "b: session expired");
        CHECK(script.renew("c") == "c: session expired");
        CHECK(script.exchanges() == 1);
        CHECK(script.adopt("out", Tokens()) == "publish #2 -; out: -");
        CHECK(script.get("d") == "exchange anonymous");
    }
}

TEST_CASE("rejected, but a sibling has renewed the session in the storage: its tokens") {
    TokenScript script = TokenScript::stored(TokenRole::member);
    script.pass(4h);
    script.get("a");
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    script.renew("b");
    CHECK(script.loaded(StoredTokens(script.tokens("t2", "r2", 4h, TokenRole::member), 5)) ==
          "publish #2 t2/r2; a b: t2/r2");
    CHECK(script.renew("c") == "exchange r2");
    CHECK(script.granted("t3") == "save t3/r2 over 5");
    CHECK(script.saved(6) == "publish #3 t3/r2; c: t3/r2");
}

TEST_CASE("rejected, and the storage has the same, none, or one that was rotated away: lost") {
    for (const std::string there : {"r1", "r0", ""}) {
        TokenScript script = TokenScript::stored(TokenRole::visitor, SessionLostPolicy::fail);
        script.renew("rotates");
        script.granted("t2", "r2");
        script.saved(2);
        script.renew("a");
        CHECK(script.fails(TokenVerdict::rejected) == "load");
        if (there == "r0") {
            CHECK(script.loaded(StoredTokens(script.tokens("t2", "r2"), 2)) == "a: session lost");
        } else if (there == "r1") {
            CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 1)) == "a: session lost");
        } else {
            CHECK(script.loadedNothing() == "a: session lost");
        }
    }
}

TEST_CASE("rejected, and the storage still has the session before, since ours could not be saved: not that one") {
    TokenScript script = TokenScript::stored(TokenRole::visitor, SessionLostPolicy::fail);
    script.adopt("set", script.tokens("tB", "rB", 4h, TokenRole::member));
    script.saveFails();
    script.renew("a");
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 1)) == "a: session expired");
}

TEST_CASE("rejected, and the storage does not answer: not lost yet") {
    TokenScript script = TokenScript::stored();
    script.pass(4h);
    script.get("a");
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.loadFails() == "a: storage unavailable");
    CHECK(script.get("b") == "b: storage unavailable");
    CHECK(script.failureOf("b").retryAt);
    script.pass(61s);
    CHECK(script.get("c") == "exchange r1");
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 1)) == "exchange anonymous");
    CHECK(script.granted("tN", "rN") == "save tN/rN over 1");
    CHECK(script.saved(2) == "publish #2 tN/rN; c: tN/rN");
}

TEST_CASE("a sibling's tokens are found, and expired: renewed") {
    TokenScript script = TokenScript::stored();
    script.pass(4h);
    script.get("a");
    script.fails(TokenVerdict::rejected);
    CHECK(script.loaded(StoredTokens(script.tokens("t2", "r2", -1h), 5)) == "publish #2 t2/r2; exchange r2");
}

TEST_CASE("setTokens while the storage is asked about a rejection") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.adopt("set", script.tokens("tB", "rB")) == "");
    CHECK(script.loaded(StoredTokens(script.tokens("t9", "r9"), 5)) == "save tB/rB over 1");
    CHECK(script.conflict(script.tokens("t9", "r9"), 5) == "save tB/rB over 5");
    CHECK(script.saved(6) == "publish #2 tB/rB; set: tB/rB; a: tB/rB");
    CHECK(script.exchanges() == 1);
}
