// Processes that use one storage without clients: no save is lost, and no two have the lease at once.
#include <doctest/doctest.h>

#include <fstream>
#include <set>

#include "processes/redis_server.hpp"
#include "processes/visitors.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using detail::test::TempDirectory;
namespace asio = boost::asio;

namespace {

constexpr int processes = 4, rounds = 50;

Visitors::Arguments options(const SharedStorage& shared) { return {"--storage", shared.argument}; }

void checkSaves(asio::io_context& io, const SharedStorage& shared) {
    const TempDirectory logs;
    Visitors visitors(processes, options(shared));
    const std::string log = (logs / "versions").string();
    for (const Visit& visit : visitors.all("saves", " key " + std::to_string(rounds) + " " + log)) {
        CAPTURE(visit.text);
        REQUIRE(visit.text.find("error=") == std::string::npos);
    }
    std::ifstream lines(log);
    std::set<std::uint64_t> versions;
    std::size_t saves = 0;
    for (std::uint64_t version = 0; lines >> version; ++saves) versions.insert(version);
    CHECK(saves == processes * rounds);
    CHECK(versions.size() == processes * rounds);
    const std::optional<StoredTokens> record = runOn(io, shared.storage->load("key"));
    REQUIRE(record);
    CHECK(record->tokens.accessToken.value == std::to_string(processes * rounds));
    CHECK(record->version == *versions.rbegin());
}

void checkLeases(const SharedStorage& shared) {
    const TempDirectory logs;
    Visitors visitors(processes, options(shared));
    const std::string log = (logs / "leases").string();
    for (const Visit& visit : visitors.all("leases", " key " + std::to_string(rounds) + " " + log)) {
        CAPTURE(visit.text);
        REQUIRE(visit.text.find("error=") == std::string::npos);
    }
    std::ifstream lines(log);
    std::string begin, holder, end, former;
    int leases = 0;
    std::set<std::string> holders;
    for (; lines >> begin >> holder >> end >> former; ++leases) {
        REQUIRE(begin == "begin");
        REQUIRE(end == "end");
        REQUIRE(holder == former);
        holders.insert(holder);
    }
    CHECK(leases == processes * rounds);
    CHECK(holders.size() == processes);
}

}  // namespace

TEST_CASE("several processes count one record up: every version is one save's, and no save is lost") {
    const TempDirectory folder;
    asio::io_context io;
    SUBCASE("a session file") { checkSaves(io, fileIn(folder)); }
    SUBCASE("a directory of sessions") { checkSaves(io, directoryIn(folder)); }
#ifdef WIX_TEST_REDIS
    SUBCASE("Redis") {
        if (noRedis()) return;
        RedisServer server;
        checkSaves(io, server.shared(io));
    }
#endif
}

TEST_CASE("of several processes one has the lease at a time") {
    const TempDirectory folder;
    SUBCASE("a session file") { checkLeases(fileIn(folder)); }
    SUBCASE("a directory of sessions") { checkLeases(directoryIn(folder)); }
#ifdef WIX_TEST_REDIS
    SUBCASE("Redis") {
        asio::io_context io;
        if (noRedis()) return;
        RedisServer server;
        checkLeases(server.shared(io));
    }
#endif
}
