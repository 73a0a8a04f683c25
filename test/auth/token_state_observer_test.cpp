// What the observer is told: every exchange begins once and ends once, and a session is lost once.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("why an exchange is made") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    SUBCASE("there is no session") {
        TokenScript first;
        first.get("a");
        CHECK(first.takeObserved() == "started 1 noSession");
    }
    SUBCASE("ahead of need") {
        script.pass(4h - 200s);
        script.ahead(1);
        CHECK(script.takeObserved() == "started 1 ahead");
    }
    SUBCASE("the token has expired") {
        script.pass(4h);
        script.get("a");
        CHECK(script.takeObserved() == "started 1 expired");
    }
    SUBCASE("401") {
        script.unauthorized("a", 1);
        CHECK(script.takeObserved() == "started 1 unauthorized");
    }
    SUBCASE("renewToken()") {
        script.renew("a");
        script.unauthorized("b", 1);  // joins: the first to come is the reason
        CHECK(script.takeObserved() == "started 1 requested");
    }
    SUBCASE("a refresh token of the caller's own") {
        script.renew("a", RefreshToken("r9", TokenRole::visitor));
        CHECK(script.takeObserved() == "started 1 requested");
    }
    SUBCASE("the session is lost") {
        script.pass(4h);
        script.get("a");
        script.takeObserved();
        script.fails(TokenVerdict::rejected);
        CHECK(script.takeObserved() ==
              "failed 1 expired after 0 ms, 1 waited: session lost; visitor lost: session lost, a new visitor follows; "
              "started 2 sessionLost");
    }
}

TEST_CASE("an exchange that succeeds: how long it took, whom it served, and whether it rotated") {
    TokenScript script = TokenScript::stored();
    script.pass(4h);
    script.get("a");
    script.get("b");
    script.get("c");
    script.cancel("b");
    script.pass(40ms);
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.takeObserved() == "started 1 expired");  // not before it is active
    script.pass(10ms);
    CHECK(script.saved(2) == "publish #2 t2/r2; a c: t2/r2");
    CHECK(script.takeObserved() == "finished 1 expired after 50 ms, served 2, rotated");
}

TEST_CASE("an exchange that fails: its error is that of its waiters, with its number") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h);
    script.get("a");
    script.get("b");
    script.pass(7ms);
    script.fails(TokenVerdict::transient);
    CHECK(script.takeObserved() == "started 1 expired; failed 1 expired after 7 ms, 2 waited: unavailable");
    CHECK(script.failureOf("a").attempt == 1);
    CHECK(script.failureOf("a").retryAt);
    script.get("c");  // in the backoff: the same error, no exchange
    CHECK(script.failureOf("c").attempt == 1);
    CHECK(script.failureOf("c").retryAt == script.failureOf("a").retryAt);
    CHECK(script.takeObserved() == "");
}

TEST_CASE("a replay is a part of its exchange") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h);
    script.get("a");
    script.pass(5ms);
    CHECK(script.fails(TokenVerdict::lost) == "exchange r1");
    script.pass(5ms);
    script.granted("t2");
    CHECK(script.takeObserved() == "started 1 expired; finished 1 expired after 10 ms, served 1");
}

TEST_CASE("an exchange for a session that was replaced, or whose tokens were, ends as aborted") {
    TokenScript script = TokenScript::stored();
    script.pass(4h);
    script.get("a");
    SUBCASE("while it was on its way") {
        CHECK(script.adopt("b", script.tokens("t9", "r9")) == "save t9/r9 over 1");
        script.saved(2);
        script.takeObserved();
        script.granted("t2");
        CHECK(script.takeObserved() == "failed 1 expired after 0 ms, 0 waited: aborted");
    }
    SUBCASE("while its tokens were being saved") {
        CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
        script.adopt("b", script.tokens("t9", "r9"));
        script.takeObserved();
        CHECK(script.saved(2) == "save t9/r9 over 2");
        CHECK(script.takeObserved() == "failed 1 expired after 0 ms, 0 waited: aborted");
    }
    SUBCASE("while its tokens were in line to be saved") {
        CHECK(script.adopt("b", script.tokens("t8", "r8", -1s)) == "save t8/r8 over 1");
        script.granted("t2", "r2");  // stale already
        script.adopt("c", script.tokens("t9", "r9"));
        script.takeObserved();
        CHECK(script.saved(2) == "save t9/r9 over 2");
        CHECK(script.saved(3) == "publish #2 t9/r9; b c: t9/r9; a: t9/r9");
        CHECK(script.takeObserved() == "");
    }
    SUBCASE("another program was faster") {
        CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
        script.takeObserved();
        script.conflict(script.tokens("t5", "r5"), 2);
        CHECK(script.takeObserved() == "failed 1 expired after 0 ms, 0 waited: aborted");
    }
}

TEST_CASE("a renewal ahead of need that found no room was none") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.pass(4h - 200s);
    script.ahead(1);
    script.refused();
    script.takeObserved();
    script.ahead(1);
    CHECK(script.takeObserved() == "started 1 ahead");
}

TEST_CASE("a session is lost once") {
    SUBCASE("a visitor's, and nobody follows") {
        TokenScript script = TokenScript::with(TokenRole::visitor, SessionLostPolicy::fail);
        script.pass(4h);
        script.get("a");
        script.takeObserved();
        script.fails(TokenVerdict::rejected);
        CHECK(script.takeObserved() ==
              "failed 1 expired after 0 ms, 1 waited: session lost; visitor lost: session lost");
        script.get("b");
        script.pass(1h);
        script.get("c");
        CHECK(script.takeObserved() == "");
    }
    SUBCASE("a member's") {
        TokenScript script = TokenScript::with(TokenRole::member);
        script.pass(4h);
        script.get("a");
        script.takeObserved();
        script.fails(TokenVerdict::rejected);
        CHECK(script.takeObserved() ==
              "failed 1 expired after 0 ms, 1 waited: session lost; member lost: session expired");
        CHECK(script.failureOf("a").code == Errc::session_expired);
        script.get("b");
        CHECK(script.takeObserved() == "");
    }
    SUBCASE("only when the storage has no newer one") {
        TokenScript script = TokenScript::stored();
        script.pass(4h);
        script.get("a");
        script.takeObserved();
        CHECK(script.fails(TokenVerdict::rejected) == "load");
        CHECK(script.takeObserved() == "failed 1 expired after 0 ms, 1 waited: session lost");
        SUBCASE("it has") {
            script.loaded(StoredTokens(script.tokens("t5", "r5"), 7));
            CHECK(script.takeObserved() == "");
        }
        SUBCASE("it has not") {
            script.loaded(StoredTokens(script.tokens("t1", "r1", 0s), 1));
            CHECK(script.takeObserved() == "visitor lost: session lost, a new visitor follows; started 2 sessionLost");
        }
    }
}

TEST_CASE("new tokens that could not be saved are told, and are used") {
    TokenScript script = TokenScript::stored();
    script.pass(4h);
    script.get("a");
    script.granted("t2", "r2");
    script.takeObserved();
    CHECK(script.saveFails() == "publish #2 t2/r2; a: t2/r2");
    CHECK(script.takeObserved() == "not saved: storage unavailable; finished 1 expired after 0 ms, served 1, rotated");
}

TEST_CASE("an invalid_grant for a new visitor is no lost session") {
    TokenScript script;
    script.get("a");
    script.takeObserved();
    script.fails(TokenVerdict::rejected);
    CHECK(script.takeObserved() == "failed 1 noSession after 0 ms, 1 waited: unavailable");
    CHECK(script.failureOf("a").code == Errc::token_unavailable);
}

TEST_CASE("a 401 for tokens that were replaced since: the next renewal is because those have expired") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.renew("first");
    script.granted("t2");
    script.pass(4h);
    script.takeObserved();
    CHECK(script.unauthorized("a", 1) == "exchange r1");
    CHECK(script.takeObserved() == "started 2 expired");
}
