// Token responses whose text is not quite JSON, or whose headers have an older form.
#include "auth/token_endpoint.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

constexpr WallTime now{1'700'000'000s};  // Tue, 14 Nov 2023 22:13:20 GMT

TokenAnswer read(int status, std::string body, Headers headers = {}) {
    return readTokenAnswer(HttpReply(status, std::move(headers), std::move(body)), now);
}

}  // namespace

TEST_CASE("a token response with broken text beside the tokens grants them [C9]") {
    for (const std::string& text :
         {std::string(R"("Mug \ud83d")"), std::string("\"caf\xE9\""), std::string("\"\xED\xA0\xBD\"")}) {
        CAPTURE(text);
        const TokenAnswer answer = read(200, R"({"access_token":"a","refresh_token":"r","scope":)" + text + "}");
        CHECK(answer.verdict == TokenVerdict::granted);
        CHECK(answer.accessToken == "a");
        CHECK(answer.refreshToken == "r");
    }
    CHECK(read(200, "\xEF\xBB\xBF{\"access_token\":\"a\"}").verdict == TokenVerdict::granted);
    CHECK(read(200, "\xEF\xBB\xBF{\"access_token\":\"a").verdict == TokenVerdict::lost);
    CHECK(read(200, "\xEF\xBB\xBF<html>").verdict == TokenVerdict::transient);
}

TEST_CASE("a token with a replaced character is refused [C9]") {
    for (const std::string& value : {std::string("tok\\ud83d"), std::string("tok\xFF"), std::string("tok\\ufffd")}) {
        CAPTURE(value);
        for (const std::string& body :
             {"{\"access_token\":\"" + value + "\"}", "{\"access_token\":\"a\",\"refresh_token\":\"" + value + "\"}"}) {
            const TokenAnswer answer = read(200, body);
            CHECK(answer.verdict == TokenVerdict::transient);
            CHECK(answer.accessToken.empty());
            CHECK(answer.refreshToken.empty());
            CHECK(answer.failure.context.find("malformed token") != std::string::npos);
        }
    }
}

TEST_CASE("duplicate members are counted in the repaired text [C9]") {
    CHECK(read(200, "{\"access_token\":\"a\",\"x\xFF\":1,\"x\xFE\":2}").failure.context.find("twice") !=
          std::string::npos);
    CHECK(read(200, "{\"access_token\":\"a\",\"access_token\":\"b\",\"x\":\"\xFF\"}").failure.context.find("twice") !=
          std::string::npos);
    CHECK(read(200, "{\"access_token\":\"a\",\"x\xFF\":1,\"y\xFE\":2}").verdict == TokenVerdict::granted);
}

TEST_CASE("an error of the token endpoint with broken text keeps its meaning [C9]") {
    CHECK(read(400, "{\"error\":\"invalid_grant\",\"error_description\":\"caf\xE9\"}").failure.code ==
          Errc::session_lost);
    CHECK(read(400, R"({"error":"invalid_client","error_description":"\udc00"})").verdict ==
          TokenVerdict::misconfigured);
    CHECK(read(400, "{\"error\":\"invalid\xFFgrant\"}").verdict != TokenVerdict::rejected);
}

TEST_CASE("Date and Retry-After of the token endpoint are read in all three forms [C25]") {
    for (const char* date :
         {"Tue, 14 Nov 2023 22:13:20 GMT", "Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"}) {
        CAPTURE(date);
        CHECK(read(200, R"({"access_token":"a"})", {{"Date", date}}).date == now);
        CHECK(read(503, "", {{"Date", date}, {"Retry-After", "Tuesday, 14-Nov-23 22:13:50 GMT"}}).retryAfter == 30s);
        CHECK(read(503, "", {{"Retry-After", date}}).retryAfter == 0s);
    }
}
