// How a session starts, is replaced and ends: load, initial tokens, setTokens, logout, epochs.
#include <doctest/doctest.h>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::TokenVerdict;

TEST_CASE("the first use starts a visitor, and only one") {
    TokenScript script;
    CHECK(script.get("a") == "exchange anonymous");
    CHECK(script.get("b") == "");
    CHECK(script.granted("t1", "r1") == "publish #1 t1/r1; a b: t1/r1");
    CHECK(script.published()->tokens.refreshToken.role == TokenRole::visitor);
    CHECK(script.get("c") == "c: t1/r1");
}

TEST_CASE("what is published is one set, with the expiry counted from the start of the request") {
    TokenScript script;
    script.get("a");
    script.pass(30s);
    script.granted("t1", "r1", 60s);
    CHECK(script.published()->tokens.accessToken.expiresAt.time_since_epoch() == 1'700'000'060s);
    CHECK(script.published()->life.dead == detail::BootTime(1060s));
    CHECK(script.published()->generation == 1);
}

TEST_CASE("nothing is asked of anybody before the first use, and reading starts no visitor") {
    TokenScript script;
    CHECK(script.ahead(0) == "");
    CHECK(script.read("a") == "a: -");
    CHECK(script.renew("b") == "b: no session");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("the storage is read once, for all") {
    TokenScript script(TokenScript::withStorage());
    CHECK(script.get("a") == "load");
    CHECK(script.read("b") == "");
    CHECK(script.renew("c") == "");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 7)) == "publish #1 t1/r1; a b: t1/r1; exchange r1");
    CHECK(script.granted("t2") == "save t2/r1 over 7");
    CHECK(script.saved(8) == "publish #2 t2/r1; c: t2/r1");
}

TEST_CASE("no record: a visitor, saved before anybody is told") {
    TokenScript script(TokenScript::withStorage());
    script.get("a");
    CHECK(script.loadedNothing() == "exchange anonymous");
    CHECK(script.granted("t1", "r1") == "save t1/r1 over 0");
    CHECK(script.get("b") == "");
    CHECK(script.saved(1) == "publish #1 t1/r1; a b: t1/r1");
}

TEST_CASE("a record of yesterday is renewed, not replaced") {
    TokenScript script(TokenScript::withStorage());
    script.get("a");
    CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1", -24h, TokenRole::member), 7)) ==
          "publish #1 t1/r1; exchange r1");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 7");
    script.saved(8);
    CHECK(script.published()->tokens.refreshToken == RefreshToken("r2", TokenRole::member));
}

TEST_CASE("initial tokens win over the storage, and are saved at first use") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.initial = TokenScript().tokens("t1", "r1");
    TokenScript script(policy);
    CHECK(script.get("a") == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t9", "r9"), 7)) == "save t1/r1 over 7");
    CHECK(script.saved(8) == "publish #1 t1/r1; a: t1/r1");
}

TEST_CASE("a record of the initial tokens' session is at least as new as they are") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.initial = TokenScript().tokens("t1", "r1");
    TokenScript script(policy);
    script.get("a");
    CHECK(script.loaded(StoredTokens(script.tokens("t2", "r1"), 7)) == "publish #1 t2/r1; a: t2/r1");
}

TEST_CASE("initial tokens do without a storage that cannot be read") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.initial = TokenScript().tokens("t1", "r1");
    policy.initial.refreshToken.role = TokenRole::none;  // whoever has a refresh token is somebody
    TokenScript script(policy);
    script.get("a");
    CHECK(script.loadFails() == "save t1/r1 over 0");
    CHECK(script.saveFails() == "publish #1 t1/r1; a: t1/r1");
    CHECK(script.published()->tokens.refreshToken.role == TokenRole::visitor);
}

TEST_CASE("a session that starts as ended erases the record before a visitor is created [D1]") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.unsaved = detail::UnsavedTokens(Tokens(), 7, true);
    TokenScript script(policy);
    REQUIRE(script.state.unsavedTokens());
    CHECK(script.state.unsavedTokens()->tokens.empty());
    CHECK_FALSE(script.state.mayRest());
    CHECK(script.get("a") == "load");
    SUBCASE("the record is there") {
        CHECK(script.loaded(StoredTokens(script.tokens("t9", "r9"), 7)) == "erase over 7");
    }
    SUBCASE("the storage cannot be read") { CHECK(script.loadFails() == "erase over 0"); }
    CHECK(script.saved(8).find("t9") == std::string::npos);
    CHECK(script.published()->tokens.empty());
    CHECK_FALSE(script.state.unsavedTokens());
}

TEST_CASE("a session that starts as ended has nothing to erase without a record [D1]") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.unsaved = detail::UnsavedTokens(Tokens(), 7, true);
    TokenScript script(policy);
    script.get("a");
    CHECK(script.loaded(std::nullopt).find("erase") == std::string::npos);
}

TEST_CASE("a session that starts as ended is erased by close before its first use [D1]") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.unsaved = detail::UnsavedTokens(Tokens(), 7, true);
    TokenScript script(policy);
    CHECK(script.close("end") == "load");
    CHECK(script.loaded(StoredTokens(script.tokens("t9", "r9"), 7)) == "erase over 7");
    CHECK(script.saved(8).find("end: ") != std::string::npos);
}

TEST_CASE("carried-over tokens that were renewed are stored unless another process has changed the record [D1]") {
    detail::TokenPolicy policy = TokenScript::withStorage();
    policy.unsaved = detail::UnsavedTokens(TokenScript().tokens("t2", "r2"), 7, false);
    TokenScript script(policy);
    CHECK(script.get("a") == "load");
    SUBCASE("the record is the one that they follow") {
        CHECK(script.loaded(StoredTokens(script.tokens("t1", "r1"), 7)) == "save t2/r2 over 7");
        CHECK(script.saved(8) == "publish #1 t2/r2; a: t2/r2");
    }
    SUBCASE("another process has logged in") {
        CHECK(script.loaded(StoredTokens(script.tokens("tM", "rM", 4h, TokenRole::member), 8)) ==
              "publish #1 tM/rM; a: tM/rM");
    }
    SUBCASE("another process has logged out") {
        const std::string told = script.loaded(StoredTokens(Tokens(), 8));
        CHECK(told.find("save") == std::string::npos);
        CHECK(told.find("r2") == std::string::npos);
    }
    SUBCASE("another process logs in meanwhile") {
        script.loaded(StoredTokens(script.tokens("t1", "r1"), 7));
        CHECK(script.conflict(script.tokens("tM", "rM", 4h, TokenRole::member), 8) ==
              "publish #1 tM/rM; a: tM/rM");
    }
}

TEST_CASE("tokens that wait for the storage behind others are the unsaved ones [D1]") {
    TokenScript script = TokenScript::stored();
    script.adopt("set", script.tokens("tB", "rB"));
    REQUIRE(script.state.unsavedTokens());
    CHECK(script.state.unsavedTokens()->tokens.refreshToken.value == "rB");
    CHECK(script.state.unsavedTokens()->setByCaller);
    script.adopt("out", Tokens());
    REQUIRE(script.state.unsavedTokens());
    CHECK(script.state.unsavedTokens()->tokens.empty());
}

TEST_CASE("setTokens is another session: what is asked for is answered with it") {
    TokenScript script = TokenScript::stored();
    const std::uint64_t epoch = script.published()->epoch;
    CHECK(script.adopt("set", script.tokens("tB", "rB", 4h, TokenRole::member)) == "save tB/rB over 1");
    CHECK(script.get("a") == "");  // not with what is about to be replaced
    CHECK(script.read("b") == "");
    CHECK(script.saved(2) == "publish #2 tB/rB; set: tB/rB; a b: tB/rB");
    CHECK(script.published()->epoch > epoch);
}

TEST_CASE("setTokens with the active session changes nothing") {
    TokenScript script = TokenScript::stored();
    CHECK(script.adopt("same", script.tokens("t1", "r1")) == "same: t1/r1");
    CHECK(script.adopt("older", script.tokens("t0", "r1", 1h)) == "older: t1/r1");
    CHECK(script.adopt("expired", script.tokens("t0", "r1", -1h), true) == "expired: t1/r1");
    CHECK(script.adopt("fresher", script.tokens("t5", "r1", 5h)) == "save t5/r1 over 1");
    CHECK(script.saved(2) == "publish #2 t5/r1; fresher: t5/r1");
    CHECK(script.published()->epoch == 2 - 1);  // the same session still
}

TEST_CASE("a refresh token that was rotated away is this session, not an earlier one") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    script.renew("a");
    CHECK(script.granted("t2", "r2") == "publish #2 t2/r2; a: t2/r2");
    CHECK(script.adopt("late", script.tokens("t1", "r1")) == "late: t2/r2");
    CHECK(script.renew("later", RefreshToken("r1", TokenRole::visitor)) == "exchange r2");
    CHECK(script.granted("t3") == "publish #3 t3/r2; later: t3/r2");
}

TEST_CASE("eight rotations are remembered") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    for (int i = 2; i <= 9; ++i) {
        script.renew("renew" + std::to_string(i));
        script.granted("t" + std::to_string(i), "r" + std::to_string(i));
    }
    CHECK(script.adopt("first", script.tokens("t1", "r1")) == "first: t9/r9");
    script.renew("once more");
    script.granted("t10", "r10");
    CHECK(script.adopt("second", script.tokens("t2", "r2")) == "second: t10/r10");
    CHECK(script.adopt("forgotten", script.tokens("t1", "r1")) == "publish #11 t1/r1; forgotten: t1/r1");
}

TEST_CASE("generateVisitorTokens(tokens): adopted, then renewed if need be") {
    TokenScript script;
    CHECK(script.adopt("a", script.tokens("t1", "r1", -1h), true) == "publish #1 t1/r1; exchange r1");
    CHECK(script.granted("t2") == "publish #2 t2/r1; a: t2/r1");
    CHECK(script.adopt("b", script.tokens("t9", "r9"), true) == "publish #3 t9/r9; b: t9/r9");
}

TEST_CASE("renewToken(refreshToken): a session of its own, renewed") {
    TokenScript script = TokenScript::stored();
    CHECK(script.renew("a", RefreshToken("rB", TokenRole::member)) == "save -/rB over 1");
    CHECK(script.get("b") == "");
    CHECK(script.saved(2) == "publish #2 -/rB; exchange rB");
    CHECK(script.granted("tB") == "save tB/rB over 2");
    CHECK(script.saved(3) == "publish #3 tB/rB; a b: tB/rB");
    CHECK(script.published()->tokens.refreshToken.role == TokenRole::member);
    CHECK(script.renew("c", RefreshToken("rC", TokenRole::none)) == "save -/rC over 3");
    script.saved(4);
    CHECK(script.published()->tokens.refreshToken.role == TokenRole::visitor);
}

TEST_CASE("logout: nothing is left, and the next use starts a visitor") {
    TokenScript script = TokenScript::stored(TokenRole::member);
    CHECK(script.adopt("out", Tokens()) == "erase over 1");
    CHECK(script.saved(0) == "publish #2 -; out: -");
    CHECK(script.read("a") == "a: -");
    CHECK(script.renew("b") == "b: no session");
    CHECK(script.get("c") == "exchange anonymous");
}

TEST_CASE("a 401 of before the logout starts nothing") {
    TokenScript script = TokenScript::stored();
    script.adopt("out", Tokens());
    CHECK(script.unauthorized("during", 1) == "");
    CHECK(script.saved(0) == "publish #2 -; out: -; during: no session");
    CHECK(script.unauthorized("after", 1) == "after: no session");
    CHECK(script.exchanges() == 0);
}

TEST_CASE("logout while an exchange runs: its answer is dropped") {
    for (const auto verdict : {TokenVerdict::granted, TokenVerdict::transient, TokenVerdict::lost,
                               TokenVerdict::ambiguous, TokenVerdict::rejected, TokenVerdict::misconfigured}) {
        TokenScript script = TokenScript::with(TokenRole::member);
        CHECK(script.renew("a") == "exchange r1");
        CHECK(script.adopt("out", Tokens()) == "publish #2 -; out: -; a: no session");
        CHECK((verdict == TokenVerdict::granted ? script.granted("t2", "r2") : script.fails(verdict)) == "");
        CHECK(script.published()->tokens.empty());
        CHECK(script.state.nextAttempt() == detail::BootTime());
        CHECK(script.get("b") == "exchange anonymous");  // at once: no backoff of another session
    }
}

TEST_CASE("setTokens(B) while A is renewed: A's answer is dropped, whoever waits gets B") {
    TokenScript script = TokenScript::stored();
    CHECK(script.renew("a") == "exchange r1");
    CHECK(script.adopt("set", script.tokens("tB", "rB")) == "save tB/rB over 1");
    CHECK(script.granted("t2", "r2") == "");
    CHECK(script.saved(2) == "publish #2 tB/rB; set: tB/rB; a: tB/rB");
    CHECK(script.published()->tokens.refreshToken.value == "rB");
}

TEST_CASE("the same if B needs to be renewed: not before A's exchange is over") {
    TokenScript script = TokenScript::with(TokenRole::visitor);
    CHECK(script.renew("a") == "exchange r1");
    CHECK(script.adopt("set", script.tokens("tB", "rB", -1h)) == "publish #2 tB/rB; set: tB/rB");
    CHECK(script.granted("t2", "r2") == "exchange rB");
    CHECK(script.granted("tB2", "") == "publish #3 tB2/rB; a: tB2/rB");
}

TEST_CASE("setTokens while A's new tokens are being saved: they are never active") {
    TokenScript script = TokenScript::stored();
    script.renew("a");
    CHECK(script.granted("t2", "r2") == "save t2/r2 over 1");
    CHECK(script.adopt("set", script.tokens("tB", "rB")) == "");
    CHECK(script.saved(2) == "save tB/rB over 2");
    CHECK(script.saved(3) == "publish #2 tB/rB; set: tB/rB; a: tB/rB");
}

TEST_CASE("of several setTokens the last one counts, and all end") {
    TokenScript script = TokenScript::stored();
    CHECK(script.adopt("b", script.tokens("tB", "rB")) == "save tB/rB over 1");
    CHECK(script.adopt("c", script.tokens("tC", "rC")) == "");
    CHECK(script.adopt("d", script.tokens("tD", "rD")) == "");
    CHECK(script.adopt("d again", script.tokens("tD", "rD")) == "");
    CHECK(script.saved(2) == "save tD/rD over 2");
    CHECK(script.saved(3) == "publish #2 tD/rD; b c d d again: tD/rD");
}

TEST_CASE("back to A while B is on its way") {
    TokenScript script = TokenScript::stored();
    CHECK(script.adopt("b", script.tokens("tB", "rB")) == "save tB/rB over 1");
    CHECK(script.adopt("a", script.tokens("t1", "r1")) == "");
    CHECK(script.saved(2) == "save t1/r1 over 2");
    CHECK(script.saved(3) == "publish #2 t1/r1; b a: t1/r1");
}

TEST_CASE("an access token alone works until it ends; then a visitor starts") {
    TokenScript script;
    Tokens alone = script.tokens("t1", "", 1h);
    CHECK(script.adopt("set", alone) == "publish #1 t1/-; set: t1/-");
    CHECK(script.get("a") == "a: t1/-");
    CHECK(script.renew("b") == "b: no session");
    CHECK(script.ahead(1) == "");
    script.pass(1h);
    CHECK(script.get("c") == "exchange anonymous");
}

TEST_CASE("a member without a refresh token never becomes a visitor") {
    TokenScript script;
    Tokens alone = script.tokens("t1", "", 1h);
    alone.refreshToken.role = TokenRole::member;
    script.adopt("set", alone);
    script.pass(1h - 10s);
    CHECK(script.get("a") == "a: t1/-");
    script.pass(10s);
    CHECK(script.get("b") == "b: session expired");
    CHECK(script.unauthorized("c", 1) == "c: session expired");
    CHECK(script.exchanges() == 0);
}
