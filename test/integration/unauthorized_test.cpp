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
