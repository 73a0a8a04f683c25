// The end: close, abandon and cancel in every phase. Whoever waits is answered once, and what is in flight is kept.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("closing what was never used, or rests, ends at once") {
    TokenScript unused(TokenScript::withStorage());
    CHECK(unused.close("c") == "c: -");
    TokenScript rests = TokenScript::stored();
    CHECK(rests.close("c") == "c: t1/r1");
    CHECK(rests.close("again") == "again: t1/r1");
    CHECK(rests.abandon() == "");
}

TEST_CASE("after close everything is refused") {
    TokenScript script = TokenScript::stored();
    script.close("c");
    CHECK(script.get("a") == "a: aborted");
    CHECK(script.read("b") == "b: aborted");
    CHECK(script.renew("d") == "d: aborted");
    CHECK(script.renew("e", RefreshToken("rB", TokenRole::visitor)) == "e: aborted");
    CHECK(script.unauthorized("f", 1) == "f: aborted");
    CHECK(script.adopt("g", script.tokens("tB", "rB"), true) == "g: aborted");
    CHECK(script.ahead(1) == "");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("close while the storage is read") {
    TokenScript script(TokenScript::withStorage());
    script.get("a");
    script.adopt("set", script.tokens("tB", "rB"));
    CHECK(script.close("c") == "a set: aborted");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 1)) == "publish #1 t1/r1; c: t1/r1");
    TokenScript fails(TokenScript::withStorage());
    fails.get("a");
    fails.close("c");
    CHECK(fails.loadFails() == "c: -");
}

TEST_CASE("close while initial tokens are loaded and saved") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.initial = TokenScript().tokens("t1", "r1");
    TokenScript script(policy);
    script.get("a");
    CHECK(script.close("c") == "a: aborted");
    CHECK(script.loadedNothing() == "save t1/r1 over 0");
    CHECK(script.saved(1) == "publish #1 t1/r1; c: t1/r1");
}

TEST_CASE("close during an exchange: who waits is told at once; a rotation is saved still") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.get("b");
    CHECK(script.close("c") == "a: aborted; drop unsent");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.close("d") == "");
    CHECK(script.saved(2) == "publish #2 t2/r2; c d: t2/r2");
}

TEST_CASE("close during an exchange that fails: nothing is repeated") {
    for (const auto verdict : {TokenVerdict::transient, TokenVerdict::lost, TokenVerdict::ambiguous,
                               TokenVerdict::rejected, TokenVerdict::misconfigured}) {
        TokenScript script = TokenScript::stored();
        script.renew("a");
        CHECK(script.close("c") == "a: aborted; drop unsent");
        CHECK(script.fails(verdict) == "c: t1/r1");
        CHECK(script.exchanges() == 1);
    }
}

TEST_CASE("close during a save, and with others in line") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    script.adopt("set", script.tokens("tB", "rB"));
    CHECK(script.close("c") == "a set: aborted");
    CHECK(script.saved(2) == "save tB/rB over 2");
    CHECK(script.saved(3) == "publish #2 tB/rB; c: tB/rB");
}

TEST_CASE("close while the storage is asked about a rejection") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.fails(TokenVerdict::rejected);
    CHECK(script.close("c") == "a: aborted");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 1)) == "c: t1/r1");
    CHECK(script.exchanges() == 1);
}

TEST_CASE("close is the last chance of what could not be saved, once") {
    for (const bool fails : {false, true}) {
        TokenScript script = TokenScript::stored();
        script.renew("a");
        script.granted("t2", "r2");
        script.saveFails();
        CHECK(script.close("c") == "save t2/r2 over 1");
        CHECK((fails ? script.saveFails() : script.saved(2)) == (fails ? "c: storage unavailable" : "c: t2/r2"));
        CHECK(script.close("d") == (fails ? "d: storage unavailable" : "d: t2/r2"));
    }
}

TEST_CASE("close during a repeated save, with other tokens behind it") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.granted("t2", "r2");
    script.saveFails();
    script.pass(1s);
    script.read("starts the save");
    script.adopt("set", script.tokens("tB", "rB"));
    CHECK(script.close("c") == "set: aborted");
    CHECK(script.saved(2) == "save tB/rB over 2");
    CHECK(script.saved(3) == "publish #3 tB/rB; c: tB/rB");
}

TEST_CASE("close after a background exchange was asked for, which then finds no room") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h - 200s);
    CHECK(script.ahead(1) == "exchange r1 behind");
    CHECK(script.close("c") == "drop unsent");
    CHECK(script.refused() == "c: t1/r1");
}

TEST_CASE("abandoned: the same with nobody to tell") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    CHECK(script.abandon() == "a: aborted; drop unsent");
    CHECK(script.abandon() == "");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.saved(2) == "publish #2 t2/r2");
    CHECK(script.waiting() == 0);
}

TEST_CASE("a close that is cancelled is forgotten; the session stays closed") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.close("c");
    CHECK(script.cancel("c") == "");
    CHECK(script.fails(TokenVerdict::transient) == "");
    CHECK(script.get("b") == "b: aborted");
    CHECK(script.state.waiters() == 0);
}

TEST_CASE("an exchange of an older epoch outlives a close") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    script.adopt("out", Tokens());
    CHECK(script.close("c") == "a out: aborted; drop unsent");
    CHECK(script.saved(0) == "publish #2 -");
    CHECK(script.granted("t2", "r2") == "c: -");
}

TEST_CASE("close before any step of a long story: all are answered, and nothing hangs") {
    const auto story = [](TokenScript& script) {
        script.get("a");
        script.read("b");
        script.loaded(StoredTokens(script.tokens("t1", "r1", 1h), 1));
        script.renew("c");
        script.unauthorized("d", 1);
        script.fails(TokenVerdict::lost);
        script.granted("t2", "r2");
        script.get("e");
        script.saveFails();
        script.pass(1s);
        script.get("f");
        script.renew("g");
        script.adopt("h", script.tokens("tB", "rB", 1s), true);
        script.saved(2);
        script.granted("t3", "r3");
        script.saved(3);
        script.pass(1h);
        script.get("i");
        script.fails(TokenVerdict::rejected);
        script.renew("j");
        script.loadedNothing();
        script.granted("t4", "r4");
        script.adopt("k", Tokens());
        script.conflict(script.tokens("t9", "r9"), 9);
        script.saved(10);
        // Whatever has been asked for by now is answered; nothing new may come of it.
        for (int i = 0; i < 5; ++i) {
            script.granted("late", "late");
            script.saved(20);
            script.loadedNothing();
        }
    };
    for (int at = 1; at < 30; ++at) {
        CAPTURE(at);
        TokenScript script(TokenScript::withStorage());
        script.between = [&](TokenScript& told, int step) {
            if (step == at) told.close("close");
        };
        story(script);
        CHECK(script.waiting() == 0);
        CHECK(script.state.waiters() == 0);
    }
}
