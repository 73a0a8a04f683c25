// Sessions of clients in Redis. Row 97: what becomes of one whose Redis is down, slow, or gives an older generation back.
#include <boost/json/serialize.hpp>

#include <functional>

#include "redis/redis_server.hpp"
#include "support/fake_client.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

const std::string record = "wix:session:{" + clientId + "}";

class SaveFailures final : public Observer {
public:
    void saveFailed(const SaveFailed& event) override {
        requireNoSecret(event.failure);
        CHECK(event.failure.code == Errc::storage_unavailable);
        ++count;
    }
    int count = 0;
};

/// A client whose session is in a Redis of its own. A refresh token that is shown again after it was replaced is the end
/// of the session.
struct Shop {
    Shop() {
        RedisOptions redisOptions;
        redisOptions.connectTimeout = redisOptions.commandTimeout = 200ms;
        storage = std::make_shared<RedisTokenStorage>(io.get_executor(), redis.url(), redisOptions);
        ClientOptions options = optionsFor(fake);
        options.observer = failures;
        client.emplace(io.get_executor(), strategyWith(storage), options);
        fake.setRotation(testing::Rotation(true, 0s, true));
    }

    /// An API call; gives the access token that it has shown.
    std::string call() {
        const result<boost::json::value> outcome = runOn(io, asResult(client->get("/ecom/v1/carts/current")));
        // A visitor without a cart, but one that is welcome.
        if (outcome.has_error()) CHECK(outcome.error().code == Errc::api_error);
        const auto received = fake.requests("cart");
        return received.empty() ? std::string() : received.back().header("authorization");
    }
    Tokens current() { return runOn(io, client->getTokens()); }
    std::optional<StoredTokens> stored() { return runOn(io, storage->load(clientId)); }
    void put(const StoredTokens& old) {
        redis.command({"HSET", record, "version", std::to_string(old.version), "tokens",
                       boost::json::serialize(toJson(old.tokens))});
    }
    /// How often Wix was shown one of these tokens.
    std::size_t uses(const Tokens& tokens) {
        std::size_t found = 0;
        for (const auto& request : fake.requests("*"))
            found += countOf(request.header("authorization"), tokens.accessToken.value) +
                     countOf(request.body, tokens.refreshToken.value);
        return found;
    }

    RedisServer redis;
    FakeWix fake;
    asio::io_context io;
    std::shared_ptr<RedisTokenStorage> storage;
    const std::shared_ptr<SaveFailures> failures = std::make_shared<SaveFailures>();
    std::optional<Client> client;
};

}  // namespace

TEST_CASE("Redis goes down or slow under a session: it goes on in memory, is renewed, and is saved again [97]") {
    if (noRedis()) return;
    Shop shop;
    const Tokens made = runOn(shop.io, shop.client->generateVisitorTokens());
    REQUIRE(shop.stored()->tokens == made);
    std::function<void()> comeBack;
    SUBCASE("down, and back without a record") {
        shop.redis.kill();
        comeBack = [&] { shop.redis.start(); };
    }
    SUBCASE("standing still") {
        shop.redis.freeze();
        comeBack = [&] {
            shop.redis.thaw();
            REQUIRE(eventually([&] { return runOn(shop.io, asResult(shop.storage->connect())).has_value(); }));
        };
    }
    SUBCASE("slow with what writes") {
        shop.redis.command({"CLIENT", "PAUSE", "100000", "WRITE"});
        comeBack = [&] { shop.redis.command({"CLIENT", "UNPAUSE"}); };
    }
    CHECK(shop.call() == made.accessToken.value);
    CHECK(shop.failures->count == 0);

    shop.fake.expireAccessTokens();
    const std::string renewed = shop.call();
    CHECK(renewed != made.accessToken.value);
    CHECK(shop.failures->count == 1);
    CHECK(shop.call() == renewed);
    CHECK(shop.fake.state().tokens.at("refresh_token") == 1);

    comeBack();
    runOn(shop.io, shop.client->renewToken());
    REQUIRE(shop.stored());
    CHECK(shop.stored()->tokens == shop.current());
    CHECK(shop.stored()->tokens != made);
    CHECK(shop.fake.state().visitors == 1);
}

TEST_CASE("Redis comes back with an older generation: it is never used, and the newer one is saved over it [97]") {
    if (noRedis()) return;
    Shop shop;
    runOn(shop.io, shop.client->generateVisitorTokens());
    const StoredTokens old = *shop.stored();
    runOn(shop.io, shop.client->renewToken());
    REQUIRE(shop.stored()->version > old.version);
    bool renewedMeanwhile = true;
    SUBCASE("after a renewal that could not be saved") {}
    SUBCASE("after none") { renewedMeanwhile = false; }
    shop.redis.kill();
    if (renewedMeanwhile) {
        shop.fake.expireAccessTokens();
        shop.call();
        CHECK(shop.failures->count == 1);
    }
    shop.redis.start();
    shop.put(old);  // a backup

    const std::size_t usesBefore = shop.uses(old.tokens);
    const std::string newest = shop.current().accessToken.value;
    CHECK(newest != old.tokens.accessToken.value);
    CHECK(shop.call() == newest);
    runOn(shop.io, shop.client->renewToken());
    CHECK(shop.call() == shop.current().accessToken.value);
    CHECK(shop.uses(old.tokens) == usesBefore);
    REQUIRE(shop.stored());
    CHECK(shop.stored()->tokens == shop.current());
    CHECK(shop.stored()->version > old.version);
    CHECK(shop.fake.state().visitors == 1);
}

TEST_CASE("Redis is down or slow when the program starts: no visitor is made, and the next use asks it again [97]") {
    if (noRedis()) return;
    Shop shop;
    bool known = false;
    SUBCASE("nobody has been there yet") {}
    SUBCASE("there is a session") { known = true; }
    Tokens made;
    if (known) {
        made = runOn(shop.io, clientOf(shop.io, shop.fake, shop.storage).generateVisitorTokens());
        shop.redis.freeze();
    } else {
        shop.redis.kill();
    }
    const std::uint64_t before = shop.fake.state().requests["token"];
    for (int i = 0; i < 2; ++i) {
        CHECK(codeOf([&] { runOn(shop.io, shop.client->generateVisitorTokens()); }) == Errc::storage_unavailable);
        CHECK(codeOf([&] { runOn(shop.io, shop.client->get("/ecom/v1/carts/current")); }) == Errc::storage_unavailable);
    }
    CHECK(shop.fake.state().requests["token"] == before);
    CHECK(shop.fake.state().visitors == (known ? 1 : 0));

    if (known) {
        shop.redis.thaw();
        REQUIRE(eventually([&] { return runOn(shop.io, asResult(shop.storage->connect())).has_value(); }));
    } else {
        shop.redis.start();
    }
    const Tokens resumed = runOn(shop.io, shop.client->generateVisitorTokens());
    if (known) CHECK(resumed == made);
    CHECK(shop.stored()->tokens == resumed);
    CHECK(shop.fake.state().visitors == 1);
}

TEST_CASE("redis: two client ids on one storage never see each other's sessions") {
    if (noRedis()) return;
    RedisServer redis;
    const FakeWix fake;
    asio::io_context io;
    const auto storage = std::make_shared<RedisTokenStorage>(io.get_executor(), redis.url());
    Tokens made[2];
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 2; ++i) {
            OAuthStrategy strategy(i == 0 ? clientId : "99999999-2222-3333-4444-555555555555");
            strategy.storage = storage;
            strategy.sessionKey = "the-same-key";
            const Client client(io.get_executor(), std::move(strategy), optionsFor(fake));
            const Tokens tokens = runOn(io, client.generateVisitorTokens());
            if (round == 0)
                made[i] = tokens;
            else
                CHECK(tokens == made[i]);
        }
        CHECK(made[0].refreshToken.value != made[1].refreshToken.value);
        CHECK(fake.state().visitors == 2);
    }
}
