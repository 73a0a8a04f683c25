// What is treated like a 401, and what a 401 that cannot be healed means. (What a 401 does: faults/unauthorized_test.cpp.)
#include "integration/failures.hpp"

using namespace wix;
using namespace wix::test;

namespace {

std::uint64_t renewals(const testing::FakeWix& fake) {
    const auto tokens = fake.state().tokens;
    const auto found = tokens.find("refresh_token");
    return found == tokens.end() ? 0 : found->second;
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
