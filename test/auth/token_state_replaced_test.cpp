// What a caller has set stays: no older record, no renewal of before and no older text of the same session undoes it.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("tokens that were set and could not be saved win over the record of before, also after a renewal") {
    TokenScript script = TokenScript::stored();
    CHECK(script.adopt("set", script.tokens("t9", "r9", -1s)) == "save t9/r9 over 1");
    CHECK(script.saveFails() == "publish #2 t9/r9; set: storage unavailable");
    CHECK(script.get("a") == "exchange r9");
    SUBCASE("the renewal's save fails too, and the repeated one meets the old record") {
        CHECK(script.granted("t10", "r10") == "save t10/r10 over 1");
        CHECK(script.saveFails() == "publish #3 t10/r10; a: t10/r10");
        script.pass(2s);
        CHECK(script.get("b") == "b: t10/r10; save t10/r10 over 1");
        CHECK(script.conflict(script.tokens("t5", "r5"), 7) == "");
        script.pass(2s);
        CHECK(script.get("c") == "c: t10/r10; save t10/r10 over 7");
    }
    SUBCASE("the renewal's save meets the old record") {
        CHECK(script.granted("t10", "r10") == "save t10/r10 over 1");
        CHECK(script.conflict(script.tokens("t5", "r5"), 7) == "save t10/r10 over 7");
        CHECK(script.saved(8) == "publish #3 t10/r10; a: t10/r10");
    }
    SUBCASE("they are rejected: the old record is no sibling's") {
        CHECK(script.fails(TokenVerdict::rejected) == "load");
        CHECK(script.loaded(StoredTokens(script.tokens("t5", "r5"), 7)) == "exchange anonymous");
    }
}

TEST_CASE("once they are saved, a sibling's record is one again") {
    TokenScript script = TokenScript::stored();
    script.adopt("set", script.tokens("t9", "r9", -1s));
    script.saveFails();
    CHECK(script.get("a") == "exchange r9");
    script.granted("t10", "r10");
    CHECK(script.saved(2) == "publish #3 t10/r10; a: t10/r10");
    script.pass(4h);
    CHECK(script.get("b") == "exchange r10");
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t11", "r11"), 3)) == "publish #4 t11/r11; b: t11/r11");
}

TEST_CASE("who comes before the storage has answered is heard together: no visitor is started for the first of them") {
    TokenScript script(TokenScript::withStorage());
    CHECK(script.get("a") == "load");
    CHECK(script.adopt("set", script.tokens("t9", "r9")) == "");
    CHECK(script.loadedNothing() == "save t9/r9 over 0");
    CHECK(script.saved(1) == "publish #1 t9/r9; set: t9/r9; a: t9/r9");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("tokens of the session that a renewal is just replacing do not replace the renewed ones") {
    // The renewal's save stands in line behind one that is repeated.
    TokenScript script = TokenScript::stored();
    script.adopt("set", script.tokens("t2", "r2"));
    script.saveFails();
    script.pass(2s);
    CHECK(script.renew("a") == "exchange r2; save t2/r2 over 1");
    CHECK(script.granted("t3", "r3") == "");
    CHECK(script.adopt("again", script.tokens("t2", "r2")) == "");
    CHECK(script.saved(2) == "save t3/r3 over 2");
    CHECK(script.saved(3) == "publish #3 t3/r3; again: t3/r3; a: t3/r3");
}

TEST_CASE("of two texts of one session the one that lives longer is used, whatever the wall clock says") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    const Tokens dead = script.tokens("t0", "r1", -1s);
    CHECK(script.adopt("dead", dead) == "dead: t1/r1");
    script.now.wall -= 100h;  // set back: what was dead looks alive, as long as anything
    const Tokens shorter = script.tokens("t2", "r1", 3h);
    CHECK(script.adopt("shorter", shorter) == "shorter: t1/r1");
    CHECK(script.adopt("longer", script.tokens("t3", "r1", 5h)) == "publish #2 t3/r1; longer: t3/r1");
    CHECK(script.adopt("no access token", Tokens(AccessToken(), RefreshToken("r1", TokenRole::visitor))) ==
          "no access token: t3/r1");
    script.pass(6h);
    CHECK(script.adopt("both dead", script.tokens("t4", "r1", -1s)) == "both dead: t3/r1");
}

TEST_CASE("a new visitor is not undone by the record of the one that was rejected, written by a save that came late") {
    TokenScript script = TokenScript::stored();
    CHECK(script.renew("a") == "exchange r1");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.saveFails() == "publish #2 t2/r2; a: t2/r2");  // and yet it was written, as version 2
    CHECK(script.renew("b") == "exchange r2");
    CHECK(script.granted("t3", "r3") == "save t3/r3 over 1");
    CHECK(script.saveFails() == "publish #3 t3/r3; b: t3/r3");
    script.pass(4h);
    CHECK(script.get("c") == "exchange r3; save t3/r3 over 1");
    script.saveFails();
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t2", "r2", 0s), 2)) == "exchange anonymous");
    CHECK(script.granted("t4", "r4") == "save t4/r4 over 1");
    CHECK(script.conflict(script.tokens("t2", "r2", 0s), 2) == "save t4/r4 over 2");
    CHECK(script.saved(3) == "publish #4 t4/r4; c: t4/r4");
}

TEST_CASE(
    "a 401 that comes while other tokens stand in line to be saved waits for them, though the budget is used up") {
    TokenScript script = TokenScript::stored();
    CHECK(script.adopt("first", script.tokens("t2", "r2")) == "save t2/r2 over 1");
    script.saveFails();
    for (int i = 0; i < 5; ++i) {  // all that may be renewed for 401s in a minute
        script.unauthorized("401 " + std::to_string(i), script.published()->generation);
        script.granted("t3." + std::to_string(i));
        script.saveFails();
    }
    script.pass(2s);
    const std::string retried = "get: t3.4/r2; save t3.4/r2 over 1";
    CHECK(script.get("get") == retried);
    CHECK(script.adopt("second", script.tokens("t9", "r9"), true) == "");  // in line
    CHECK(script.unauthorized("late", script.published()->generation) == "");
    CHECK(script.saved(2) == "save t9/r9 over 2");
    CHECK(script.saved(3) == "publish #8 t9/r9; second late: t9/r9");
}

TEST_CASE("while another session is being saved, the fast path has nothing: who comes meanwhile waits for it") {
    TokenScript script = TokenScript::stored(TokenRole::member);
    SUBCASE("a logout") {
        CHECK(script.adopt("out", Tokens()) == "erase over 1");
        CHECK(script.isWithdrawn());
        CHECK(script.get("a") == "");
        CHECK(script.saved(0) == "publish #2 -; out: -; exchange anonymous");
    }
    SUBCASE("other tokens") {
        CHECK(script.adopt("set", script.tokens("t9", "r9")) == "save t9/r9 over 1");
        CHECK(script.isWithdrawn());
        script.saved(2);
    }
    SUBCASE("another refresh token") {
        CHECK(script.renew("renew", RefreshToken("r9", TokenRole::visitor)) == "save -/r9 over 1");
        CHECK(script.isWithdrawn());
        script.saved(2);
    }
    SUBCASE("not for tokens of the same session") {
        CHECK(script.adopt("same", script.tokens("t0", "r1", -1s)) == "same: t1/r1");
        CHECK_FALSE(script.isWithdrawn());
        return;
    }
    CHECK_FALSE(script.isWithdrawn());
}

TEST_CASE("a renewal that is asked for while tokens are being saved is one of those tokens") {
    SUBCASE("those of the strategy") {
        detail::TokenPolicy policy = TokenScript::withStorage();
        policy.initial = TokenScript().tokens("t1", "r1");
        TokenScript script(policy);
        CHECK(script.renew("a") == "load");
        CHECK(script.loadedNothing() == "save t1/r1 over 0");
        CHECK(script.saved(1) == "publish #1 t1/r1; exchange r1");
        CHECK(script.granted("t2") == "save t2/r1 over 1");
    }
    SUBCASE("those that were just set") {
        TokenScript script = TokenScript::stored();
        script.adopt("set", script.tokens("t9", "r9"));
        CHECK(script.renew("a", RefreshToken("r9", TokenRole::visitor)) == "");
        CHECK(script.renew("b") == "");
        CHECK(script.saved(2) == "publish #2 t9/r9; set: t9/r9; exchange r9");
    }
}

TEST_CASE("tokens without a refresh token") {
    SUBCASE("of the strategy, over a record that has none either: another session") {
        detail::TokenPolicy policy = TokenScript::withStorage();
        policy.initial = TokenScript().tokens("t2", "");
        TokenScript script(policy);
        CHECK(script.get("a") == "load");
        CHECK(script.loaded(StoredTokens(script.tokens("t1", ""), 1)) == "save t2/- over 1");
        CHECK(script.saved(2) == "publish #1 t2/-; a: t2/-");
    }
    SUBCASE("are used as long as they work") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        script.adopt("set", script.tokens("t2", "", 30s));
        CHECK(script.get("a") == "a: t2/-");
        script.pass(30s);
        CHECK(script.get("b") == "exchange anonymous");
    }
}

TEST_CASE("a fresher text of a session whose rejection is being checked does not stand in the way of a sibling's") {
    TokenScript script = TokenScript::stored();
    script.pass(4h - 59s);
    CHECK(script.get("a") == "exchange r1");
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.adopt("fresher", script.tokens("t1b", "r1")) == "fresher: t1/r1");
    CHECK(script.loaded(StoredTokens(script.tokens("t9", "r9"), 2)) == "publish #2 t9/r9; a: t9/r9");
}

TEST_CASE("a fresher text of a session that was lost does not lose it again") {
    TokenScript script = TokenScript::with(TokenRole::visitor, SessionLostPolicy::fail);
    script.pass(4h - 59s);
    script.get("a");
    script.fails(TokenVerdict::rejected);
    CHECK(script.adopt("fresher", script.tokens("t1b", "r1", 1h)) == "publish #2 t1b/r1; fresher: t1b/r1");
    script.takeObserved();
    CHECK(script.get("b") == "b: t1b/r1");
    script.pass(2h);
    CHECK(script.get("c") == "c: session lost");
    CHECK(script.takeObserved() == "");
}
