// A 401 renews once and replays once, and never more.
#include "integration/failures.hpp"

#include <atomic>
#include <vector>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

std::uint64_t renewals(const testing::FakeWix& fake) {
    const auto tokens = fake.state().tokens;
    const auto found = tokens.find("refresh_token");
    return found == tokens.end() ? 0 : found->second;
}

const testing::ScriptedReply unauthorized(401, R"({"message":"expired"})");

/// Runs `io` until `count` requests of the endpoint are held.
void runUntilHeld(asio::io_context& io, const testing::FakeWix& fake, const char* endpoint, std::size_t count) {
    io.restart();
    for (int i = 0; i < 10'000; ++i) {
        io.poll();
        if (fake.waitUntilHeld(endpoint, count, std::chrono::milliseconds(1))) return;
    }
    FAIL("never held");
}

}  // namespace

TEST_CASE("the replay is the same request with another token") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.expireAccessTokens();
    std::string body = R"({"n":1,"text":")";
    body.append(20'000, 'x').append("\"}");
    CallOptions options;
    options.headers.emplace_back("X-Mine", "yes");
    Request request("POST", addPath + "?a=b");
    request.body(body, "application/json; charset=utf-8").options(options);
    CHECK(runOn(visitor.io, visitor.client.fetch(request)).status() == 400);
    const auto seen = fake.requests("cart");
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].body == body);
    CHECK(seen[1].body == body);
    CHECK(seen[0].target == seen[1].target);
    CHECK(seen[0].method == seen[1].method);
    REQUIRE(seen[0].headers.size() == seen[1].headers.size());
    for (std::size_t i = 0; i < seen[0].headers.size(); ++i) {
        CAPTURE(seen[0].headers[i].first);
        CHECK(seen[0].headers[i].first == seen[1].headers[i].first);
        CHECK((seen[0].headers[i].second == seen[1].headers[i].second) ==
              (seen[0].headers[i].first != "Authorization"));
    }
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a replay that is refused too is the caller's: no second renewal") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext("cart", 2, unauthorized);
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 401);
    CHECK(fake.state().requests.at("cart") == 2);
    CHECK(renewals(fake) == 1);
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 404);
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a 400 that means an expired token renews like a 401, another 400 does not") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext(
        "cart", 1,
        testing::ScriptedReply(
            400,
            R"({"message":"","details":{"applicationError":{"code":"WDE0117","description":"MetaSite not found"}}})"));
    CHECK(apiErrorOf(visitor.io, visitor.client.post(addPath, oneOf("x", -1)))->status() == 400);
    CHECK(fake.state().requests.at("cart") == 2);
    CHECK(renewals(fake) == 1);
    fake.failNext("cart", 1, testing::ScriptedReply(400, R"({"details":{"applicationError":{"code":"WDE0116"}}})"));
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->code() == "WDE0116");
    CHECK(fake.state().requests.at("cart") == 3);
    fake.failNext("cart", 1, testing::ScriptedReply(403, R"({"message":"forbidden"})"));
    CHECK(apiErrorOf(visitor.io, visitor.client.get(cartPath))->status() == 403);
    CHECK(renewals(fake) == 1);
}

TEST_CASE("many calls that are refused together share one renewal") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("cart");
    constexpr std::size_t count = 40;
    std::vector<int> statuses;
    for (std::size_t i = 0; i < count; ++i)
        asio::co_spawn(
            visitor.io, visitor.client.fetch(Request("GET", cartPath)),
            [&](std::exception_ptr error, Response response) { statuses.push_back(error ? -1 : response.status()); });
    runUntilHeld(visitor.io, fake, "cart", count);
    fake.expireAccessTokens();
    fake.release("cart");
    visitor.io.run();
    CHECK(statuses == std::vector<int>(count, 404));
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().requests.at("token") == 2);
    CHECK(fake.state().requests.at("cart") == 2 * count);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a token that was replaced meanwhile is not renewed again") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("cart");
    int status = 0;
    asio::co_spawn(visitor.io, visitor.client.fetch(Request("GET", cartPath)),
                   [&](std::exception_ptr error, Response response) { status = error ? -1 : response.status(); });
    runUntilHeld(visitor.io, fake, "cart", 1);
    fake.expireAccessTokens();
    bool renewed = false;
    asio::co_spawn(visitor.io, visitor.client.renewToken(),
                   [&](std::exception_ptr error, Tokens) { renewed = !error; });
    while (!renewed && visitor.io.run_one()) {
    }
    fake.release("cart");
    visitor.io.run();
    CHECK(status == 404);
    CHECK(renewals(fake) == 1);
    CHECK(fake.state().requests.at("cart") == 2);
}

TEST_CASE("a 401 that comes after logout brings nobody back") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("cart");
    std::optional<Failure> outcome;
    int status = 0;
    asio::co_spawn(visitor.io, asResult(visitor.client.fetch(Request("GET", cartPath))),
                   [&](std::exception_ptr, result<Response> got) {
                       if (got.has_error())
                           outcome = got.error();
                       else
                           status = got->status();
                   });
    runUntilHeld(visitor.io, fake, "cart", 1);
    bool out = false;
    asio::co_spawn(visitor.io, visitor.client.setTokens(Tokens()), [&](std::exception_ptr error) { out = !error; });
    while (!out && visitor.io.run_one()) {
    }
    fake.expireAccessTokens();
    fake.release("cart");
    visitor.io.run();
    CHECK((outcome || status == 401));
    CHECK(renewals(fake) == 0);
    CHECK(fake.state().visitors == 1);
    CHECK(fake.state().requests.at("token") == 1);
    CHECK(fake.state().requests.at("cart") == 1);
    CHECK(runOn(visitor.io, visitor.client.getTokens()).empty());
}

TEST_CASE("no renewal to be had: the caller learns why, and the session stays") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.expireAccessTokens();
    fake.failNext("token", 1, testing::ScriptedReply(503));
    const Failure failure = visitor.failingGet();
    CHECK(failure.code == Errc::token_unavailable);
    CHECK(failure.retryAt);
    CHECK_FALSE(runOn(visitor.io, visitor.client.getTokens()).refreshToken.value.empty());
    CHECK(fake.state().visitors == 1);
}
