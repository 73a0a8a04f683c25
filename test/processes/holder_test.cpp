// Row 48: the process that renews the session of all is killed, or stopped for longer than its lease.
#include <doctest/doctest.h>

#include "processes/redis_server.hpp"
#include "processes/shop.hpp"
#include "support/eventually.hpp"

using namespace wix;
using namespace wix::test;
using detail::test::TempDirectory;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

/// The lease is the time of an exchange, and of three calls of the storage.
constexpr auto leaseTime = 5s;

Visitors::Arguments withLease(Visitors::Arguments options) {
    options.insert(options.end(), {"--exchange-ms", "2000", "--storage-ms", "1000"});
    return options;
}

std::string hashOf(const std::string& text) { return std::to_string(std::hash<std::string>()(text)); }

Tokens stored(asio::io_context& io, const SharedStorage& shared, const SharedShop& shop) {
    const std::optional<StoredTokens> record = runOn(io, shared.storage->load(shop.key));
    REQUIRE(record);
    return record->tokens;
}

void checkKilled(asio::io_context& io, const SharedStorage& shared) {
    // What was sent may have had its effect: only a grace time can save the session then.
    SharedShop shop(testing::Rotation(true, 60s, true));
    shop.expire(io, shared);
    Visitors visitors(2, withLease(shop.options(shared)));
    shop.fake.hold("token");
    visitors.start(0);
    REQUIRE(shop.fake.waitUntilHeld("token", 1, 20s));
    const std::string second = visitors.start(1);
    visitors[1].waitForOutput("ready " + second);
    CHECK(!shop.fake.waitUntilHeld("token", 2, 200ms));  // it leaves the exchange to the first
    visitors[0].signal(SIGKILL);
    REQUIRE(eventually([&] { return !visitors[0].running(); }));
    CHECK(shop.fake.waitUntilHeld("token", 2, leaseTime + 2s));  // at once with a file
    shop.fake.release("token");
    const Visit visit = visitors.answer(1, second);
    CAPTURE(visit.text);
    CHECK(visit.called);
    CHECK(visit.exchanges == 1);
    CHECK(visit.lost == 0);
    CHECK(visit.refresh == hashOf(stored(io, shared, shop).refreshToken.value));
    CHECK(shop.fake.state().visitors == 1);
}

void checkStopped(asio::io_context& io, const SharedStorage& shared) {
    SharedShop shop(testing::Rotation(true, 60s, true));
    shop.expire(io, shared);
    Visitors visitors(3, withLease(shop.options(shared)));
    shop.fake.hold("token");
    const std::string slow = visitors.start(0);
    REQUIRE(shop.fake.waitUntilHeld("token", 1, 20s));
    visitors[0].signal(SIGSTOP);
    const std::string second = visitors.start(1);
    visitors[1].waitForOutput("ready " + second);
    CHECK(!shop.fake.waitUntilHeld("token", 2, 500ms));
    CHECK(shop.fake.waitUntilHeld("token", 2, leaseTime + 5s));  // when the lease is over
    shop.fake.release("token");
    CHECK(visitors.answer(1, second).called);
    // One more exchange, so that what the slow one brings is old.
    shop.expire(io, shared);
    const Visit newest = visitors.answer(2, visitors.start(2));
    CHECK(newest.called);
    CHECK(newest.exchanges == 1);
    const std::optional<StoredTokens> before = runOn(io, shared.storage->load(shop.key));
    REQUIRE(before);

    visitors[0].signal(SIGCONT);
    const Visit late = visitors.answer(0, slow);
    const std::optional<StoredTokens> after = runOn(io, shared.storage->load(shop.key));
    REQUIRE(after);
    CHECK(after->version == before->version);
    CHECK((after->tokens == before->tokens));
    CAPTURE(late.text);
    CHECK(late.lost == 0);
    const Visit again = visitors.answer(0, visitors.start(0));
    CHECK(again.called);
    CHECK(again.refresh == newest.refresh);
    CHECK(again.exchanges == 0);
    CHECK(shop.fake.state().visitors == 1);
}

}  // namespace

TEST_CASE("the process that renews is killed: another takes over, and nothing is lost [48]") {
    const TempDirectory folder;
    asio::io_context io;
    SUBCASE("a session file") { checkKilled(io, fileIn(folder)); }
    SUBCASE("a directory of sessions") { checkKilled(io, directoryIn(folder)); }
#ifdef WIX_TEST_REDIS
    SUBCASE("Redis") {
        if (noRedis()) return;
        RedisServer server;
        checkKilled(io, server.shared(io));
    }
#endif
}

TEST_CASE("the process that renews is stopped for longer than its lease: it cannot overwrite [48]") {
    const TempDirectory folder;
    asio::io_context io;
    SUBCASE("a session file") { checkStopped(io, fileIn(folder)); }
    SUBCASE("a directory of sessions") { checkStopped(io, directoryIn(folder)); }
#ifdef WIX_TEST_REDIS
    SUBCASE("Redis") {
        if (noRedis()) return;
        RedisServer server;
        checkStopped(io, server.shared(io));
    }
#endif
}
