// What sealed values promise; the fault row of cookies is in cookie_fault_test.cpp.
#include <wix/session_cookie.hpp>

#include <doctest/doctest.h>

#include <string>

#include "cookie/cookie_cases.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;

TEST_CASE("a sealed text opens again, whatever is in it") {
    const SessionCookie cookie = sessionCookie();
    for (const std::string& text :
         {std::string("visitor-42"), std::string(), std::string("\0\xFF\r\n;", 5), std::string(2048, 'x')}) {
        const std::string value = cookie.seal(text, sealedAt);
        CHECK(value.find_first_not_of(valueCharacters) == value.npos);
        CHECK(opened(cookie, value) == text);
    }
}

TEST_CASE("sealed tokens open again as they were") {
    const SessionCookie cookie = sessionCookie();
    for (const TokenRole role : {TokenRole::visitor, TokenRole::member}) {
        const Tokens tokens = tokensOf(1000, role);
        const auto again = cookie.openTokens(cookie.sealTokens(tokens, sealedAt), sealedAt);
        REQUIRE(again.has_value());
        CHECK(*again == tokens);
    }
}

TEST_CASE("no two values are the same") {
    const SessionCookie cookie = sessionCookie();
    CHECK(cookie.seal("a", sealedAt) != cookie.seal("a", sealedAt));
}

TEST_CASE("the format stays: values that were sealed long ago open") {
    // Made with another implementation of AES-GCM: the nonce is the bytes 100 to 111, the key the bytes 0 to 31. What is
    // authenticated beside it: five texts, each with its length in 32 bits before it.
    const SessionCookie cookie = sessionCookie();
    const auto expiry = std::chrono::sys_seconds(1'800'000'000s);
    const std::string text = "1.k1.ZGVmZ2hpamtsbW5vSBveZhKghJ5ICyyBrgoY0Hbwjv-V6npuMbICoLyBpv8qXA";
    CHECK(opened(cookie, text, expiry - 1s) == "visitor-42");
    CHECK(opened(cookie, text, expiry) == "refused");
    const std::string tokens =
        "1.k1."
        "ZGVmZ2hpamtsbW5vSBveZhKghJ5FQD6LuQAZjhatbW_lTskJhafNJI7Gh3K2piG1OHrVQ9OSWhPfJ7K_cin9lGE-YxLLyZzm37GVuji8piL0"
        "OV5j-QqeK0XlWoMKWiVPhbPsqqqUFP5ZYX9zolPgEQcomkSRjLe2y3nXmgBW_ZUszQ1TyUnhQatr-yPuE_Y";
    const auto opened = cookie.openTokens(tokens, expiry - 1s);
    REQUIRE(opened.has_value());
    CHECK(opened->accessToken == AccessToken("OauthNG.a", expiry));
    CHECK(opened->refreshToken == RefreshToken("r1", TokenRole::visitor));
}

TEST_CASE("a value expires to the second, by the clock of who opens it") {
    CookieOptions options;
    options.maxAge = 60s;
    const SessionCookie cookie = sessionCookie(options);
    const std::string value = cookie.seal("a", sealedAt);
    CHECK(opened(cookie, value, sealedAt + 59s) == "a");
    CHECK(opened(cookie, value, sealedAt + 59s + 999ms) == "a");
    CHECK(opened(cookie, value, sealedAt + 60s) == "refused");
    CHECK(opened(cookie, value, sealedAt + 61s) == "refused");
    CHECK(opened(cookie, value, SessionCookie::Time::max()) == "refused");
    // A clock that is behind the one of who sealed it.
    CHECK(opened(cookie, value, sealedAt - 1s) == "a");
    CHECK(opened(cookie, value, SessionCookie::Time::min()) == "a");
    // No time overflows.
    CHECK(opened(cookie, cookie.seal("a", SessionCookie::Time::max()), SessionCookie::Time::max()) == "a");
    CHECK(opened(cookie, cookie.seal("a", SessionCookie::Time::min()), sealedAt) == "refused");
}

TEST_CASE("a text is no session and a session no text") {
    const SessionCookie cookie = sessionCookie();
    const std::string json =
        R"({"accessToken":{"value":"a","expiresAt":1},"refreshToken":{"value":"r","role":"none"}})";
    CHECK(isRefused(cookie.openTokens(cookie.seal(json, sealedAt), sealedAt)));
    CHECK(opened(cookie, cookie.sealTokens(tokensOf(100), sealedAt)) == "refused");
}

TEST_CASE("a session that no browser would keep is told at once, with its size") {
    const SessionCookie cookie = sessionCookie();
    CHECK(opened(cookie, cookie.seal(std::string(2900, 'x'), sealedAt)).size() == 2900);
    const Failure text = failureOf([&] { cookie.seal(std::string(3100, 'x'), sealedAt); });
    CHECK(text.code == Errc::invalid_argument);
    CHECK(text.context.starts_with("sealing 3100 bytes gives a cookie of 42"));
    CHECK(cookie.setCookie(cookie.sealTokens(tokensOf(2000), sealedAt)).size() < 4096);
    const Failure tokens = failureOf([&] { cookie.sealTokens(tokensOf(3000), sealedAt); });
    CHECK(tokens.code == Errc::invalid_argument);
    CHECK(tokens.context.find("browsers keep 4096") != std::string::npos);
    // To the byte: what seal() gives, setCookie() takes.
    std::size_t longest = 0;
    for (std::size_t size = 2900; size < 3100; ++size)
        if (failureOf([&] { cookie.seal(std::string(size, 'x'), sealedAt); }).context.empty()) longest = size;
    CHECK(cookie.setCookie(cookie.seal(std::string(longest, 'x'), sealedAt)).size() >= 4095);
}

TEST_CASE("what cannot be a session is not sealed") {
    const SessionCookie cookie = sessionCookie();
    CHECK(failureOf([&] { cookie.sealTokens(Tokens(), sealedAt); }).code == Errc::invalid_argument);
    const Tokens hostile(AccessToken("a\r\nX: y", {}), RefreshToken("r", TokenRole::visitor));
    CHECK(failureOf([&] { cookie.sealTokens(hostile, sealedAt); }).code == Errc::invalid_token);
}

TEST_CASE("headers: what is set is found again") {
    const SessionCookie cookie = sessionCookie();
    const std::string value = cookie.seal("visitor-42", sealedAt);
    CHECK(cookie.setCookie(value) ==
          "__Host-wix-session=" + value + "; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax");
    CHECK(cookie.clearCookie() == "__Host-wix-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    CHECK(cookie.find("a=b; __Host-wix-session=" + value + "; c=d") == value);
    CHECK_FALSE(cookie.find("a=b; wix-session=" + value));
    for (const char* bad : {"a b", "a;b", "a\r\nSet-Cookie: x=y", "a\"", "a,b", "a\\b", "\xC3\xA4"})
        CHECK(failureOf([&] { cookie.setCookie(bad); }).code == Errc::invalid_argument);
    CHECK(failureOf([&] { cookie.setCookie(std::string(4096, 'a')); }).code == Errc::invalid_argument);
    CHECK(cookie.options().name == "__Host-wix-session");
}

TEST_CASE("keys: what is malformed is refused, and never repeated") {
    const std::string hex(64, 'a');
    CHECK(CookieKey::fromHex("k_1", hex).id() == "k_1");
    CHECK(CookieKey::fromHex("0123456789abcdef", std::string(64, 'F')).id().size() == 16);
    for (const char* id : {"", "a.b", "a-b", "a b", "0123456789abcdefg", "\xC3\xA4"})
        CHECK(failureOf([&] { CookieKey::fromHex(id, hex); }).code == Errc::invalid_argument);
    CHECK(failureOf([] { CookieKey::random("a.b"); }).code == Errc::invalid_argument);
    for (const std::string& secret : {std::string(), hex.substr(1), hex + "a", hex.substr(1) + "g",
                                      "0x" + hex.substr(2), std::string("q7ZcAnArYx3") + hex.substr(11)}) {
        const Failure failure = failureOf([&] { CookieKey::fromHex("k1", secret); });
        CHECK(failure.code == Errc::invalid_argument);
        if (!secret.empty()) CHECK(failure.context.find(secret.substr(0, 11)) == std::string::npos);
    }
    CHECK(opened(SessionCookie(keysOf(CookieKey::random("k1")), "session"),
                 SessionCookie(keysOf(CookieKey::random("k1")), "session").seal("a", sealedAt)) == "refused");
}

TEST_CASE("a cookie needs keys of different names, a purpose, and options that browsers take") {
    const auto refusal = [](std::vector<CookieKey> keys, std::string purpose, CookieOptions options = CookieOptions()) {
        const Failure failure = failureOf([&] { SessionCookie(keys, purpose, options); });
        CHECK(failure.code == Errc::invalid_argument);
        return failure.context;
    };
    CHECK(refusal({}, "session").starts_with("SessionCookie: the keys"));
    CHECK(refusal({key("k1"), key("k2"), key("k1")}, "session").starts_with("SessionCookie: the keys"));
    CHECK(refusal({key("k1")}, "").starts_with("SessionCookie: the purpose"));
    CHECK(refusal({key("k1")}, std::string(1025, 'x')).starts_with("SessionCookie: the purpose"));
    CookieOptions options;
    options.secure = false;
    CHECK(refusal({key("k1")}, "session", options).starts_with("CookieOptions::secure"));
}
