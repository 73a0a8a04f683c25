// A visitor's whole cycle over TLS.
#include <doctest/doctest.h>

#include "support/fake_client.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

asio::awaitable<std::string> firstProductId(Client client) {
    json::value found =
        co_await client.post("/stores-reader/v1/products/query", object("query", object("paging", object("limit", 3))));
    co_return std::string(found.at("products").at(0).at("id").as_string());
}

asio::awaitable<json::value> addOne(Client client) {
    const std::string id = co_await firstProductId(client);
    co_return co_await client.post("/ecom/v1/carts/current/add-to-cart", oneOf(id));
}

}  // namespace

TEST_CASE("the first call makes the visitor") {
    const testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    CHECK(runOn(io, client.getTokens()).empty());
    CHECK(runOn(io, addOne(client)).at("cart").at("lineItems").as_array().size() == 1);
    const Tokens tokens = runOn(io, client.getTokens());
    CHECK(tokens.refreshToken.role == TokenRole::visitor);
    CHECK_FALSE(runOn(io, client.loggedIn()));
    CHECK(fake.state().visitors == 1);
    CHECK(fake.state().tokens.at("anonymous") == 1);
}

TEST_CASE("whatever tokens an operation returns are the active ones") {
    testing::FakeWix fake;
    fake.setRotation(testing::Rotation(true, std::chrono::seconds(0)));
    asio::io_context io;
    const Client client = clientOf(io, fake);
    const Tokens made = runOn(io, client.generateVisitorTokens());
    CHECK(runOn(io, client.getTokens()) == made);
    CHECK(runOn(io, client.generateVisitorTokens()) == made);
    const Tokens renewed = runOn(io, client.renewToken());
    CHECK(renewed.accessToken.value != made.accessToken.value);
    CHECK(renewed.refreshToken.value != made.refreshToken.value);
    CHECK(renewed.refreshToken.role == TokenRole::visitor);
    CHECK(runOn(io, client.getTokens()) == renewed);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a session in storage survives a restart of the program") {
    const testing::FakeWix fake;
    const auto storage = std::make_shared<MemoryTokenStorage>();
    std::string cartId;
    {
        asio::io_context io;
        const Client client = clientOf(io, fake, storage);
        cartId = runOn(io, addOne(client)).at("cart").at("id").as_string();
    }
    asio::io_context io;
    const Client client = clientOf(io, fake, storage);
    const json::value cart = runOn(io, client.get("/ecom/v1/carts/current"));
    CHECK(cart.at("cart").at("id").as_string() == cartId);
    CHECK(fake.state().visitors == 1);
    CHECK(fake.state().requests.at("token") == 1);
}

TEST_CASE("tokens of an earlier session are confirmed, or renewed when they have expired") {
    testing::FakeWix fake;
    asio::io_context io;
    Tokens earlier = runOn(io, clientOf(io, fake).generateVisitorTokens());
    CHECK(runOn(io, clientOf(io, fake).generateVisitorTokens(earlier)) == earlier);
    CHECK(fake.state().requests.at("token") == 1);

    earlier.accessToken.expiresAt -= std::chrono::hours(5);
    const Tokens renewed = runOn(io, clientOf(io, fake).generateVisitorTokens(earlier));
    CHECK(renewed.accessToken.value != earlier.accessToken.value);
    CHECK(renewed.refreshToken == earlier.refreshToken);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("whoever only asks for tokens renews ahead of need, too: the ones that work are given at once") {
    const testing::FakeWix fake;
    asio::io_context io;
    OAuthStrategy strategy = strategyWith(nullptr);
    strategy.tokens = runOn(io, clientOf(io, fake).generateVisitorTokens());
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    strategy.tokens.accessToken.expiresAt = now + std::chrono::seconds(120);
    const Client client(io.get_executor(), strategy, optionsFor(fake));
    CHECK(runOn(io, client.generateVisitorTokens()) == strategy.tokens);
    CHECK(runOn(io, client.generateVisitorTokens()) == strategy.tokens);
    io.restart();
    io.run();  // until the renewal behind it has ended
    CHECK(fake.state().tokens["refresh_token"] == 1);
    CHECK(runOn(io, client.generateVisitorTokens()) != strategy.tokens);
}

TEST_CASE("logout ends the session, the next call starts another") {
    const testing::FakeWix fake;
    asio::io_context io;
    const auto storage = std::make_shared<MemoryTokenStorage>();
    const Client client = clientOf(io, fake, storage);
    runOn(io, addOne(client));
    runOn(io, client.setTokens(Tokens()));
    CHECK(runOn(io, client.getTokens()).empty());
    CHECK(runOn(io, storage->load(clientId))->tokens.empty());
    CHECK(codeOf([&] { runOn(io, client.renewToken()); }) == Errc::no_session);
    CHECK(codeOf([&] { runOn(io, client.get("/ecom/v1/carts/current")); }) == Errc::api_error);
    CHECK(fake.state().visitors == 2);
}

TEST_CASE("a 401 renews once and replays once") {
    testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    const json::value before = runOn(io, addOne(client));
    fake.expireAccessTokens();
    const json::value after = runOn(io, client.get("/ecom/v1/carts/current"));
    CHECK(after.at("cart").at("id") == before.at("cart").at("id"));
    CHECK(fake.state().tokens.at("refresh_token") == 1);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("idle clients keep no work: run() returns at once after the last operation") {
    const testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    runOn(io, client.generateVisitorTokens());  // returns only because run() does
    const auto before = std::chrono::steady_clock::now();
    io.restart();
    CHECK(io.run() == 0);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(1));
}
