// A refresh token that the endpoint refuses without saying that it is dead: the experiment of the token state. [C2]
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

namespace {

/// The access token of the session expires, and the endpoint refuses its refresh token once; "a" waits.
void refuseOnce(TokenScript& script) {
    script.pass(4h);
    CHECK(script.get("a") == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "pause 10000 ms");
}

/// The same up to the request of the control.
void askControl(TokenScript& script) {
    refuseOnce(script);
    script.pass(10s);
    CHECK(script.paused() == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "control");
}

}  // namespace

TEST_CASE("a dead refresh token is replaced within the same operation: refused, refused alike, control, refused [C2]") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    askControl(script);
    CHECK(script.controlled(true) == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "exchange anonymous");
    CHECK(script.granted("tN", "rN") == "publish #2 tN/rN; a: tN/rN");
    CHECK(script.exchanges() == 4);
    CHECK(script.takeObserved() ==
          "started 1 expired; failed 1 expired after 0 ms, 1 waited: unavailable; started 2 expired; "
          "failed 2 expired after 0 ms, 1 waited: unavailable; visitor lost: session lost, a new visitor follows; "
          "started 3 sessionLost; finished 3 sessionLost after 0 ms, served 1");
}

TEST_CASE("an experiment ends a member's session with an error, never with a visitor [C2]") {
    TokenScript script = TokenScript::with(TokenRole::member);
    askControl(script);
    CHECK(script.controlled(true) == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "a: session expired");
    CHECK(script.get("b") == "b: session expired");
}

TEST_CASE("an experiment under the policy `fail` loses the session without a new visitor [C2]") {
    TokenScript script = TokenScript::with(TokenRole::visitor, SessionLostPolicy::fail);
    askControl(script);
    CHECK(script.controlled(true) == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "a: session lost");
}

TEST_CASE("a refused refresh token that the endpoint accepts later is kept [C2]") {
    SUBCASE("after the pause") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        refuseOnce(script);
        script.pass(10s);
        CHECK(script.paused() == "exchange r1");
        CHECK(script.granted("t2", "r2") == "publish #2 t2/r2; a: t2/r2");
    }
    SUBCASE("after the control") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        CHECK(script.controlled(true) == "exchange r1");
        CHECK(script.granted("t2", "r2") == "publish #2 t2/r2; a: t2/r2");
    }
}

TEST_CASE("an experiment without a verdict is a transient failure that names the way out [C2]") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    askControl(script);
    std::string told;
    std::chrono::milliseconds pause = 10s;
    SUBCASE("the control fails") { told = script.controlled(false); }
    SUBCASE("the control fails, with Retry-After") {
        told = script.controlled(false, 40s);
        pause = 40s;
    }
    SUBCASE("another code in the third step") {
        script.controlled(true);
        told = script.refusedWith(403, "even");
    }
    SUBCASE("another status in the third step") {
        script.controlled(true);
        told = script.refusedWith(401, "odd");
    }
    SUBCASE("the deadline of the flight has passed at the control") {
        script.pass(20s);
        told = script.controlled(true);
    }
    SUBCASE("the deadline of the flight has passed in the third step") {
        script.pass(19'999ms);
        CHECK(script.controlled(true) == "exchange r1");
        script.pass(1ms);
        told = script.refusedWith(403, "odd");
    }
    CHECK(told == "a: unavailable");
    const Failure& failure = script.failureOf("a");
    CHECK(failure.code == Errc::token_unavailable);
    CHECK(failure.context.find("setTokens(Tokens{})") != std::string::npos);
    CHECK(failure.retryAt == script.now.wall + pause);
    CHECK(script.get("b") == "b: unavailable");
    CHECK(script.takeObserved().find("lost") == std::string::npos);
    script.pass(pause);
    CHECK(script.get("c") == "exchange r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1; c: t2/r1");
}

TEST_CASE("a transient failure in the third step ends the experiment without a verdict [C2]") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    askControl(script);
    script.controlled(true);
    CHECK(script.fails(TokenVerdict::transient) == "a: unavailable");
    script.pass(60s);
    CHECK(script.get("b") == "exchange r1");  // the evidence is still there
    CHECK(script.refusedWith(403, "odd") == "control");
}

TEST_CASE("a flight whose response was lost once does not decide [C2]") {
    SUBCASE("before the control") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        refuseOnce(script);
        script.pass(10s);
        script.paused();
        CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
        CHECK(script.refusedWith(403, "odd") == "a: unavailable");
    }
    SUBCASE("after the control") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        script.controlled(true);
        CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
        CHECK(script.refusedWith(403, "odd") == "a: unavailable");
    }
}

TEST_CASE("while the access token lives it is used, and nothing is decided [C2]") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h - 40s);
    CHECK(script.ahead(1) == "exchange r1 behind");
    CHECK(script.refusedWith(403, "odd") == "");
    CHECK(script.get("a") == "a: t1/r1");
    CHECK(script.state.nextAttempt() == script.now.boot + 10s);
    script.pass(10s);
    CHECK(script.get("b") == "exchange r1");  // mandatory: it waits
    CHECK(script.refusedWith(403, "odd") == "b: t1/r1");
    CHECK(script.renew("c") == "c: unavailable");
    script.pass(25s);
    CHECK(script.renew("d") == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "d: unavailable");
    script.pass(5s);  // it has expired
    CHECK(script.get("e") == "pause 5000 ms");
    script.pass(5s);
    CHECK(script.paused() == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "control");  // the evidence was gathered before
}

TEST_CASE("callers wait for the second attempt, together, and each may leave [C2]") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    refuseOnce(script);
    CHECK(script.get("b") == "");
    CHECK(script.renew("c") == "");
    CHECK(script.unauthorized("d", 1) == "");
    script.pass(3s);
    for (const char* who : {"a", "b", "c"}) CHECK(script.cancel(who) == "");
    CHECK(script.state.isPausing());
    CHECK_FALSE(script.state.isRenewing());  // the lease is given back
    CHECK(script.cancel("d") == "");
    CHECK_FALSE(script.state.isPausing());
    CHECK(script.state.isQuiet());
    CHECK(script.get("e") == "pause 7000 ms");
    script.pass(6s);
    CHECK(script.paused() == "pause 1000 ms");  // a timer that came early
    script.pass(1s);
    CHECK(script.paused() == "exchange r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1; e: t2/r1");
}

TEST_CASE("a gateway with alternating codes does not end a session, and callers wait one pause at most [C2]") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h);
    for (int i = 0; i < 20; ++i) {
        const std::string who = std::to_string(i);
        CHECK(script.get(who) == "exchange r1");
        CHECK(script.refusedWith(403, "odd") == "pause 10000 ms");
        script.pass(10s);
        CHECK(script.paused() == "exchange r1");
        CHECK(script.refusedWith(i % 2 ? 403 : 401, i % 2 ? "even" : "odd") == who + ": unavailable");
        script.pass(10s);
    }
}

TEST_CASE("the last caller leaves: the experiment ends, and the next caller begins another [C2]") {
    SUBCASE("while the control is asked") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        CHECK(script.cancel("a") == "");
        CHECK(script.state.exchangeIsStale());  // the driver stops waiting for the control
        CHECK(script.get("b") == "");
        CHECK(script.controlled(true) == "pause 10000 ms");
        script.pass(10s);
        CHECK(script.paused() == "exchange r1");
        CHECK(script.refusedWith(403, "odd") == "control");
    }
    SUBCASE("in the third step") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        script.controlled(true);
        CHECK(script.cancel("a") == "");
        CHECK_FALSE(script.state.exchangeIsStale());  // it may rotate the refresh token
        CHECK(script.get("b") == "");
        CHECK(script.refusedWith(403, "odd") == "pause 10000 ms");
    }
    SUBCASE("in the second attempt") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        refuseOnce(script);
        script.pass(10s);
        CHECK(script.paused() == "exchange r1");
        CHECK(script.cancel("a") == "");
        CHECK(script.refusedWith(403, "odd") == "");
        CHECK(script.state.isQuiet());
        CHECK(script.get("b") == "pause 10000 ms");
    }
}

TEST_CASE("other tokens end the experiment [C2]") {
    SUBCASE("setTokens while callers wait") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        refuseOnce(script);
        CHECK(script.adopt("set", script.tokens("tB", "rB")) == "publish #2 tB/rB; set: tB/rB; a: tB/rB");
        CHECK_FALSE(script.state.isPausing());
    }
    SUBCASE("setTokens(Tokens{}), as the text says") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        refuseOnce(script);
        CHECK(script.adopt("out", Tokens()) == "publish #2 -; out: -; exchange anonymous");
        CHECK(script.granted("tN", "rN") == "publish #3 tN/rN; a: tN/rN");
    }
    SUBCASE("setTokens while the control is asked") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        CHECK(script.adopt("set", script.tokens("tB", "rB")) == "publish #2 tB/rB; set: tB/rB; a: tB/rB");
        CHECK(script.state.exchangeIsStale());
        CHECK(script.controlled(true) == "");
        CHECK(script.takeObserved().find("lost") == std::string::npos);
    }
    SUBCASE("another refresh token in the third step") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        script.controlled(true);
        CHECK(script.renew("other", RefreshToken("rB", TokenRole::visitor)) == "publish #2 -/rB");
        CHECK(script.refusedWith(403, "odd") == "exchange rB");
        CHECK(script.refusedWith(403, "odd") == "pause 10000 ms");  // another token, other evidence
    }
    SUBCASE("tokens of the same session that live longer, while the control is asked") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        CHECK(script.adopt("set", script.tokens("t2", "r1")) == "publish #2 t2/r1; set: t2/r1; a: t2/r1");
        CHECK(script.state.exchangeIsStale());
        CHECK(script.controlled(true) == "");
        CHECK(script.get("b") == "b: t2/r1");
    }
    SUBCASE("close while callers wait") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        refuseOnce(script);
        CHECK(script.close("c") == "a: aborted; c: t1/r1");
        CHECK_FALSE(script.state.isPausing());
    }
    SUBCASE("close while the control is asked") {
        TokenScript script = TokenScript::with(TokenRole::visitor);
        askControl(script);
        CHECK(script.close("c") == "a: aborted; drop unsent");
        CHECK(script.controlled(true) == "c: t1/r1");
    }
}

TEST_CASE("the second attempt takes the lease and reads the record again [C2]") {
    TokenScript script = TokenScript::stored();
    script.showsClaims = true;
    script.pass(4h);
    CHECK(script.get("a") == "lease");
    CHECK(script.leased() == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1", 0s), 1)) == "exchange r1");
    CHECK(script.refusedWith(403, "odd") == "pause 10000 ms");
    CHECK_FALSE(script.state.isRenewing());
    script.pass(10s);
    CHECK(script.paused() == "lease");
    SUBCASE("another process has renewed") {
        CHECK(script.leased() == "load");
        CHECK(script.loaded(StoredTokens(script.tokens("t2", "r2"), 2)) == "publish #2 t2/r2; a: t2/r2");
    }
    SUBCASE("another process renews just now") {
        CHECK(script.leased(false) == "load");
        CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1", -1h), 1)) == "pause 37 ms");
        CHECK(script.paused() == "lease");
    }
    SUBCASE("the record is read once more before the session ends") {
        script.leased();
        script.loaded(StoredTokens(script.tokens("t1", "r1", -1h), 1));
        CHECK(script.refusedWith(403, "odd") == "control");
        CHECK(script.state.isRenewing());  // the lease is kept
        CHECK(script.controlled(true) == "exchange r1");
        CHECK(script.refusedWith(403, "odd") == "load");
        SUBCASE("it is ours") {
            CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1", -1h), 1)) == "exchange anonymous");
        }
        SUBCASE("another process has renewed") {
            CHECK(script.loaded(StoredTokens(script.tokens("t2", "r2"), 2)) == "publish #2 t2/r2; a: t2/r2");
        }
        SUBCASE("it cannot be read") { CHECK(script.loadFails() == "a: storage unavailable"); }
    }
}

TEST_CASE("a refusal of another refresh token, out of a newer record, is other evidence [C2]") {
    TokenScript script = TokenScript::stored();
    script.showsClaims = true;
    script.pass(4h);
    script.get("a");
    script.leased();
    script.loaded(StoredTokens(script.tokens("t1", "r1", 0s), 1));
    CHECK(script.refusedWith(403, "odd") == "pause 10000 ms");
    script.pass(10s);
    script.paused();
    script.leased();
    CHECK(script.loaded(StoredTokens(script.tokens("t2", "r2", -1h), 2)) == "publish #2 t2/r2; exchange r2");
    CHECK(script.refusedWith(403, "odd") == "pause 10000 ms");
}

TEST_CASE("whoever leaves an experiment, the others see the same [C2]") {
    cancelAnyWaiter([] { return TokenScript::stored(); }, {"a", "b"},
                    [](TokenScript& script) {
                        script.pass(4h);
                        script.get("stays");
                        script.get("a");
                        script.refusedWith(403, "odd");
                        script.renew("b");
                        script.pass(10s);
                        script.paused();
                        script.refusedWith(403, "odd");
                        script.controlled(true);
                        script.refusedWith(403, "odd");
                        script.loaded(StoredTokens(script.tokens("t1", "r1"), 1));
                        script.granted("tN", "rN");
                        script.saved(2);
                    });
}
