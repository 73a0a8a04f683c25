// The cookie of Wix's own front ends, which is not sealed: {"clientId","tokens"}.
#include "cookie/cookie_cases.hpp"

using namespace wix;
using namespace wix::test;

namespace {

const std::string ours = "11111111-2222-3333-4444-555555555555";
const std::string foreign = "99999999-2222-3333-4444-555555555555";
const std::string whole =
    R"({"accessToken":{"value":"JWS.eyJa","expiresAt":7},"refreshToken":{"value":"JWS.eyJr","role":"member"}})";

SessionCookie cookieFor(const std::string& clientId, bool plain = true) {
    CookieOptions options;
    options.acceptPlainTokens = plain;
    options.clientId = clientId;
    return sessionCookie(options);
}

std::string frontEnd(const std::string& clientId, const std::string& tokens = whole) {
    return R"({"clientId":")" + clientId + R"(","tokens":)" + tokens + "}";
}

std::string encoded(const std::string& text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        out.push_back('%');
        out.push_back(digits[static_cast<unsigned char>(c) / 16]);
        out.push_back(digits[static_cast<unsigned char>(c) % 16]);
    }
    return out;
}

/// The refresh token of a cookie, or `refused`.
std::string refreshIn(const SessionCookie& cookie, const std::string& value) {
    const auto tokens = cookie.openTokens(value, sealedAt);
    return isRefused(tokens) ? "refused" : tokens->refreshToken.value;
}

}  // namespace

TEST_CASE("the cookie of Wix's own front ends is accepted, as it is and percent-encoded [C14]") {
    for (const std::string& id : {ours, std::string()}) {
        const SessionCookie cookie = cookieFor(id);
        CHECK(refreshIn(cookie, frontEnd(ours)) == "JWS.eyJr");
        CHECK(refreshIn(cookie, encoded(frontEnd(ours))) == "JWS.eyJr");
        CHECK(refreshIn(cookie, R"({"tokens":)" + whole + R"(,"more":1,"clientId":")" + ours + "\"}") == "JWS.eyJr");
        const auto tokens = cookie.openTokens(frontEnd(ours), sealedAt);
        REQUIRE(tokens.has_value());
        CHECK(tokens->refreshToken.role == TokenRole::member);
        CHECK(tokens->accessToken.value == "JWS.eyJa");
        CHECK(refreshIn(cookie, whole) == "JWS.eyJr");  // as before
    }
    CHECK(refreshIn(cookieFor(ours), frontEnd("11111111-2222-3333-4444-55555555555A")) == "refused");
    CHECK(refreshIn(cookieFor("aBcDef01-2222-3333-4444-555555555555"),
                    frontEnd("AbCdEF01-2222-3333-4444-555555555555")) == "JWS.eyJr");
}

TEST_CASE("a cookie of another client id, or of none, is refused where the client id is known [C14]") {
    const SessionCookie cookie = cookieFor(ours);
    CHECK(refreshIn(cookie, frontEnd(foreign)) == "refused");
    CHECK(refreshIn(cookie, encoded(frontEnd(foreign))) == "refused");
    CHECK(refreshIn(cookie, frontEnd("")) == "refused");
    CHECK(refreshIn(cookie, R"({"tokens":)" + whole + "}") == "refused");
    CHECK(refreshIn(cookie, R"({"clientId":null,"tokens":)" + whole + "}") == "refused");
    CHECK(refreshIn(cookie, R"({"clientId":")" + foreign + "\"," + whole.substr(1)) == "refused");
    CHECK(refreshIn(cookie, R"({"clientId":")" + ours + "\"," + whole.substr(1)) == "JWS.eyJr");
    CHECK(refreshIn(cookieFor(""), frontEnd(foreign)) == "JWS.eyJr");
    CHECK(refreshIn(cookieFor(""), R"({"clientId":17,"tokens":)" + whole + "}") == "refused");
}

TEST_CASE("the refresh token alone, and an expiry that is null, are accepted [C14]") {
    const SessionCookie cookie = cookieFor(ours);
    const std::string alone = R"({"refreshToken":{"value":"JWS.eyJr","role":"visitor"}})";
    const std::string undated =
        R"({"accessToken":{"value":"JWS.eyJa","expiresAt":null},"refreshToken":{"value":"JWS.eyJr","role":"visitor"}})";
    for (const std::string& tokens : {alone, undated}) {
        CAPTURE(tokens);
        CHECK(refreshIn(cookie, tokens) == "JWS.eyJr");
        CHECK(refreshIn(cookie, encoded(tokens)) == "JWS.eyJr");
        CHECK(refreshIn(cookie, frontEnd(ours, tokens)) == "JWS.eyJr");
        CHECK(refreshIn(cookie, encoded(frontEnd(ours, tokens))) == "JWS.eyJr");
    }
}

TEST_CASE("what is no session in a front end's cookie is refused [C14]") {
    const SessionCookie cookie = cookieFor(ours);
    for (const std::string tokens :
         {"null", "[]", "\"JWS.eyJ\"", "{}", R"({"refreshToken":{"value":"","role":"none"}})",
          R"({"refreshToken":{"value":"JWS.eyJ x","role":"visitor"}})", R"({"refreshToken":{"value":"JWS.eyJ"}})",
          R"({"tokens":{"refreshToken":{"value":"JWS.eyJr","role":"visitor"}}})"}) {
        CAPTURE(tokens);
        CHECK(refreshIn(cookie, frontEnd(ours, tokens)) == "refused");
    }
    CHECK(refreshIn(cookie, frontEnd(ours).substr(1)) == "refused");
    CHECK(refreshIn(cookieFor(ours, false), frontEnd(ours)) == "refused");
}

TEST_CASE("cookies are parsed strictly: a text that needs a repair is refused [C9]") {
    const SessionCookie cookie = cookieFor(ours);
    CHECK(refreshIn(cookie, R"({"clientId":")" + ours + R"(","x":"\ud83d","tokens":)" + whole + "}") == "refused");
    CHECK(refreshIn(cookie, encoded("{\"x\":\"\xFF\"," + whole.substr(1))) == "refused");
    CHECK(refreshIn(cookie, encoded("\xEF\xBB\xBF" + whole)) == "refused");
}
