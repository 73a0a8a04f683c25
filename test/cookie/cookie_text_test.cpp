#include "cookie/cookie_text.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

std::string verdict(const std::function<void(CookieOptions&)>& change) {
    CookieOptions options;
    options.name = "session";
    change(options);
    const auto failure = checkCookieOptions(options);
    if (!failure) return "fine";
    CHECK(failure->code == Errc::invalid_argument);
    const std::string start = "CookieOptions::";
    REQUIRE(failure->context.starts_with(start));
    return failure->context.substr(start.size(), failure->context.find(' ') - start.size());
}

std::string found(std::string_view header, std::string_view name = "session") {
    const auto value = findCookie(header, name);
    return value ? "[" + std::string(*value) + "]" : "none";
}

}  // namespace

TEST_CASE("the defaults of a cookie are fine, and what they write") {
    CHECK_FALSE(checkCookieOptions(CookieOptions()));
    CHECK(writeSetCookie(CookieOptions(), "v", 30 * 24h) ==
          "__Host-wix-session=v; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax");
}

TEST_CASE("each attribute is written as it is set") {
    CookieOptions options;
    options.name = "a";
    options.path = "/shop";
    options.domain = "example.com";
    options.httpOnly = false;
    options.sameSite = SameSite::none;
    CHECK(writeSetCookie(options, "", 0s) == "a=; Path=/shop; Domain=example.com; Max-Age=0; Secure; SameSite=None");
    options.secure = false;
    options.sameSite = SameSite::strict;
    CHECK(writeSetCookie(options, "v", 1s) == "a=v; Path=/shop; Domain=example.com; Max-Age=1; SameSite=Strict");
}

TEST_CASE("names are tokens") {
    for (const char* good : {"a", "wix-session", "__Host-a", "__Secure-a", "!#$%&'*+-.^_`|~09"})
        CHECK(verdict([&](CookieOptions& o) { o.name = good; }) == "fine");
    for (const char* bad :
         {"", "a b", "a=b", "a;b", "a,b", "a\"", "a\r\nSet-Cookie: b", "a\t", "a/b", "a@b", "\xC3\xA4"})
        CHECK(verdict([&](CookieOptions& o) { o.name = bad; }) == "name");
    CHECK(verdict([&](CookieOptions& o) { o.name = std::string(128, 'a'); }) == "fine");
    CHECK(verdict([&](CookieOptions& o) { o.name = std::string(129, 'a'); }) == "name");
}

TEST_CASE("paths and domains cannot add an attribute or a header") {
    for (const char* bad : {"", "shop", "/a;b", "/a b", "/a\r\nX: y", "/\x7F", "/\xC3\xA4"})
        CHECK(verdict([&](CookieOptions& o) { o.path = bad; }) == "path");
    CHECK(verdict([](CookieOptions& o) { o.path = "/" + std::string(1024, 'a'); }) == "path");
    CHECK(verdict([](CookieOptions& o) { o.path = "/shop/a-b_c=1,2"; }) == "fine");
    for (const char* bad : {".example.com", "example.com.", "a..b", "-a.com", "a-.com", "a b", "a;b", "a\r\n",
                            "a_b.com", "example.com:80", "[::1]", "\xC3\xA4.com"})
        CHECK(verdict([&](CookieOptions& o) { o.domain = bad; }) == "domain");
    CHECK(verdict([](CookieOptions& o) { o.domain = std::string(64, 'a') + ".com"; }) == "domain");
    CHECK(verdict([](CookieOptions& o) {
              for (int i = 0; i < 64; ++i) o.domain += "abc.";
              o.domain += "com";
          }) == "domain");
    for (const char* good : {"example.com", "localhost", "a-b.example.co.uk", "EXAMPLE.com"})
        CHECK(verdict([&](CookieOptions& o) { o.domain = good; }) == "fine");
}

TEST_CASE("what browsers drop is refused: prefixes, and SameSite=None without Secure") {
    for (const char* name : {"__Host-a", "__host-a", "__HOST-a"}) {
        CHECK(verdict([&](CookieOptions& o) { o.name = name, o.secure = false; }) == "secure");
        CHECK(verdict([&](CookieOptions& o) { o.name = name, o.path = "/shop"; }) == "path");
        CHECK(verdict([&](CookieOptions& o) { o.name = name, o.domain = "example.com"; }) == "domain");
    }
    for (const char* name : {"__Secure-a", "__secure-a"}) {
        CHECK(verdict([&](CookieOptions& o) { o.name = name, o.secure = false; }) == "secure");
        CHECK(verdict([&](CookieOptions& o) { o.name = name, o.path = "/shop", o.domain = "a.com"; }) == "fine");
    }
    CHECK(verdict([](CookieOptions& o) { o.secure = false; }) == "fine");
    CHECK(verdict([](CookieOptions& o) { o.secure = false, o.sameSite = SameSite::none; }) == "secure");
}

TEST_CASE("the age of a cookie is 1 s to 400 days") {
    CHECK(verdict([](CookieOptions& o) { o.maxAge = 0s; }) == "maxAge");
    CHECK(verdict([](CookieOptions& o) { o.maxAge = -1s; }) == "maxAge");
    CHECK(verdict([](CookieOptions& o) { o.maxAge = 1s; }) == "fine");
    CHECK(verdict([](CookieOptions& o) { o.maxAge = 400 * 24h; }) == "fine");
    CHECK(verdict([](CookieOptions& o) { o.maxAge = 400 * 24h + 1s; }) == "maxAge");
    CHECK(verdict([](CookieOptions& o) { o.maxAge = std::chrono::seconds::max(); }) == "maxAge");
}

TEST_CASE("values are of the characters that RFC 6265 names") {
    CHECK(isCookieValue(""));
    for (int c = 0; c < 256; ++c) {
        const bool fine =
            c > 0x20 && c < 0x7F && std::string_view("\",;\\").find(static_cast<char>(c)) == std::string_view::npos;
        CAPTURE(c);
        CHECK(isCookieValue(std::string("a") + static_cast<char>(c) + "b") == fine);
    }
}

TEST_CASE("a cookie is found among whatever a client sends") {
    struct Row {
        std::string_view header, expected;
    };
    for (const auto& [header, expected] : std::vector<Row>{
             {"session=a", "[a]"},
             {"other=b; session=a; third=c", "[a]"},
             {"session=a;session=b", "[a]"},
             {"session=", "[]"},
             {"session", "none"},
             {"session; session=a", "[a]"},
             {"", "none"},
             {";;;", "none"},
             {"=", "none"},
             {"=session", "none"},
             {"  session =  a \t;", "[a]"},
             {"\tsession\t=\ta", "[a]"},
             {"session=\"a\"", "[a]"},
             {"session=\"\"", "[]"},
             {"session=\"", "[\"]"},
             {"session=\"a", "[\"a]"},
             {"session=\"\"a\"\"", "[\"a\"]"},
             {"session=a=b==", "[a=b==]"},
             {"Session=b; session=a", "[a]"},
             {"xsession=b; sessionx=c; session=a", "[a]"},
             {"a=\"session=b\"; session=a", "[a]"},
             {"a=\";session=b\"; session=a", "[b\"]"},  // quotes protect no semicolon: browsers see it so too
             {"session=a, b", "[a, b]"},
             {std::string_view("\0\x01\xFF=\x80; session=a", 16), "[a]"},
             {"session=\xFF\x01", "[\xFF\x01]"},
             {"$Version=1; session=a; $Path=/", "[a]"},
             {"\r\nsession=a", "none"},
         }) {
        CAPTURE(header);
        CHECK(found(header) == expected);
    }
    CHECK(found("a=b", "") == "none");
}

TEST_CASE("a header of 64 KB and more is read") {
    const std::string noise(64 << 10, ';');
    CHECK(found(noise + "session=a") == "[a]");
    CHECK(found(std::string(64 << 10, 'x') + "; session=a") == "[a]");
    CHECK(found(std::string(64 << 10, '=')) == "none");
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += "c" + std::to_string(i) + "=x; ";
    CHECK(found(many + "session=a") == "[a]");
    CHECK(found("session=" + std::string(64 << 10, 'y')).size() == (64 << 10) + 2);
}
