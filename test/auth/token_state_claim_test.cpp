// Several processes, one storage (row 48): who may exchange, who adopts, and what is never taken over.
#include "auth/claim_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("lease, another look at the record, exchange, save: in this order [48]") {
    Expired script;
    CHECK(script.get("a") == "lease");
    CHECK(script.get("b") == "");
    CHECK(script.leased() == "load");
    CHECK(script.get("c") == "");
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "exchange r1");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.saved(2) == "publish #2 t2/r2; a b c: t2/r2");
    CHECK(script.takeObserved() == "started 1 expired; finished 1 expired after 0 ms, served 3, rotated");
    CHECK(script.state.isQuiet());
}

TEST_CASE("a sibling has renewed before the lease was ours: its tokens, and no exchange [48]") {
    for (const bool granted : {true, false}) {
        Expired script;
        CHECK(script.get("a") == "lease");
        CHECK(script.leased(granted) == "load");
        CHECK(script.loaded(record(script, "t2", "r2", 2)) == "publish #2 t2/r2; a: t2/r2");
        CHECK(script.takeObserved() == "adopted, served 1");
        CHECK(script.exchanges() == 0);
        CHECK_FALSE(script.state.isRenewing());
        // The old refresh token is this session's: it is not to be spent.
        CHECK(script.adopt("old", script.tokens("t1", "r1")) == "old: t2/r2");
    }
}

TEST_CASE("without rotation the newer access token tells who has renewed [48]") {
    Expired script;
    script.get("a");
    script.leased();
    CHECK(script.loaded(record(script, "t2", "r1", 2)) == "publish #2 t2/r1; a: t2/r1");
    script.pass(4h);
    CHECK(script.get("b") == "lease");
    script.leased();
    CHECK(script.loaded(record(script, "tX", "r1", 3, 0s)) == "exchange r1");  // no longer than what we had
    CHECK(script.granted("t3") == "save t3/r1 over 3");
}

TEST_CASE("a sibling holds the lease: look, pause, look again, until it has renewed [48]") {
    Expired script;
    CHECK(script.get("a") == "lease");
    CHECK(script.leased(false) == "load");
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "pause 37 ms");
    CHECK(script.get("b") == "");
    script.pass(37ms);
    CHECK(script.paused() == "lease");
    CHECK(script.leased(false) == "load");
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "pause 75 ms");
    CHECK(script.paused() == "lease");
    CHECK(script.leased(true) == "load");  // it has just let go of it
    CHECK(script.loaded(record(script, "t2", "r2", 2)) == "publish #2 t2/r2; a b: t2/r2");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("the pauses grow to half a second at most [48]") {
    Expired script;
    script.get("a");
    std::string pauses;
    for (int i = 0; i < 7; ++i) {
        script.leased(false);
        pauses += script.loaded(record(script, "t1", "r1", 1, 0s)) + ", ";
        CHECK(script.paused() == "lease");
    }
    CHECK(pauses == "pause 37 ms, pause 75 ms, pause 150 ms, pause 300 ms, pause 375 ms, pause 375 ms, pause 375 ms, ");
}

TEST_CASE("the holder has died: the next one exchanges [48]") {
    Expired script;
    script.get("a");
    script.leased(false);
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "pause 37 ms");
    CHECK(script.paused() == "lease");
    CHECK(script.leased(true) == "load");
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "exchange r1");
}

TEST_CASE("a lease that is never granted does not keep the session for ever") {
    Expired script;
    script.get("a");
    const auto began = script.now.boot;
    std::string asked = "pause";
    while (asked.starts_with("pause") && script.now.boot - began < 10 * detail::TokenPolicy().leaseLife) {
        script.leased(false);
        asked = script.loaded(record(script, "t1", "r1", 1, 0s));
        script.pass(10s);
        script.paused();
    }
    CHECK(asked == "exchange r1");
    CHECK(script.now.boot - began > 2 * detail::TokenPolicy().leaseLife);
}

TEST_CASE("fenced: who was too slow finds newer tokens and does not write over them [48]") {
    for (const char* refresh : {"r2", "r9"}) {  // the same rotation within its grace, another one
        Expired script;
        script.get("a");
        script.leased();
        script.loaded(record(script, "t1", "r1", 1, 0s));
        CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
        script.pass(60s);
        const std::string theirs = std::string("t9/") + refresh;
        CHECK(script.conflict(script.tokens("t9", refresh), 5) == "publish #2 " + theirs + "; a: " + theirs);
        CHECK(script.state.isQuiet());
    }
}

TEST_CASE("a record of an older version is never taken over, but written over [97]") {
    SUBCASE("before an exchange") {
        TokenScript script = TokenScript::stored();
        script.renew("first");
        script.granted("t2", "r2");
        script.saved(7);
        script.showsClaims = true;
        script.pass(4h);
        script.get("a");
        script.leased();
        CHECK(script.loaded(record(script, "t0", "r0", 6)) == "exchange r2");
        CHECK(script.granted("t3", "r3") == "save t3/r3 over 7");
        CHECK(script.conflict(script.tokens("t0", "r0"), 6) == "save t3/r3 over 6");
        CHECK(script.saved(8) == "publish #3 t3/r3; a: t3/r3");
    }
    SUBCASE("after a rejection") {
        TokenScript script = TokenScript::stored(TokenRole::visitor, SessionLostPolicy::fail);
        script.renew("first");
        script.granted("t2", "r2");
        script.saved(7);
        script.pass(4h);
        script.get("a");
        CHECK(script.fails(TokenVerdict::rejected) == "load");
        CHECK(script.loaded(record(script, "t0", "r0", 6)) == "a: session lost");
    }
    SUBCASE("at a repeated save") {
        TokenScript script = TokenScript::stored();
        script.renew("first");
        script.granted("t2", "r2");
        script.saveFails();
        script.pass(2s);
        CHECK(script.get("a") == "a: t2/r2; save t2/r2 over 1");
        CHECK(script.conflict(script.tokens("t0", "r0"), 0) == "");
        script.pass(2s);
        CHECK(script.get("b") == "b: t2/r2; save t2/r2 over 0");
    }
}

TEST_CASE("the storage fails during a claim: what is in memory goes on [97]") {
    SUBCASE("no lease") {
        Expired script;
        script.get("a");
        CHECK(script.leaseFails() == "load");
        CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "exchange r1");
    }
    SUBCASE("no record") {
        Expired script;
        script.get("a");
        script.leased();
        CHECK(script.loadFails() == "exchange r1");
    }
    SUBCASE("neither") {
        Expired script;
        script.get("a");
        script.leaseFails();
        CHECK(script.loadFails() == "exchange r1");
    }
    SUBCASE("no lease for a sibling has it, and no record") {
        Expired script;
        script.get("a");
        script.leased(false);
        CHECK(script.loadFails() == "exchange r1");
    }
    SUBCASE("it has failed to save before: it is not asked at all") {
        TokenScript script = TokenScript::stored();
        script.renew("first");
        script.granted("t2", "r2");
        script.saveFails();
        script.showsClaims = true;
        CHECK(script.renew("a") == "exchange r2");
    }
}

TEST_CASE("nothing in memory, and the storage fails during the claim: no visitor is started [97]") {
    TokenScript script(TokenScript::withStorage());
    script.showsClaims = true;
    script.get("a");
    CHECK(script.loadedNothing() == "lease");
    CHECK(script.leased() == "load");
    CHECK(script.loadFails() == "a: storage unavailable");
    CHECK(script.exchanges() == 0);
    CHECK_FALSE(script.state.isRenewing());
    CHECK(script.get("b") == "lease");  // the next use tries again
    script.leased();
    CHECK(script.loadedNothing() == "exchange anonymous");
}

TEST_CASE("no record: one visitor for all processes [48]") {
    TokenScript script(TokenScript::withStorage());
    script.showsClaims = true;
    script.get("a");
    script.loadedNothing();
    CHECK(script.leased(false) == "load");
    CHECK(script.loadedNothing() == "pause 37 ms");
    script.paused();
    script.leased(true);
    CHECK(script.loaded(record(script, "t1", "r1", 1)) == "publish #1 t1/r1; a: t1/r1");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("a renewal ahead of need: a sibling that is at it is left alone") {
    TokenScript script = TokenScript::stored();
    script.showsClaims = true;
    script.pass(4h - 100s);
    CHECK(script.ahead(1) == "lease behind");
    CHECK(script.leased(false) == "load");
    CHECK(script.loaded(record(script, "t1", "r1", 1, 100s)) == "");
    CHECK_FALSE(script.state.isRenewing());
    CHECK(script.state.nextAttempt() == script.now.boot + 1s);
    script.pass(1s);
    CHECK(script.ahead(1) == "lease behind");
    CHECK(script.leased(true) == "load");
    CHECK(script.loaded(record(script, "t2", "r2", 2)) == "publish #2 t2/r2");
    CHECK(script.takeObserved() == "adopted, served 0");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("a renewal ahead of need that may not begin now takes no lease") {
    TokenScript script = TokenScript::stored();
    script.showsClaims = true;
    script.pass(4h - 100s);
    CHECK(script.ahead(1) == "lease behind");
    script.leaseRefused();
    CHECK_FALSE(script.state.isRenewing());
    CHECK(script.get("a") == "a: t1/r1");
}
