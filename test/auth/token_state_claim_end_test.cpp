// What ends a claim, and what ends the session of all processes: other tokens, a logout, a close, callers that leave.
#include "auth/claim_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("rejected, and nobody has renewed: the new visitor needs no second claim") {
    Expired script;
    script.get("a");
    script.leased();
    script.loaded(record(script, "t1", "r1", 1, 0s));
    CHECK(script.fails(TokenVerdict::rejected) == "load");
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "exchange anonymous");
    script.granted("tV", "rV");
    script.saved(2);
    script.pass(4h);
    CHECK(script.get("b") == "lease");  // that one is over
}

TEST_CASE("a sibling has logged the member out, and a visitor has come: going on as the member would undo that") {
    for (const bool atTheEnd : {false, true}) {
        Expired script(TokenRole::member);
        script.get("a");
        script.leased();
        if (atTheEnd) {
            script.loaded(record(script, "t1", "r1", 1, 0s, TokenRole::member));
            script.granted("t3", "r3");
            CHECK(script.conflict(script.tokens("t2", "r2"), 2) == "publish #2 t2/r2; a: t2/r2");
        } else {
            CHECK(script.loaded(record(script, "t2", "r2", 2)) == "publish #2 t2/r2; a: t2/r2");
        }
        CHECK(script.published()->epoch > 1);
        CHECK(script.state.isQuiet());
    }
}

TEST_CASE("a sibling has logged out: the session has ended here too, and who needs a token starts a visitor") {
    SUBCASE("before an exchange") {
        Expired script(TokenRole::member);
        script.get("a");
        script.renew("b");
        script.leased();
        CHECK(script.loaded(StoredTokens(Tokens(), 2)) == "publish #2 -; b: no session; exchange anonymous");
        CHECK(script.granted("tV", "rV") == "save tV/rV over 2");
        CHECK(script.saved(3) == "publish #3 tV/rV; a: tV/rV");
    }
    SUBCASE("while ours was renewed") {
        Expired script(TokenRole::member);
        script.get("a");
        script.leased();
        script.loaded(record(script, "t1", "r1", 1, 0s, TokenRole::member));
        script.granted("t2", "r2");
        CHECK(script.conflict(Tokens(), 2) == "publish #2 -; lease");
    }
    SUBCASE("while ours could not be saved") {
        TokenScript script = TokenScript::stored();
        script.renew("first");
        script.granted("t2", "r2");
        script.saveFails();
        script.pass(2s);
        script.read("a");
        CHECK(script.conflict(Tokens(), 5) == "publish #3 -");
    }
    SUBCASE("an empty record of a logout of our own is not that") {
        TokenScript script = TokenScript::stored();
        script.adopt("logout", Tokens());
        script.saved(0);
        script.get("a");
        script.granted("tV", "rV");
        script.saveFails();
        script.pass(2s);
        script.get("b");
        CHECK(script.conflict(Tokens(), 2) == "");
        script.pass(2s);
        CHECK(script.get("c") == "c: tV/rV; save tV/rV over 2");
    }
    SUBCASE("what a caller sets wins") {
        TokenScript script = TokenScript::stored();
        script.adopt("set", script.tokens("tB", "rB"));
        CHECK(script.conflict(Tokens(), 5) == "save tB/rB over 5");
    }
}

TEST_CASE("after a logout the session of before does not come back out of the storage") {
    TokenScript script = TokenScript::stored(TokenRole::member);
    script.adopt("logout", Tokens());
    script.saved(0);
    script.showsClaims = true;
    script.get("a");
    script.leased();
    // A sibling of a storage without empty records had a renewal on its way.
    CHECK(script.loaded(record(script, "t2", "r1", 2, 4h, TokenRole::member)) == "exchange anonymous");
}

TEST_CASE("a closed session whose refresh token is rejected asks for nothing more") {
    Expired script;
    script.get("a");
    script.leased();
    script.loaded(record(script, "t1", "r1", 1, 0s));
    script.close("end");
    CHECK(script.fails(TokenVerdict::rejected) == "end: t1/r1");
    CHECK_FALSE(script.state.isRenewing());
}

TEST_CASE("a claim that is not used does not stay") {
    TokenScript script(TokenScript::withStorage());
    script.read("setup");
    script.loaded(record(script, "t1", "", 1));
    script.showsClaims = true;
    script.pass(4h - 30s);  // it works, and cannot be renewed
    script.unauthorized("refused", 1);
    script.leased();
    script.get("a");
    script.cancel("refused");
    script.loaded(record(script, "t1", "", 1, 30s));
    CHECK_FALSE(script.waits("a"));
    CHECK_FALSE(script.state.isRenewing());
}

TEST_CASE("tokens set while a claim is under way win, whatever its answer") {
    for (const bool reading : {false, true}) {
        Expired script;
        CHECK(script.get("a") == "lease");
        if (reading) CHECK(script.leased() == "load");
        CHECK(script.adopt("set", script.tokens("tB", "rB")) == "");
        const std::string next = reading ? script.loaded(record(script, "t2", "r2", 2)) : script.leased();
        CHECK(next == "save tB/rB over 1");
        CHECK(script.saved(3) == "publish #2 tB/rB; set: tB/rB; a: tB/rB");
        CHECK(script.exchanges() == 0);
        CHECK(script.state.isQuiet());
    }
}

TEST_CASE("a logout ends a claim, also one that pauses") {
    Expired script;
    script.get("a");
    script.leased(false);
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "pause 37 ms");
    CHECK(script.adopt("logout", Tokens()) == "erase over 1");
    CHECK(script.paused() == "");
    CHECK(script.saved(0).starts_with("publish #2 -; logout: -"));
}

TEST_CASE("a 401 and a renewal that somebody asks for are served by what a sibling has done") {
    TokenScript script = TokenScript::stored();
    script.showsClaims = true;
    CHECK(script.unauthorized("refused", 1) == "lease");
    CHECK(script.renew("wants") == "");
    script.leased();
    CHECK(script.loaded(record(script, "t2", "r2", 2)) == "publish #2 t2/r2; refused wants: t2/r2");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("closing ends a claim; what it has asked the storage for is awaited") {
    Expired script;
    CHECK(script.get("a") == "lease");
    CHECK(script.close("end") == "a: aborted");
    CHECK(script.leased() == "end: t1/r1");
    CHECK_FALSE(script.state.isRenewing());

    Expired pausing;
    pausing.get("a");
    pausing.leased(false);
    pausing.loaded(record(pausing, "t1", "r1", 1, 0s));
    CHECK(pausing.close("end") == "a: aborted; end: t1/r1");
    CHECK(pausing.paused() == "");
}

TEST_CASE("callers that leave during a claim change nothing for the others, and the last one ends it") {
    cancelAnyWaiter([] { return Expired(); }, {"a", "b"},
                    [](TokenScript& script) {
                        script.get("a");
                        script.get("keeps");
                        script.leased(false);
                        script.get("b");
                        script.loaded(record(script, "t1", "r1", 1, 0s));
                        script.paused();
                        script.leased(true);
                        script.loaded(record(script, "t1", "r1", 1, 0s));
                        script.granted("t2", "r2");
                        script.saved(2);
                    });
    Expired script;
    script.get("a");
    script.leased(false);
    script.loaded(record(script, "t1", "r1", 1, 0s));
    script.cancel("a");
    CHECK(script.paused() == "");
    CHECK_FALSE(script.state.isRenewing());
}
