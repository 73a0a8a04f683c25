// Whoever changes a cookie, or uses one where it does not belong, gets nothing: no session, and no hint.
#include <wix/session_cookie.hpp>

#include <boost/json/serialize.hpp>

#include <doctest/doctest.h>

#include <string>

#include "cookie/cookie_cases.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;

TEST_CASE("a cookie of which one bit was changed is refused, whichever it is [99]") {
    const SessionCookie cookie(keysOf(key("k1"), key("k3", 7)), "session");  // k3 is one bit from k1
    // Lengths that leave no bits, 2 and 4 bits behind the last byte of the base64.
    for (const std::string& text :
         {std::string("visitor-42"), std::string("visitor-421"), std::string("visitor-4210")}) {
        const std::string value = cookie.seal(text, sealedAt);
        for (std::size_t at = 0; at < value.size(); ++at)
            for (int bit = 0; bit < 8; ++bit) {
                std::string changed = value;
                changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
                if (opened(cookie, changed) != "refused") FAIL("bit " << bit << " of byte " << at);
            }
    }
}

TEST_CASE("a cookie of which one character was changed is refused, whatever stands there then [99]") {
    const SessionCookie cookie = sessionCookie();
    const std::string value = cookie.seal("visitor-42", sealedAt);
    for (std::size_t at = 0; at < value.size(); ++at)
        for (int c = 0; c < 256; ++c) {
            std::string changed = value;
            changed[at] = static_cast<char>(c);
            if (changed != value && opened(cookie, changed) != "refused") FAIL("byte " << at << " as " << c);
        }
}

TEST_CASE("a truncated cookie is refused, and one with something before, in or behind it [99]") {
    const SessionCookie cookie = sessionCookie();
    const std::string value = cookie.seal("visitor-42", sealedAt);
    REQUIRE(opened(cookie, value) == "visitor-42");
    for (std::size_t size = 0; size < value.size(); ++size) {
        CHECK(opened(cookie, value.substr(0, size)) == "refused");
        if (size > 0) CHECK(opened(cookie, value.substr(size)) == "refused");
        for (const char added : {'A', '=', '.', ' ', '\n', '\0'})
            CHECK(opened(cookie, std::string(value).insert(size, 1, added)) == "refused");
        CHECK(opened(cookie, std::string(value).erase(size, 1)) == "refused");
    }
    for (const char* behind : {"A", "AA", "AAA", "AAAA", "=", "==", ".", ";", " ", "\r\n", "%3D"})
        CHECK(opened(cookie, value + behind) == "refused");
    CHECK(opened(cookie, value + std::string(1, '\0')) == "refused");
    CHECK(opened(cookie, value + value) == "refused");
    CHECK(opened(cookie, value + std::string(1 << 20, 'A')) == "refused");
}

TEST_CASE("what never was a cookie of ours is refused [99]") {
    const SessionCookie cookie = sessionCookie();
    for (const std::string& value :
         {std::string(), std::string("1"), std::string("1."), std::string("1.."), std::string("1.k1"),
          std::string("1.k1."), std::string("2.k1.AAAA"), std::string(".k1.AAAA"), "1.k1." + std::string(37, 'A'),
          "1.k1." + std::string(38, 'A'), "1.k1." + std::string(4000, 'A'), "1.k1." + std::string(64 << 10, 'A'),
          std::string("{}"), std::string(1000, '.'), std::string(256, '\xFF'), std::string("null")}) {
        CHECK(opened(cookie, value) == "refused");
        CHECK(isRefused(cookie.openTokens(value, sealedAt)));
    }
}

TEST_CASE("keys are rotated: the newest seals, all open, one that was removed opens no more [99]") {
    const SessionCookie before(keysOf(key("old", 1)), "session");
    const SessionCookie during(keysOf(key("new", 2), key("old", 1)), "session");
    const SessionCookie after(keysOf(key("new", 2)), "session");
    const std::string old = before.seal("a", sealedAt);
    const std::string fresh = during.seal("b", sealedAt);
    CHECK(old.starts_with("1.old."));
    CHECK(fresh.starts_with("1.new."));
    CHECK(opened(before, old) == "a");
    CHECK(opened(during, old) == "a");
    CHECK(opened(after, old) == "refused");
    CHECK(opened(before, fresh) == "refused");
    CHECK(opened(during, fresh) == "b");
    CHECK(opened(after, fresh) == "b");
    // Another secret of the same name, and the same secret by another name.
    CHECK(opened(SessionCookie(keysOf(key("old", 3)), "session"), old) == "refused");
    CHECK(opened(SessionCookie(keysOf(key("new", 1)), "session"), "1.new." + old.substr(6)) == "refused");
    CHECK(opened(SessionCookie(keysOf(key("new", 1), key("old", 2)), "session"), "1.new." + old.substr(6)) ==
          "refused");
}

TEST_CASE("a cookie is worth nothing for another purpose, another visitor or by another name [99]") {
    const std::string value = sessionCookie().seal("visitor-42", sealedAt);
    CHECK(opened(sessionCookie(CookieOptions(), "csrf"), value) == "refused");
    CHECK(opened(sessionCookie(CookieOptions(), "session "), value) == "refused");
    CHECK(opened(sessionCookie(CookieOptions(), std::string("session\0", 8)), value) == "refused");

    // A token against forged forms names its visitor in its purpose.
    const std::string forAnna = sessionCookie(CookieOptions(), "csrf anna").seal("", sealedAt);
    CHECK(opened(sessionCookie(CookieOptions(), "csrf anna"), forAnna) == "");
    CHECK(opened(sessionCookie(CookieOptions(), "csrf bert"), forAnna) == "refused");

    CookieOptions other;
    other.name = "__Host-wix-sessio";  // with the purpose "nsession" the same letters in a row
    CHECK(opened(sessionCookie(other), value) == "refused");
    CHECK(opened(sessionCookie(other, "nsession"), value) == "refused");
}

TEST_CASE("an expired cookie is refused for what it is, whoever keeps it [99]") {
    CookieOptions options;
    options.maxAge = 1s;
    const SessionCookie cookie = sessionCookie(options);
    const std::string tokens = cookie.sealTokens(tokensOf(100), sealedAt);
    CHECK(cookie.openTokens(tokens, sealedAt).has_value());
    CHECK(isRefused(cookie.openTokens(tokens, sealedAt + 1s)));
    // Longer life in the options does not prolong what is sealed.
    CHECK(isRefused(sessionCookie().openTokens(tokens, sealedAt + 1s)));
}

TEST_CASE("a refusal says nothing of the value nor of the reason [99]") {
    const std::string planted(plantedSecret);
    CookieOptions plain;
    plain.acceptPlainTokens = true;
    for (const SessionCookie& cookie : {sessionCookie(), sessionCookie(plain)})
        for (const std::string& value :
             {planted, "1." + planted + ".AAAA", "1.k1." + planted, "{\"" + planted + "\":1}", "%7B" + planted,
              R"({"accessToken":{"value":")" + planted + R"(","expiresAt":"x"},"refreshToken":{}})"}) {
            const auto text = cookie.open(value, sealedAt);
            REQUIRE(isRefused(text));
            requireNoSecret(text.error());
            const auto tokens = cookie.openTokens(value, sealedAt);
            REQUIRE(isRefused(tokens));
            requireNoSecret(tokens.error());
        }
    const Failure failure = failureOf([&] { sessionCookie().setCookie(planted + " "); });
    CHECK(failure.code == Errc::invalid_argument);
}

namespace {

/// As encodeURIComponent, and as js-cookie, which leaves some characters as they are.
std::string percentEncoded(std::string_view text, std::string_view kept) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kept.find(c) != kept.npos;
        if (plain)
            encoded.push_back(c);
        else
            encoded.append({'%', digits[byte / 16], digits[byte % 16]});
    }
    return encoded;
}

}  // namespace

TEST_CASE("tokens of a JavaScript front end are taken if that is allowed, in each of the ways they are written") {
    CookieOptions options;
    options.acceptPlainTokens = true;
    const SessionCookie taking = sessionCookie(options);
    const Tokens tokens = tokensOf(100, TokenRole::member);
    const std::string json = boost::json::serialize(toJson(tokens));
    for (const std::string& value :
         {json, percentEncoded(json, "-_.!~*'()"), percentEncoded(json, "#$&+/:<=>?@[]^`{|}-_.!~*'()")}) {
        CAPTURE(value.substr(0, 20));
        const auto opened = taking.openTokens(value, sealedAt);
        REQUIRE(opened.has_value());
        CHECK(*opened == tokens);
        CHECK(isRefused(sessionCookie().openTokens(value, sealedAt)));  // not allowed by itself
        CHECK(taking.find("a=b; __Host-wix-session=" + value) == value);
    }
    const auto sealed = taking.openTokens(taking.sealTokens(tokens, sealedAt), sealedAt);
    REQUIRE(sealed.has_value());
    CHECK(*sealed == tokens);
    CHECK(opened(taking, json) == "refused");
}

TEST_CASE("plain tokens that could break a header, or are no session, are refused") {
    CookieOptions options;
    options.acceptPlainTokens = true;
    const SessionCookie taking = sessionCookie(options);
    const auto written = [](const char* access, const char* refresh) {
        return boost::json::serialize(
            toJson(Tokens(AccessToken(access, {}), RefreshToken(refresh, TokenRole::visitor))));
    };
    CHECK(taking.openTokens(written("a", "r"), sealedAt).has_value());
    CHECK(taking.openTokens(written("", "r"), sealedAt).has_value());
    for (const std::string& value :
         {written("", ""), written("a\r\nX: y", "r"), written("a", "r\n"), written("a b", "r"),
          written("\xC3\xA4", "r"), written(std::string(5000, 'a').c_str(), "r"), std::string("{"), std::string("%"),
          std::string("%7"), std::string("%7B%"), std::string("%7B%7"), std::string("%7B%GG%7D"), std::string("[]"),
          std::string("null"), std::string("\"1.k1.\""), std::string(4000, '['),
          std::string(R"({"accessToken":{"value":"a"}})")})
        CHECK(isRefused(taking.openTokens(value, sealedAt)));
}
