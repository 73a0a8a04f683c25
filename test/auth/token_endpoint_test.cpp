#include "auth/token_endpoint.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

constexpr WallTime now{1'700'000'000s};
constexpr const char* html = "<!DOCTYPE html><html><body>Attention required</body></html>";

TokenAnswer read(int status, std::string body, Headers headers = {}) {
    return readTokenAnswer(HttpReply(status, std::move(headers), std::move(body)), now);
}
std::string grant(const std::string& expiresIn, const std::string& more = "") {
    return R"({"access_token":"a","token_type":"Bearer")" +
           (expiresIn.empty() ? std::string() : ",\"expires_in\":" + expiresIn) + more + "}";
}
long long life(const std::string& expiresIn) {
    const TokenAnswer answer = read(200, grant(expiresIn));
    CAPTURE(expiresIn);
    REQUIRE(answer.verdict == TokenVerdict::granted);
    return answer.expiresIn.count();
}

}  // namespace

TEST_CASE("the request, as the JavaScript SDK sends it") {
    namespace json = boost::json;
    CHECK(json::parse(tokenRequestBody(Grant::anonymous, "client", "ignored")) ==
          json::parse(R"({"clientId":"client","grantType":"anonymous"})"));
    CHECK(json::parse(tokenRequestBody(Grant::refreshToken, "client", "JWS.r")) ==
          json::parse(R"({"clientId":"client","grantType":"refresh_token","refreshToken":"JWS.r"})"));
    CHECK(json::parse(tokenRequestBody(Grant::refreshToken, "c\"\n", "r\\\"")).at("refreshToken") == "r\\\"");
}

TEST_CASE("a grant") {
    const TokenAnswer plain =
        read(200, R"({"access_token":"OauthNG.JWS.a","expires_in":14400,"refresh_token":"JWS.r"})");
    CHECK(plain.verdict == TokenVerdict::granted);
    CHECK(plain.accessToken == "OauthNG.JWS.a");
    CHECK(plain.refreshToken == "JWS.r");
    CHECK(plain.expiresIn == 4h);
    CHECK(read(200, grant("1")).refreshToken == "");  // the old one stays
    CHECK(read(200, grant("1", R"(,"refresh_token":null)")).refreshToken == "");
    CHECK(read(200, grant("1", R"(,"refresh_token":"")")).refreshToken == "");
    CHECK(read(200, grant("1", R"(,"refresh_token":7)")).refreshToken == "");
    CHECK(read(200, grant("1", R"(,"role":"member","scope":[{"deep":{}}])")).verdict == TokenVerdict::granted);
    CHECK(read(200, " \r\n" + grant("1") + "\n").verdict == TokenVerdict::granted);
}

TEST_CASE("expires_in, however it comes") {
    CHECK(life("14400") == 14'400);
    CHECK(life("\"14400\"") == 14'400);
    CHECK(life("3600.0") == 3'600);
    CHECK(life("3600.9") == 3'600);
    CHECK(life("\"3600.5\"") == 3'600);
    CHECK(life("36e2") == 3'600);
    CHECK(life("1") == 1);
    CHECK(life("0") == 0);
    CHECK(life("-0.0") == 0);
}

TEST_CASE("expires_in: negative is dead on arrival, huge is a week") {
    CHECK(life("-1") == 0);
    CHECK(life("\"-1\"") == 0);
    CHECK(life("-9223372036854775808") == 0);
    CHECK(life("1e9") == 604'800);
    CHECK(life("604801") == 604'800);
    CHECK(life("9223372036854775807") == 604'800);
    CHECK(life("9223372036854775808") == 604'800);
    CHECK(life("18446744073709551615") == 604'800);
    CHECK(life("1e300") == 604'800);
}

TEST_CASE("expires_in: missing or unreadable means Wix's 4 h, not a renewal for every call") {
    for (const char* text : {"", "null", "true", "\"\"", "\"soon\"", "\"14400 \"", "\" 14400\"", "\"+14400\"", "[]",
                             "{}", "[14400]", "\"NaN\"", "\"nan\"", "\"inf\"", "\"-inf\"", "\"1e999\"", "\"0x10\""}) {
        CHECK(life(text) == 14'400);
    }
}

TEST_CASE("a token that may not go into a header is refused, and not echoed") {
    const std::string canary = "canary";
    for (const char* bad : {"\\r\\n", "\\n", "\\r", "\\u0000", "\\u00e9", "\\ud83d\\ude00", " ", "\\t", "\\u007f"}) {
        CAPTURE(bad);
        for (const bool access : {true, false}) {
            const std::string token = canary + bad + "x";
            const TokenAnswer answer = read(200, R"({"access_token":")" + (access ? token : "a") +
                                                     R"(","refresh_token":")" + (access ? "r" : token) + "\"}");
            CHECK(answer.verdict == TokenVerdict::transient);
            CHECK(answer.failure.code == Errc::token_unavailable);
            CHECK(answer.accessToken.empty());
            CHECK(answer.refreshToken.empty());
            CHECK(answer.failure.context.find(canary) == std::string::npos);
        }
    }
}

TEST_CASE("a token of 64 KB is one, a longer one is not") {
    const std::string most(65'536, 'x');
    CHECK(read(200, R"({"access_token":")" + most + "\"}").accessToken == most);
    CHECK(read(200, R"({"access_token":"a","refresh_token":")" + most + "\"}").refreshToken == most);
    const TokenAnswer over = read(200, R"({"access_token":")" + most + "x\"}");
    CHECK(over.verdict == TokenVerdict::transient);
    CHECK(over.failure.context.find("more than 64 KB") != std::string::npos);
    CHECK(over.failure.context.size() < 200);
}

TEST_CASE("an answer with two members of one name is nobody's") {
    for (const char* body : {R"({"access_token":"a1","access_token":"a2","expires_in":1})",
                             R"({"access_token":"a","x":1,"x":1})", R"({"access_token":"a1","\u0061ccess_token":"a2"})",
                             R"({"access_token":"a","expires_in":1,"expires_in":2})"}) {
        CAPTURE(body);
        const TokenAnswer answer = read(200, body);
        CHECK(answer.verdict == TokenVerdict::transient);
        CHECK(answer.failure.code == Errc::token_unavailable);
        CHECK(answer.accessToken.empty());
    }
    // Two objects, or a string, may hold the same name.
    CHECK(read(200, R"({"access_token":"a","b":{"access_token":"c","access_token":"d"},"e":[{"access_token":"f"}]})")
              .accessToken == "a");
    CHECK(read(200, R"({"access_token":"a\":\"b\\","token_type":"\"access_token\":"})").accessToken == "a\":\"b\\");
}

TEST_CASE("200 without a token says nothing about the session") {
    for (const char* body :
         {"", " ", "null", "7", "[]", "\"text\"", "[{\"access_token\":\"a\"}]", "OK", html, "\n\n<html>", "{}",
          R"({"access_token":""})", R"({"access_token":7})", R"({"access_token":null})",
          R"({"access_token":{"value":"a"}})", R"({"refresh_token":"r"})", R"({"error":"invalid_grant"})"}) {
        CAPTURE(body);
        const TokenAnswer answer = read(200, body);
        CHECK(answer.verdict == TokenVerdict::transient);
        CHECK(answer.failure.code == Errc::token_unavailable);
        CHECK(answer.accessToken.empty());
    }
}

TEST_CASE("cut JSON may be the remains of a rotation: worth a replay") {
    const std::string whole = R"({"access_token":"a","refresh_token":"JWS.canary","expires_in":14400})";
    for (std::size_t length = 1; length < whole.size(); ++length) {
        CAPTURE(length);
        const TokenAnswer answer = read(200, whole.substr(0, length));
        CHECK(answer.verdict == TokenVerdict::lost);
        CHECK(answer.failure.code == Errc::token_unavailable);
        CHECK(answer.failure.context.find("canary") == std::string::npos);
    }
    CHECK(read(200, " \n" + whole.substr(0, 9)).verdict == TokenVerdict::lost);
    CHECK(read(200, whole + "}").verdict == TokenVerdict::lost);
    CHECK(read(200, std::string(100'000, '{')).verdict == TokenVerdict::lost);
    CHECK(read(200, std::string(100'000, '[')).verdict == TokenVerdict::transient);
}

TEST_CASE("what each error means") {
    struct Row {
        int status;
        const char* body;
        TokenVerdict verdict;
        Errc code;
    };
    const auto rejected = TokenVerdict::rejected, misconfigured = TokenVerdict::misconfigured;
    const auto ambiguous = TokenVerdict::ambiguous, transient = TokenVerdict::transient;
    const char* wix = R"({"message":"x","details":{"applicationError":{"code":"EXPIRED","description":"d"}}})";
    std::vector<Row> rows{
        {400, R"({"error":"unsupported_grant_type"})", misconfigured, Errc::misconfigured},
        {400, R"({"error":"invalid_scope"})", misconfigured, Errc::misconfigured},
        {400, R"({"message":"no appRuntimeKeys for x","details":{}})", misconfigured, Errc::misconfigured},
        {404, R"({"message":"appDefId not found","details":{}})", misconfigured, Errc::misconfigured},
        {400, R"({"message":"v","details":{"validationError":{"fieldViolations":[]}}})", misconfigured,
         Errc::misconfigured},
        {400, R"({"message":"v","details":{"validationError":{"fieldViolations":[{"field":"clientId"}]}}})",
         misconfigured, Errc::misconfigured},
        {400, R"({"message":"v","details":{"validationError":{"fieldViolations":[{"field":"refreshToken"}]}}})",
         ambiguous, Errc::token_unavailable},
        {400, R"({"details":{"validationError":{},"applicationError":{"code":"X"}}})", misconfigured,
         Errc::misconfigured},
        {400, R"({"error":"invalid_grant","details":{"validationError":{}}})", rejected, Errc::session_lost},
    };
    for (const int status : {400, 401, 403, 404}) {
        rows.push_back(
            {status, R"({"error":"invalid_grant","error_description":"gone"})", rejected, Errc::session_lost});
        rows.push_back({status, R"({"error":"invalid_client"})", misconfigured, Errc::misconfigured});
        rows.push_back({status, R"({"error":"invalid_request"})", misconfigured, Errc::misconfigured});
        rows.push_back({status, R"({"error":"unauthorized_client"})", misconfigured, Errc::misconfigured});
        rows.push_back({status, wix, ambiguous, Errc::token_unavailable});
        rows.push_back({status, R"({"error":"access_denied"})", ambiguous, Errc::token_unavailable});
        rows.push_back({status, R"({"message":"Forbidden","details":{}})", ambiguous, Errc::token_unavailable});
        rows.push_back({status, R"({"message":"Forbidden"})", transient, Errc::token_unavailable});  // a gateway's
        rows.push_back({status, R"({"errorCode":"-13","errorDescription":""})", ambiguous, Errc::token_unavailable});
        rows.push_back({status, R"({"errorDescription":"who knows"})", ambiguous, Errc::token_unavailable});
        for (const char* body : {"", " ", "{}", "[]", "null", "\"invalid_grant\"", "invalid_grant", html,
                                 "{\"error\":\"inv", R"({"error":7})", R"({"error":{"code":"invalid_grant"}})",
                                 R"({"details":"x"})", R"([{"error":"invalid_grant"}])", R"({"message":""})"})
            rows.push_back({status, body, transient, Errc::token_unavailable});
    }
    // No other status is about the refresh token, whatever its body says.
    for (const int status :
         {100, 201, 204, 301, 302, 304, 402, 405, 408, 409, 418, 425, 429, 431, 451, 500, 502, 503, 504, 599})
        for (const char* body : {"", R"({"error":"invalid_grant"})", R"({"error":"invalid_client"})", wix, html})
            rows.push_back({status, body, transient, Errc::token_unavailable});
    for (const Row& row : rows) {
        CAPTURE(row.status);
        CAPTURE(row.body);
        const TokenAnswer answer = read(row.status, row.body);
        CHECK(answer.verdict == row.verdict);
        CHECK(answer.failure.code == row.code);
        CHECK(answer.accessToken.empty());
        CHECK(answer.refreshToken.empty());
        CHECK(answer.failure.context.find("POST /oauth2/token: HTTP " + std::to_string(row.status)) == 0);
    }
}

TEST_CASE("Retry-After of an error, in seconds or as a date") {
    CHECK(read(429, "", {{"Retry-After", "30"}}).retryAfter == 30s);
    CHECK(read(503, html, {{"retry-after", "0"}}).retryAfter == 0s);
    CHECK(read(503, "", {{"RETRY-AFTER", "Tue, 14 Nov 2023 22:13:50 GMT"}}).retryAfter == 30s);
    CHECK(read(400, R"({"error":"invalid_client"})", {{"Retry-After", "5"}}).retryAfter == 5s);
    CHECK_FALSE(read(503, "", {{"Retry-After", "soon"}}).retryAfter);
    CHECK_FALSE(read(503, "").retryAfter);
    CHECK_FALSE(read(200, grant("1"), {{"Retry-After", "30"}}).retryAfter);
}

TEST_CASE("the request id is kept") {
    CHECK(read(503, "", {{"X-Wix-Request-Id", "1700.42"}}).failure.requestId == "1700.42");
    CHECK(read(200, "", {{"x-wix-request-id", "1700.43"}}).failure.requestId == "1700.43");
    CHECK(read(503, "").failure.requestId == "");
}

TEST_CASE("no answer: it is lost if the request may have left") {
    Failure failure(Errc::connection_lost, "POST /oauth2/token");
    CHECK(noTokenAnswer(failure).verdict == TokenVerdict::transient);
    failure.maybeSent = true;
    const TokenAnswer answer = noTokenAnswer(failure);
    CHECK(answer.verdict == TokenVerdict::lost);
    CHECK(answer.failure.code == Errc::connection_lost);
    CHECK_FALSE(answer.failure.maybeSent);  // it would speak of the caller's request
    CHECK_FALSE(answer.retryAfter);
    failure.code = Errc::maybe_sent;
    CHECK(noTokenAnswer(failure).verdict == TokenVerdict::lost);
    CHECK(noTokenAnswer(failure).failure.code == Errc::connection_lost);
}

TEST_CASE("a code is compared without case, and `-` equals `_` [C2]") {
    struct Row {
        const char* body;
        const char* code;
    };
    const std::vector<Row> rows{
        {R"({"error":"Token-Expired"})", "token_expired"},
        {R"({"error":"TOKEN_EXPIRED","error_description":"x"})", "token_expired"},
        {R"({"details":{"applicationError":{"code":"Token-Expired"}}})", "token_expired"},
        {R"({"details":{"applicationError":{"code":-19976}}})", "_19976"},
        {R"({"errorCode":"NO-SUCH","errorDescription":"x"})", "no_such"},
        {R"({"message":"x","details":{}})", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.body);
        const TokenAnswer answer = read(403, row.body);
        CHECK(answer.verdict == TokenVerdict::ambiguous);
        CHECK(answer.status == 403);
        CHECK(answer.errorCode == row.code);
    }
    for (const char* body : {R"({"error":"INVALID_GRANT"})", R"({"error":"invalid-grant"})"})
        CHECK(read(400, body).verdict == TokenVerdict::rejected);
    CHECK(read(400, R"({"error":"Invalid-Client"})").verdict == TokenVerdict::misconfigured);
    // Only OAuth's form is a definite rejection.
    CHECK(read(400, R"({"details":{"applicationError":{"code":"INVALID_GRANT"}}})").verdict == TokenVerdict::ambiguous);
}

TEST_CASE("a passing condition is never a rejection, nor evidence of one [C2]") {
    for (const char* code : {"temporarily_unavailable", "server_error", "slow_down", "rate_limited", "rate_limit",
                             "RATE-LIMIT-EXCEEDED", "too_many_requests", "Too-Many-Attempts", "SLOW-DOWN"}) {
        for (const std::string form :
             {R"({"error":"C"})", R"({"error":"C","error_description":"x"})",
              R"({"message":"x","details":{"applicationError":{"code":"C"}}})", R"({"errorCode":"C","message":"x"})",
              R"({"error":"access_denied","errorCode":"C"})"}) {
            std::string body = form;
            body.replace(body.find("\"C\"") + 1, 1, code);
            for (const int status : {400, 401, 403, 404}) {
                CAPTURE(body);
                const TokenAnswer answer = read(status, body);
                CHECK(answer.verdict == TokenVerdict::transient);
                CHECK(answer.failure.code == Errc::token_unavailable);
            }
        }
    }
}

TEST_CASE("a response with Retry-After is never a rejection [C2]") {
    for (const char* body : {R"({"error":"invalid_grant"})", R"({"error":"access_denied"})",
                             R"({"message":"x","details":{"applicationError":{"code":"EXPIRED"}}})"}) {
        CAPTURE(body);
        const TokenAnswer answer = read(400, body, {{"Retry-After", "30"}});
        CHECK(answer.verdict == TokenVerdict::transient);
        CHECK(answer.failure.code == Errc::token_unavailable);
        CHECK(answer.retryAfter == 30s);
        CHECK(read(400, body, {{"retry-after", "soon"}}).verdict == TokenVerdict::transient);
        CHECK(read(400, body, {{"Retry-After", ""}}).verdict == TokenVerdict::transient);
    }
}

TEST_CASE("JSON of gateways, frameworks and firewalls is never a rejection [C2]") {
    for (const char* body :
         {R"({"message":"Forbidden"})", R"({"message":"invalid_grant"})",
          R"({"statusCode":403,"message":"Forbidden resource","error":"Forbidden"})",
          R"({"statusCode":401,"message":"Unauthorized"})",
          R"({"timestamp":"2026-11-30T10:00:00Z","status":403,"error":"Forbidden","path":"/oauth2/token"})",
          R"({"timestamp":1,"status":403,"error":"invalid_grant","path":"/oauth2/token"})",
          R"({"error":"Not Found","path":"/oauth2/token"})", R"({"error":"Forbidden"})", R"({"error":"unauthorized"})",
          R"({"error":"Access denied by policy"})",
          R"({"error":{"code":403,"message":"x","status":"PERMISSION_DENIED"}})",
          R"({"code":7,"message":"denied","details":[]})", R"({"success":false,"errors":[{"code":1020}]})",
          R"({"fault":{"faultstring":"x","detail":{"errorcode":"y"}}})", R"({"code":"AccessDenied","message":"x"})",
          R"({"errorCode":15,"description":"blocked"})", R"({"blocked":true})"}) {
        for (const int status : {400, 401, 403, 404}) {
            CAPTURE(body);
            CHECK(read(status, body).verdict == TokenVerdict::transient);
        }
    }
}

TEST_CASE("error codes are shown") {
    CHECK(read(400, R"({"error":"invalid_grant"})").failure.context == "POST /oauth2/token: HTTP 400 invalid_grant");
    const auto shows = [](const char* code) {
        return read(403, std::string(R"({"error":")") + code + "\"}").failure.context.find(code) != std::string::npos;
    };
    CHECK(shows("access_denied"));
    CHECK(shows("EXPIRED_JWT_TOKEN"));
    CHECK(shows("WDE0117"));
    CHECK(shows("-19976"));
}

TEST_CASE("no secret gets into a failure's text, wherever the endpoint echoes it") {
    // An opaque one, a hexadecimal one, a UUID, and a JWS
    for (const char* secret : {"Xk29fLq0ZmPw7RtYv3", "9f86d081884c7d659a2feaa0c55ad015",
                               "6f9619ff-8b86-d011-b42d-00c04fc964ff", "JWS.eyJhbGciOiJIUzI1NiJ9.c2VjcmV0"}) {
        for (const std::string form :
             {R"({"error":"S"})", R"({"error":"invalid_grant","error_description":"token S is dead"})",
              R"({"error":"invalid_client S"})", R"({"message":"S","details":{"applicationError":{"code":"S"}}})",
              R"({"message":"S appDefId","details":{}})", R"({"errorCode":"S","errorDescription":"S"})",
              R"({"details":{"validationError":{"fieldViolations":[{"field":"S"}]}}})", R"({"access_token":"S)",
              R"({"access_token":"S\n"})", R"({"access_token":["S"],"refresh_token":"S"})", "<html>S</html>", "S"}) {
            std::string body = form;
            for (std::size_t at = 0; (at = body.find('S', at)) != std::string::npos; at += std::string(secret).size())
                body.replace(at, 1, secret);
            for (const int status : {200, 400, 401, 403, 404, 429, 500}) {
                CAPTURE(body);
                CAPTURE(status);
                const TokenAnswer answer = read(status, body);
                CHECK(answer.verdict != TokenVerdict::granted);
                CHECK(answer.failure.context.find(secret) == std::string::npos);
                CHECK(answer.failure.requestId.empty());
            }
        }
    }
}

TEST_CASE("a Retry-After date is read against the answer's own date: a clock that is ten minutes off changes nothing") {
    for (const auto off : {600s, -600s}) {
        HttpReply reply(503, Headers(), "");
        reply.headers.emplace_back("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
        reply.headers.emplace_back("Retry-After", "Sun, 06 Nov 1994 08:49:42 GMT");
        const WallTime server(784'111'777s);
        CHECK(readTokenAnswer(reply, server + off).retryAfter == 5s);
    }
}
