// Rows 27 and 28: tokens that no header can carry, and tokens that are long.
#include "faults/aged_session.hpp"
#include "support/held.hpp"

using namespace wix;
using namespace wix::test;
using testing::ScriptedReply;

namespace {

ScriptedReply tokens(const std::string& access, const std::string& refresh = std::string()) {
    std::string body = R"({"expires_in":14400,"access_token":")" + access + "\"";
    if (!refresh.empty()) body += R"(,"refresh_token":")" + refresh + "\"";
    return ScriptedReply(200, body + "}");
}

void checkRefused(const ScriptedReply& answer, const char* text) {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 1, answer);
    const Failure failure = shopper.session.noToken();
    CHECK(failure.code == Errc::token_unavailable);
    CHECK(has(failure.context, text));
    CHECK_FALSE(has(Error(failure).what(), "CANARY"));
    CHECK(failure.context.size() < 300);
    CHECK(shopper.asked() == 1);
    shopper.checkUnchanged();
    shopper.checkRecovers();
}

std::string longToken(std::size_t size) { return "CANARY" + std::string(size - 6, 'x'); }

}  // namespace

TEST_CASE("a token with CR, LF, NUL, a space or UTF-8 is refused, and not repeated in the error [27]") {
    for (const char* bad :
         {R"(CANARY\r\nX-Evil: 1)", R"(CANARY\n)", R"(\rCANARY)", R"(CANARY\u0000)", R"(CANARY\u0000more)",
          "CANARY\xC3\xA4", R"(CANARY\u00e4)", R"(CANARY\u2028)", "CANARY more", R"(CANARY\t)", R"(CANARY\u007f)"}) {
        CAPTURE(bad);
        checkRefused(tokens(bad), "malformed token");
        checkRefused(tokens("OauthNG.JWS.x", bad), "malformed token");
    }
}

TEST_CASE("a long access token is saved, and sent whole with the next call [28]") {
    const std::string tokenText = longToken(60'000);
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 1, tokens(tokenText));
    CHECK(shopper.session.goodToken()->tokens.accessToken.value == tokenText);
    CHECK(shopper.site.stored().accessToken.value == tokenText);
    shopper.site.fake.failNext("cart", 1, ScriptedReply(200, "{}"));
    CHECK(shopper.session.hasCart());
    CHECK(lastRequest(shopper.site.fake, "cart").header("Authorization") == tokenText);
    CHECK(shopper.asked() == 1);
    shopper.checkKept();
}

TEST_CASE("one of 64 KB is the longest; a server that takes no such header says so, and that is no 401 [28]") {
    const std::string most = longToken(65'536);
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 1, tokens(most));
    CHECK(shopper.session.goodToken()->tokens.accessToken.value == most);
    CHECK(shopper.site.stored().accessToken.value == most);
    const auto calls = shopper.site.fake.state().requests["cart"];
    const auto refused = shopper.session.call(Request("GET", cartPath));  // the fake's heads end at 64 KB
    REQUIRE(refused.has_value());
    CHECK(refused->status == 400);
    CHECK_FALSE(has(refused->body, "CANARY"));
    CHECK(shopper.site.fake.state().requests["cart"] == calls);
    CHECK(shopper.asked() == 1);
    shopper.checkKept();
    shopper.age(4h);
    CHECK(shopper.session.hasCart());  // with the next one
}

TEST_CASE("a refresh token of 64 KB is one: it is saved, and sent whole with the next renewal [28]") {
    const std::string most = longToken(65'536);
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 1, tokens("OauthNG.JWS.x", most));
    CHECK(shopper.session.goodToken()->tokens.refreshToken.value == most);
    CHECK(shopper.site.stored().refreshToken.value == most);
    shopper.age(4h);
    shopper.site.fake.failNext("token", 1, tokens("OauthNG.JWS.y"));
    CHECK(shopper.session.goodToken()->tokens.accessToken.value == "OauthNG.JWS.y");
    const testing::ReceivedRequest sent = lastRequest(shopper.site.fake, "token");
    CHECK(std::stoul(sent.header("Content-Length")) > 65'536);
    CHECK(has(sent.body, most.substr(0, 65'000)));  // the fake keeps the first 64 KB of a body
    CHECK(shopper.session.active().refreshToken.value == most);
}

TEST_CASE("a longer token is refused: the error names the limit and not the token [28]") {
    checkRefused(tokens(longToken(65'537)), "more than 64 KB");
    checkRefused(tokens("OauthNG.JWS.x", longToken(65'537)), "more than 64 KB");
    checkRefused(tokens(longToken(1'000'000)), "more than 64 KB");

    Site site;
    const Client client(site.io.get_executor(), OAuthStrategy(clientId), site.options);
    const Failure failure =
        failureOf(site.io, client.setTokens(Tokens(AccessToken(longToken(65'537), {}), RefreshToken())));
    CHECK(failure.code == Errc::invalid_token);
    CHECK(has(failure.context, "64 KB"));
    CHECK_FALSE(has(Error(failure).what(), "CANARY"));
}
