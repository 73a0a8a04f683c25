// Row 48: processes with one storage, all with an expired session. One exchange; the others adopt it.
#include <doctest/doctest.h>

#include "processes/redis_server.hpp"
#include "processes/shop.hpp"

using namespace wix;
using namespace wix::test;
using detail::test::TempDirectory;
namespace asio = boost::asio;

namespace {

constexpr int roundsEach = 100;  // with two processes, and with eight

std::string hashOf(const std::string& text) { return std::to_string(std::hash<std::string>()(text)); }

void checkRounds(asio::io_context& io, const SharedStorage& shared, std::size_t processes) {
    // A refresh token that is sent twice ends the session: a second exchange would not go unnoticed.
    SharedShop shop(testing::Rotation(true, std::chrono::seconds(0), true));
    Visitors visitors(processes, shop.options(shared));
    int adopted = 0;
    for (int round = 0; round < roundsEach; ++round) {
        shop.expire(io, shared);
        const std::uint64_t before = shop.renewals();
        const std::vector<Visit> visits = visitors.all("round");
        CAPTURE(round);
        REQUIRE(shop.renewals() == before + 1);
        REQUIRE(shop.fake.state().requests.at("token") == 1 + before + 1);
        REQUIRE(shop.fake.state().visitors == 1);
        const std::optional<StoredTokens> record = runOn(io, shared.storage->load(shop.key));
        REQUIRE(record);
        int exchanges = 0;
        for (const Visit& visit : visits) {
            CAPTURE(visit.text);
            REQUIRE(visit.refresh == hashOf(record->tokens.refreshToken.value));
            REQUIRE(visit.access == hashOf(record->tokens.accessToken.value));
            REQUIRE(visit.called);
            REQUIRE(visit.lost == 0);
            exchanges += visit.exchanges;
            adopted += visit.adopted;
        }
        REQUIRE(exchanges == 1);
    }
    CHECK(adopted > 0);  // or they never met
}

}  // namespace

TEST_CASE("two processes, one session file, an expired session: one exchange [48]") {
    const TempDirectory folder;
    asio::io_context io;
    checkRounds(io, fileIn(folder), 2);
}

TEST_CASE("eight processes, one session file, an expired session: one exchange [48]") {
    const TempDirectory folder;
    asio::io_context io;
    checkRounds(io, fileIn(folder), 8);
}

TEST_CASE("two processes, a directory of sessions: one exchange [48]") {
    const TempDirectory folder;
    asio::io_context io;
    checkRounds(io, directoryIn(folder), 2);
}

TEST_CASE("eight processes, a directory of sessions: one exchange [48]") {
    const TempDirectory folder;
    asio::io_context io;
    checkRounds(io, directoryIn(folder), 8);
}

#ifdef WIX_TEST_REDIS
TEST_CASE("two processes, Redis: one exchange [48]") {
    asio::io_context io;
    if (noRedis()) return;
    RedisServer server;
    checkRounds(io, server.shared(io), 2);
}

TEST_CASE("eight processes, Redis: one exchange [48]") {
    asio::io_context io;
    if (noRedis()) return;
    RedisServer server;
    checkRounds(io, server.shared(io), 8);
}
#endif
