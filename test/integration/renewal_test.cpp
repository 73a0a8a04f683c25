// Renewals over real sockets: one for any number of callers, and no fault changes who the visitor is.
#include <doctest/doctest.h>

#include <vector>

#include "support/fake_client.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::CutPoint;
using testing::FakeWix;
using testing::Rotation;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

Tokens newSession(const FakeWix& fake) {
    asio::io_context io;
    return runOn(io, clientOf(io, fake).generateVisitorTokens());
}

/// A session that the server knows and whose access token is over.
Tokens expiredSession(const FakeWix& fake) {
    Tokens tokens = newSession(fake);
    tokens.accessToken.expiresAt -= 5h;
    return tokens;
}

Client resume(asio::io_context& io, const FakeWix& fake, const Tokens& tokens,
              SessionLostPolicy policy = SessionLostPolicy::newVisitor) {
    OAuthStrategy strategy(clientId);
    strategy.tokens = tokens;
    strategy.onSessionLost = policy;
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

TEST_CASE("any number of callers on an expired token cost one exchange") {
    FakeWix fake;
    const Tokens expired = expiredSession(fake);
    fake.setDelay("token", 20ms);
    asio::io_context io;
    const Client client = resume(io, fake, expired);
    const auto outcomes = startMany(io, client, 1000);
    io.run();
    CHECK(outcomes->size() == 1000);
    for (const auto& code : *outcomes) CHECK_FALSE(code);
    CHECK(fake.state().tokens.at("refresh_token") == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("500 parallel 401s cost one exchange") {
    FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    runOn(io, client.generateVisitorTokens());
    fake.expireAccessTokens();
    int answered = 0;
    for (int i = 0; i < 500; ++i)
        asio::co_spawn(io, client.post("/stores-reader/v1/products/query", boost::json::object()),
                       [&](std::exception_ptr failed, const boost::json::value&) { answered += failed ? 0 : 1; });
    io.restart();
    io.run();
    CHECK(answered == 500);
    CHECK(fake.state().tokens.at("refresh_token") == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("one failed exchange answers all its waiters, and none of them tries again") {
    FakeWix fake;
    const Tokens expired = expiredSession(fake);
    fake.failNext("token", 1000, ScriptedReply(503));
    asio::io_context io;
    const Client client = resume(io, fake, expired);
    const auto outcomes = startMany(io, client, 1000);
    io.run();
    CHECK(outcomes->size() == 1000);
    for (const auto& code : *outcomes) CHECK(code == Errc::token_unavailable);
    CHECK(fake.state().requests.at("token") == 2);  // the first visit's, and this one
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

TEST_CASE("a lost answer is asked for once more: within the grace period a rotated session survives") {
    FakeWix fake;
    fake.setRotation(Rotation(true, 60s, true));
    const Tokens expired = expiredSession(fake);
    fake.cutNext("token", 1, CutPoint::afterRequest);
    asio::io_context io;
    const Client client = resume(io, fake, expired);
    const Tokens renewed = runOn(io, client.generateVisitorTokens());
    CHECK(renewed.refreshToken.value != expired.refreshToken.value);
    CHECK(runOn(io, client.renewToken()).refreshToken.value != renewed.refreshToken.value);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a rejected refresh token") {
    FakeWix fake;
    Tokens expired = expiredSession(fake);
    fake.revokeTokens();
    asio::io_context io;
    SUBCASE("makes one new visitor by default") {
        const auto outcomes = startMany(io, resume(io, fake, expired), 100);
        io.run();
        CHECK(outcomes->size() == 100);
        for (const auto& code : *outcomes) CHECK_FALSE(code);
        CHECK(fake.state().visitors == 2);
    }
    SUBCASE("fails if that is the policy, and goes on failing without asking") {
        const Client client = resume(io, fake, expired, SessionLostPolicy::fail);
        CHECK(codeOf([&] { runOn(io, client.generateVisitorTokens()); }) == Errc::session_lost);
        CHECK(codeOf([&] { runOn(io, client.generateVisitorTokens()); }) == Errc::session_lost);
        CHECK(fake.state().requests.at("token") == 2);
        CHECK(fake.state().visitors == 1);
        runOn(io, client.setTokens(Tokens()));
        CHECK_FALSE(runOn(io, client.generateVisitorTokens()).empty());
    }
    SUBCASE("never turns a member into a visitor") {
        expired.refreshToken.role = TokenRole::member;
        const Client client = resume(io, fake, expired);
        CHECK(runOn(io, client.loggedIn()));
        CHECK(codeOf([&] { runOn(io, client.generateVisitorTokens()); }) == Errc::session_expired);
        CHECK(runOn(io, client.loggedIn()));
        CHECK(fake.state().visitors == 1);
    }
}

TEST_CASE("another session set while a renewal is under way wins") {
    FakeWix fake;
    const Tokens expired = expiredSession(fake);
    const Tokens other = newSession(fake);
    fake.hold("token");
    asio::io_context io;
    const Client client = resume(io, fake, expired);
    const auto outcomes = startMany(io, client, 10);
    while (!fake.waitUntilHeld("token", 1, 0ms)) io.poll();
    SUBCASE("setTokens") {
        asio::co_spawn(io, client.setTokens(other), rethrow);
        while (outcomes->size() < 10) io.run_one();
        fake.release("token");
        io.run();
        CHECK(runOn(io, client.getTokens()) == other);
    }
    SUBCASE("logout") {
        bool loggedOut = false;
        asio::co_spawn(io, client.setTokens(Tokens()), [&](std::exception_ptr failed) { loggedOut = !failed; });
        while (!loggedOut) io.run_one();
        fake.release("token");
        io.run();
        CHECK(runOn(io, client.getTokens()).refreshToken.value != expired.refreshToken.value);
    }
    for (const auto& code : *outcomes) CHECK_FALSE(code);
}
