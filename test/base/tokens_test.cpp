#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <wix/error.hpp>
#include <wix/tokens.hpp>

using namespace wix;
namespace json = boost::json;

namespace {

Tokens sample(TokenRole role = TokenRole::visitor) {
    return Tokens(AccessToken("OauthNG.JWS.a\"b", std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))),
                  RefreshToken("JWS.r", role));
}

/// Tokens as JSON text with one member's text replaced.
std::string text(const std::string& expiresAt, const std::string& role = "\"visitor\"") {
    return R"({"accessToken":{"value":"a","expiresAt":)" + expiresAt + R"(},"refreshToken":{"value":"r","role":)" +
           role + "}}";
}

std::int64_t expiry(const std::string& expiresAt) {
    return tokensFromJson(json::parse(text(expiresAt))).accessToken.expiresAt.time_since_epoch().count();
}

std::string refusal(const json::value& value) {
    try {
        tokensFromJson(value);
    } catch (const Error& error) {
        CHECK(error.code() == Errc::invalid_argument);
        return error.failure().context;
    }
    return "accepted";
}

}  // namespace

TEST_CASE("tokens are written exactly as the JavaScript SDK writes them") {
    CHECK(json::serialize(toJson(sample())) == R"({"accessToken":{"value":"OauthNG.JWS.a\"b","expiresAt":1700000000},)"
                                               R"("refreshToken":{"value":"JWS.r","role":"visitor"}})");
    CHECK(json::serialize(toJson(Tokens())) ==
          R"({"accessToken":{"value":"","expiresAt":0},"refreshToken":{"value":"","role":"none"}})");
}

TEST_CASE("tokens survive a round trip") {
    for (TokenRole role : {TokenRole::none, TokenRole::visitor, TokenRole::member}) {
        const Tokens tokens = sample(role);
        CHECK(tokensFromJson(toJson(tokens)) == tokens);
        CHECK(tokensFromJson(json::parse(json::serialize(toJson(tokens)))) == tokens);
    }
    CHECK(tokensFromJson(toJson(Tokens())) == Tokens());
    CHECK(tokensFromJson(toJson(Tokens())).empty());
}

TEST_CASE("roles have the JavaScript SDK's names") {
    CHECK(roleName(TokenRole::none) == "none");
    CHECK(roleName(TokenRole::visitor) == "visitor");
    CHECK(roleName(TokenRole::member) == "member");
    CHECK(roleName(static_cast<TokenRole>(99)) == "none");
}

TEST_CASE("members are read in any order, and unknown ones are ignored") {
    const auto value = json::parse(
        R"({"x":1,"refreshToken":{"role":"member","y":[],"value":"r"},"accessToken":{"expiresAt":7,"value":"a"}})");
    const Tokens tokens = tokensFromJson(value);
    CHECK(tokens.accessToken == AccessToken("a", std::chrono::sys_seconds(std::chrono::seconds(7))));
    CHECK(tokens.refreshToken == RefreshToken("r", TokenRole::member));
}

TEST_CASE("expiresAt may be any number, and is brought into a range that can be computed with") {
    constexpr std::int64_t latest = 253'402'300'799;
    const std::vector<std::pair<std::string, std::int64_t>> table = {
        {"0", 0},
        {"1", 1},
        {"1700000000", 1'700'000'000},
        {"1700000000.999", 1'700'000'000},
        {"1.7e9", 1'700'000'000},
        {"-1", 0},
        {"-0.5", 0},
        {"-9223372036854775808", 0},
        {"-1e300", 0},
        {"253402300799", latest},
        {"253402300800", latest},
        {"9223372036854775807", latest},
        {"18446744073709551615", latest},
        {"99999999999999999999", latest},
        {"1e300", latest},
    };
    for (const auto& [written, read] : table) {
        CAPTURE(written);
        CHECK(expiry(written) == read);
    }
}

TEST_CASE("what is no session is refused, with the name of the member and without its value") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"null", "tokens: must be an object"},
        {"[]", "tokens: must be an object"},
        {"\"SECRET\"", "tokens: must be an object"},
        {"{}", "tokens: refreshToken must be an object"},
        {R"({"refreshToken":null})", "tokens: refreshToken must be an object"},
        {R"({"refreshToken":{"value":"","role":"none"}})", "tokens: accessToken must be an object"},
        {R"({"accessToken":null,"refreshToken":{"value":"","role":"none"}})", "tokens: accessToken must be an object"},
        {R"({"accessToken":{"value":null},"refreshToken":{"value":"","role":"none"}})",
         "tokens: accessToken.value must be a string"},
        {R"({"accessToken":[],"refreshToken":{"value":"SECRET","role":"visitor"}})",
         "tokens: accessToken must be an object"},
        {R"({"accessToken":{"value":"SECRET","expiresAt":1},"refreshToken":{"value":null,"role":"none"}})",
         "tokens: refreshToken.value must be a string"},
        {R"({"refreshToken":{"value":"SECRET","role":null}})", "tokens: refreshToken.role must be a string"},
        {R"({"accessToken":"SECRET"})", "tokens: accessToken must be an object"},
        {R"({"accessToken":{"value":"SECRET","expiresAt":1}})", "tokens: refreshToken must be an object"},
        {R"({"accessToken":{"value":17,"expiresAt":1},"refreshToken":{"value":"SECRET","role":"none"}})",
         "tokens: accessToken.value must be a string"},
        {text("\"1700000000\""), "tokens: accessToken.expiresAt must be a number"},
        {text("true"), "tokens: accessToken.expiresAt must be a number"},
        {R"({"accessToken":{"value":"SECRET","expiresAt":1},"refreshToken":{"role":"none"}})",
         "tokens: refreshToken.value must be a string"},
        {R"({"accessToken":{"value":"SECRET","expiresAt":1},"refreshToken":{"value":"SECRET"}})",
         "tokens: refreshToken.role must be a string"},
        {text("1", "1"), "tokens: refreshToken.role must be a string"},
        {text("1", "\"SECRET\""), "tokens: refreshToken.role must be \"none\", \"visitor\" or \"member\""},
        {text("1", "\"Visitor\""), "tokens: refreshToken.role must be \"none\", \"visitor\" or \"member\""},
        {text("1", "\"\""), "tokens: refreshToken.role must be \"none\", \"visitor\" or \"member\""},
    };
    for (const auto& [written, said] : table) {
        CAPTURE(written);
        CHECK(refusal(json::parse(written)) == said);
        CHECK(refusal(json::parse(written)).find("SECRET") == std::string::npos);
    }
}

TEST_CASE("a double that is no number is no time") {
    // JSON text has no NaN, but a json::value may.
    json::value value = toJson(sample());
    value.at("accessToken").at("expiresAt") = std::numeric_limits<double>::quiet_NaN();
    CHECK(refusal(value) == "tokens: accessToken.expiresAt must be a number");
}

TEST_CASE("a refresh token alone is a session whose access token has expired [C14]") {
    for (const char* access :
         {"", R"("accessToken":null,)", R"("accessToken":{},)", R"("accessToken":{"value":null},)",
          R"("accessToken":{"value":"","expiresAt":0},)", R"("accessToken":{"value":"","expiresAt":null},)"}) {
        CAPTURE(access);
        const Tokens tokens =
            tokensFromJson(json::parse("{" + std::string(access) + R"("refreshToken":{"value":"r","role":"member"}})"));
        CHECK(tokens == Tokens(AccessToken(), RefreshToken("r", TokenRole::member)));
        CHECK_FALSE(tokens.empty());
    }
}

TEST_CASE("an access token whose expiry is null or missing counts as expired [C14]") {
    for (const char* access : {R"({"value":"a","expiresAt":null})", R"({"value":"a"})"}) {
        CAPTURE(access);
        const Tokens tokens = tokensFromJson(json::parse(R"({"accessToken":)" + std::string(access) +
                                                         R"(,"refreshToken":{"value":"r","role":"visitor"}})"));
        CHECK(tokens.accessToken == AccessToken("a", std::chrono::sys_seconds()));
        CHECK(tokens.refreshToken.value == "r");
    }
}

TEST_CASE("a role is read from its name, and from nothing else [D6]") {
    for (TokenRole role : {TokenRole::none, TokenRole::visitor, TokenRole::member})
        CHECK(tokenRoleFromString(roleName(role)) == role);
    for (const char* name : {"", "Visitor", " visitor", "visitor ", "admin", "memberx", "nul"}) {
        CAPTURE(name);
        CHECK(tokenRoleFromString(name) == std::nullopt);
    }
}
