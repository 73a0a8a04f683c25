// Limits of error bodies, of token responses and of JSON, and JSON that is not quite valid.
#include "integration/failures.hpp"

#include <boost/json/serialize.hpp>

using namespace wix;
using namespace wix::test;

namespace {

constexpr std::size_t limit = std::size_t{64} << 10;

/// An error body of so many bytes.
std::string errorBody(std::size_t size) {
    const std::string begin = R"({"errorCode":"E","message":")", end = "\"}";
    return begin + std::string(size - begin.size() - end.size(), 'x') + end;
}

}  // namespace

TEST_CASE("a JSON call reads an error body of up to 64 KiB, and of a larger one the status [C27]") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.maxResponseBytes = 1'000'000;
    Visitor visitor(fake, options);
    for (const std::size_t size : {limit, limit + 1, std::size_t{900'000}, std::size_t{5'000'000}}) {
        CAPTURE(size);
        fake.failNext("cart", 1, testing::ScriptedReply(404, errorBody(size), {{"x-wix-request-id", "req-17"}}));
        const auto thrown = apiErrorOf(visitor.io, visitor.client.get(cartPath));
        REQUIRE(thrown);
        CHECK(thrown->status() == 404);
        CHECK(thrown->code() == (size > limit ? "" : "E"));
        CHECK(thrown->requestId() == "req-17");
    }
    // A claim is enough: this body never comes.
    fake.answerRaw("cart", "HTTP/1.1 404 No\r\nContent-Length: 99999999999\r\n\r\n", false);
    const auto thrown = apiErrorOf(visitor.io, visitor.client.get(cartPath));
    REQUIRE(thrown);
    CHECK(thrown->status() == 404);
    visitor.checkUntouched();
}

TEST_CASE("a passing status with a large body is retried like any other [C27]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext("products", 1, testing::ScriptedReply(503, errorBody(3'000'000)));
    CHECK(runOn(visitor.io, visitor.client.post(queryPath, object())).at("products").is_array());
    CHECK(fake.state().requests.at("products") == 2);
}

TEST_CASE("fetch keeps its own limit for error bodies [C27]") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.maxResponseBytes = 200'000;
    Visitor visitor(fake, options);
    const std::string body = errorBody(200'000);
    fake.failNext("cart", 1, testing::ScriptedReply(404, body));
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath))).body() == body);
    fake.failNext("cart", 1, testing::ScriptedReply(404, body + "x"));
    CHECK(failureOf(visitor.io, visitor.client.fetch(Request("GET", cartPath))).code == Errc::response_too_large);
}

TEST_CASE("a token response of more than 1 MiB is no token, and the session is kept [C27]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    const std::string begin = R"({"access_token":"JWS.eyJx","x":")";
    fake.failNext("token", 9, testing::ScriptedReply(200, begin + std::string(1u << 20, 'x') + "\"}"));
    const Failure failure = failureOf(visitor.io, visitor.client.renewToken());
    CHECK(failure.code == Errc::response_too_large);
    fake.clearFaults();
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("an error page of the token endpoint counts by its status, however large it is [C27]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext("token", 1, testing::ScriptedReply(503, std::string(3'000'000, '<'), {{"Retry-After", "3600"}}));
    const Failure failure = failureOf(visitor.io, visitor.client.renewToken());
    CHECK(failure.code == Errc::token_unavailable);
    CHECK(has(failure.context, "HTTP 503"));
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a response with more than 1 000 000 values is a typed error of a JSON call [C27]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    std::string zeros = "[0";
    for (int i = 0; i < 1'000'000; ++i) zeros += ",0";
    fake.failNext("cart", 1, testing::ScriptedReply(200, zeros + "]"));
    const Failure failure = visitor.failing(visitor.client.get(cartPath));
    CHECK(failure.code == Errc::response_too_large);
    CHECK(has(failure.context, "GET " + cartPath));
    CHECK(has(failure.context, "1000000 JSON values"));
    fake.failNext("cart", 1, testing::ScriptedReply(200, zeros + "]"));
    CHECK(runOn(visitor.io, visitor.client.fetch(Request("GET", cartPath))).body() == zeros + "]");
    visitor.checkUntouched();
}

TEST_CASE("a response with text that was cut in an emoji, or is not UTF-8, is JSON [C9]") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    for (const std::string& text : {std::string("Mug \\ud83d"), std::string("Mug \xFF")}) {
        fake.failNext("cart", 1, testing::ScriptedReply(200, "{\"name\":\"" + text + "\"}"));
        CHECK(runOn(visitor.io, visitor.client.get(cartPath)).at("name") == "Mug \xEF\xBF\xBD");
        fake.failNext("cart", 1, testing::ScriptedReply(409, R"({"errorCode":"E","message":")" + text + "\"}"));
        const auto thrown = apiErrorOf(visitor.io, visitor.client.get(cartPath));
        REQUIRE(thrown);
        CHECK(thrown->code() == "E");
        CHECK(thrown->description() == "Mug \xEF\xBF\xBD");
    }
    visitor.checkUntouched();
}
