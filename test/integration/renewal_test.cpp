// Renewals over real sockets: one for any number of callers, and no fault changes who the visitor is.
#include <doctest/doctest.h>

#include <vector>

#include "support/fake_client.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::CutPoint;
using testing::FakeWix;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

/// A session that the server knows and whose access token is over.
Tokens expiredSession(const FakeWix& fake) {
    asio::io_context io;
    Tokens tokens = runOn(io, clientOf(io, fake).generateVisitorTokens());
    tokens.accessToken.expiresAt -= 5h;
    return tokens;
}

Client resume(asio::io_context& io, const FakeWix& fake, const Tokens& tokens) {
    OAuthStrategy strategy(clientId);
    strategy.tokens = tokens;
    return Client(io.get_executor(), strategy, optionsFor(fake));
}

/// Starts `count` operations on `io` and gives where their outcomes will be.
std::shared_ptr<std::vector<boost::system::error_code>> startMany(asio::io_context& io, const Client& client,
                                                                  int count) {
    auto outcomes = std::make_shared<std::vector<boost::system::error_code>>();
    for (int i = 0; i < count; ++i)
        asio::co_spawn(io, client.generateVisitorTokens(), [outcomes](std::exception_ptr failed, const Tokens&) {
            outcomes->push_back(codeOf([&] {
                if (failed) std::rethrow_exception(failed);
            }));
        });
    return outcomes;
}

}  // namespace

TEST_CASE("any number of first calls make one visitor") {
    FakeWix fake;
    fake.setDelay("token", 20ms);
    asio::io_context io;
    const Client client = clientOf(io, fake);
    const auto outcomes = startMany(io, client, 1000);
    io.run();
    CHECK(outcomes->size() == 1000);
    for (const auto& code : *outcomes) CHECK_FALSE(code);
    CHECK(fake.state().requests.at("token") == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a passing fault never makes a new visitor") {
    FakeWix fake;
    const Tokens expired = expiredSession(fake);
    SUBCASE("503") { fake.failNext("token", 1, ScriptedReply(503)); }
    SUBCASE("429 with Retry-After") { fake.failNext("token", 1, ScriptedReply(429, "{}", {{"Retry-After", "30"}})); }
    SUBCASE("403 with a page of a firewall") { fake.failNext("token", 1, ScriptedReply(403, "<html>blocked</html>")); }
    SUBCASE("200 with a login page") { fake.failNext("token", 1, ScriptedReply(200, "<html>welcome</html>")); }
    SUBCASE("200 without a body") { fake.failNext("token", 1, ScriptedReply(200)); }
    SUBCASE("cut before the answer, twice") { fake.cutNext("token", 2, CutPoint::afterRequest); }
    SUBCASE("cut in the answer, twice") { fake.cutNext("token", 2, CutPoint::midBody); }
    SUBCASE("404 with a JSON error, once") {
        fake.failNext("token", 1, ScriptedReply(404, R"({"message":"not here"})"));
    }
    SUBCASE("a misconfigured client") {
        fake.failNext("token", 1, ScriptedReply(401, R"({"error":"invalid_client"})"));
    }
    {
        asio::io_context io;
        const Client client = resume(io, fake, expired);
        CHECK(codeOf([&] { runOn(io, client.generateVisitorTokens()); }));
        CHECK(runOn(io, client.getTokens()).refreshToken == expired.refreshToken);
        // Inside the backoff the same error comes at once, and costs nothing.
        const auto asked = fake.state().requests.at("token");
        CHECK(codeOf([&] { runOn(io, client.generateVisitorTokens()); }));
        CHECK(fake.state().requests.at("token") == asked);
    }
    fake.clearFaults();
    asio::io_context io;
    const Tokens renewed = runOn(io, resume(io, fake, expired).generateVisitorTokens());
    CHECK(renewed.refreshToken == expired.refreshToken);
    CHECK(fake.state().visitors == 1);
}
