// Several processes, one storage (C row 48): who may exchange, who adopts, and what is never taken over.
#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

namespace {

/// A session of which the claims are part of the dialogue: t1/r1 in version 1, and 4 h later, which is too late for t1.
class Expired final : public TokenScript {
public:
    explicit Expired(TokenRole role = TokenRole::visitor) : TokenScript(withStorage(), role) {
        showsClaims = true;
        pass(4h);
    }
};

StoredTokens record(const TokenScript& script, const char* access, const char* refresh, std::uint64_t version,
                    std::chrono::seconds life = 4h, TokenRole role = TokenRole::visitor) {
    return StoredTokens(script.tokens(access, refresh, life, role), version);
}

}  // namespace

TEST_CASE("C row 48: lease, another look at the record, exchange, save: in this order") {
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

TEST_CASE("C row 48: a sibling has renewed before the lease was ours: its tokens, and no exchange") {
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

TEST_CASE("C row 48: without rotation the newer access token tells who has renewed") {
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

TEST_CASE("C row 48: a sibling holds the lease: look, pause, look again, until it has renewed") {
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

TEST_CASE("C row 48: the pauses grow to half a second at most") {
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

TEST_CASE("C row 48: the holder has died: the next one exchanges") {
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
    script.leased(false);
    script.pass(2 * detail::TokenPolicy().leaseLife);
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "pause 37 ms");
    script.paused();
    script.leased(false);
    script.pass(detail::TokenPolicy().leaseLife / 2);
    CHECK(script.loaded(record(script, "t1", "r1", 1, 0s)) == "exchange r1");
}

TEST_CASE("C row 48: fenced: who was too slow finds newer tokens and does not write over them") {
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

TEST_CASE("C row 97: a record of an older version is never taken over, but written over") {
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

TEST_CASE("C row 97: the storage fails during a claim: what is in memory goes on") {
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

TEST_CASE("C row 97: nothing in memory, and the storage fails during the claim: no visitor is started") {
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

TEST_CASE("C row 48: no record: one visitor for all processes") {
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
