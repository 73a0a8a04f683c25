#include "http/header_rules.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <string>
#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::string_literals;

namespace {

std::string why(const std::optional<Failure>& failure, Errc code = Errc::invalid_header) {
    if (!failure) return "accepted";
    CHECK(failure->code == code);
    return failure->context;
}

const std::string separators = "\"(),/:;<=>?@[\\]{} \t";

}  // namespace

TEST_CASE("a header name is a token: every byte is tried") {
    for (int i = 0; i < 256; ++i) {
        const char c = static_cast<char>(i);
        const bool legal = i > 0x20 && i < 0x7F && separators.find(c) == std::string::npos;
        CAPTURE(i);
        CHECK(isToken(std::string(1, c)) == legal);
        CHECK(!checkHeader("X"s + c, "v").has_value() == legal);
        CHECK(!checkHeader(std::string(1, c) + "X", "v").has_value() == legal);
    }
    CHECK(!isToken(""));
}

TEST_CASE("a header value is printable ASCII, spaces and tabs: every byte is tried") {
    for (int i = 0; i < 256; ++i) {
        const char c = static_cast<char>(i);
        const bool legal = c == '\t' || (i >= 0x20 && i < 0x7F);
        CAPTURE(i);
        CHECK(!checkHeader("X", "a"s + c + "b").has_value() == legal);
        CHECK(!checkHeader("X", std::string(1, c)).has_value() == legal);
    }
    CHECK(!checkHeader("X", ""));
    CHECK(!checkHeader("X", " a b\t"));
}

TEST_CASE("a refused header is named if its name is legal, and its value never is") {
    CHECK(why(checkHeader("", "SECRET")) == "a header name is empty");
    CHECK(why(checkHeader("X\r\nY", "SECRET")) == "a header name has a character that is not allowed");
    CHECK(why(checkHeader("X:", "SECRET")) == "a header name has a character that is not allowed");
    CHECK(why(checkHeader("X", "SECRET\r\nY: z")) == "X: the value has a character that is not printable ASCII");
    CHECK(why(checkHeader("X", "SECRET\0"s)) == "X: the value has a character that is not printable ASCII");
    CHECK(why(checkHeader("X", "SECRET\n")) == "X: the value has a character that is not printable ASCII");
    CHECK(why(checkHeader("X", "SECRET\xC3\xA4")) == "X: the value has a character that is not printable ASCII");
}

TEST_CASE("headers that belong to the SDK are reserved, in any case") {
    for (std::string name : {"Authorization", "Host", "Content-Length", "Connection", "Transfer-Encoding",
                             "X-Wix-Consistent", "TE", "Trailer", "Upgrade", "HTTP2-Settings", "Expect", "Keep-Alive",
                             "Proxy-Authorization", "Proxy-Connection", "Proxy-Anything"}) {
        std::string upper = name, lower = name;
        for (char& c : upper) c = static_cast<char>(std::toupper(c));
        for (char& c : lower) c = static_cast<char>(std::tolower(c));
        CAPTURE(name);
        CHECK(isReserved(name));
        CHECK(isReserved(upper));
        CHECK(isReserved(lower));
        CHECK(why(checkCallerHeaders({{"Accept", "a"}, {lower, "SECRET"}})) ==
              lower + ": this header belongs to the SDK");
    }
    for (std::string name :
         {"", "Accept", "Content-Type", "Host2", "Hos", "X-Wix-Consistent2", "Proxy", "ProxyX", "T", "Cookie",
          "Accept-Encoding", "Range", "wix-site-id", "client-binding", "Accept-Language", "Content-Encoding", "Date"})
        CHECK(!isReserved(name));
}

TEST_CASE("a caller's headers are checked one by one") {
    CHECK(!checkCallerHeaders({}));
    CHECK(!checkCallerHeaders({{"Accept-Language", "de"}, {"X-A", ""}}));
    CHECK(why(checkCallerHeaders({{"X-A", "b"}, {"X-B", "c\r\n"}})) ==
          "X-B: the value has a character that is not printable ASCII");
    CHECK(why(checkCallerHeaders({{"Host\r\n", "b"}})) == "a header name has a character that is not allowed");
}

TEST_CASE("a method is an upper-case token, and opens no tunnel") {
    for (std::string method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "M-SEARCH", "X1"})
        CHECK(why(checkMethod(method), Errc::invalid_argument) == "accepted");
    const std::vector<std::string> malformed = {
        "",     "get",  "Get",        "GEt", "GET ", " GET", "G ET", "GET\r\n", "GET /x HTTP/1.1\r\n",
        "G\0"s, "GET/", "G\xC3\x84T", "z",   "a"};
    for (const std::string& method : malformed)
        CHECK(why(checkMethod(method), Errc::invalid_argument) == "method: wants an upper-case token such as GET");
    for (std::string method : {"CONNECT", "TRACE"})
        CHECK(why(checkMethod(method), Errc::invalid_argument) == "method: CONNECT and TRACE are not sent");
}

TEST_CASE("a token is visible ASCII of at most 64 KiB: every byte is tried") {
    for (int i = 0; i < 256; ++i) {
        const bool legal = i > 0x20 && i < 0x7F;
        CAPTURE(i);
        CHECK(isSafeTokenValue("a"s + static_cast<char>(i) + "b") == legal);
        CHECK(isSafeTokenValue(std::string(1, static_cast<char>(i))) == legal);
    }
    CHECK(!isSafeTokenValue(""));
    CHECK(isSafeTokenValue(std::string(65'536, 'a')));
    CHECK(!isSafeTokenValue(std::string(65'537, 'a')));
    CHECK(isSafeTokenValue("OauthNG.JWS.eyJhbGciOiJ-_.+/="));
}

TEST_CASE("case is ignored for ASCII letters only") {
    CHECK(equalsIgnoreCase("", ""));
    CHECK(equalsIgnoreCase("aBz-Z", "AbZ-z"));
    CHECK(!equalsIgnoreCase("a", "ab"));
    CHECK(!equalsIgnoreCase("ab", "a"));
    CHECK(!equalsIgnoreCase("@", "`"));  // differ in the bit that letters differ in
    CHECK(!equalsIgnoreCase("[", "{"));
    CHECK(!equalsIgnoreCase("\xC4", "\xE4"));
}
