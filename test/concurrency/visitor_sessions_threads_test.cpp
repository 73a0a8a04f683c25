// VisitorSessions on several threads: the same key gives the same session, and sessions come and go. Interesting under
// TSan.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>

#include <map>
#include <mutex>
#include <random>
#include <set>

#include "support/counts.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

struct Seen {
    void note(const std::string& key, const Tokens& tokens) {
        const std::lock_guard lock(mutex);
        refreshTokens[key].insert(tokens.refreshToken.value);
    }
    std::mutex mutex;
    std::map<std::string, std::set<std::string>> refreshTokens;
};

asio::awaitable<void> visit(VisitorSessions sessions, std::string key, Seen* seen) {
    const Client client = co_await sessions.open(key);
    const Tokens tokens = co_await client.generateVisitorTokens();
    seen->note(key, tokens);
}

/// Visits, one after the other, of visitors that others visit too.
asio::awaitable<void> visitMany(VisitorSessions sessions, unsigned seed, int visits, Seen* seen, Counts* counts) {
    std::mt19937 random(seed);
    for (int i = 0; i < visits; ++i) {
        std::exception_ptr failed;
        try {
            co_await visit(sessions, std::to_string(random() % 20), seen);
        } catch (...) {
            failed = std::current_exception();
        }
        counts->count(failed);
    }
}

VisitorSessions sessionsOf(asio::io_context& io, const FakeWix& fake, std::size_t places) {
    VisitorSessionsOptions limits;
    limits.maxSessions = places;
    const ClientOptions options = optionsFor(fake);
    return VisitorSessions(Transport(io.get_executor(), options.transport),
                           strategyWith(std::make_shared<MemoryTokenStorage>()), options, limits);
}

}  // namespace

TEST_CASE("one key opened 1000 times on four threads is one session") {
    FakeWix fake;
    asio::io_context io;
    const VisitorSessions sessions = sessionsOf(io, fake, 100);
    Seen seen;
    Counts counts;
    for (int i = 0; i < 1000; ++i)
        asio::co_spawn(asio::make_strand(io), visit(sessions, "anna", &seen),
                       [&](std::exception_ptr error) { counts.count(error); });
    runOnThreads(io, 4);
    CHECK(counts.ok == 1000);
    CHECK(seen.refreshTokens["anna"].size() == 1);
    CHECK(fake.state().requests["token"] == 1);
    CHECK(sessions.statistics().sessions == 1);
    CHECK(sessions.statistics().found == 999);
}

TEST_CASE("20 visitors in 10 places on four threads: sessions come and go, and nobody gets another's, or a new one") {
    FakeWix fake;
    asio::io_context io;
    const VisitorSessions sessions = sessionsOf(io, fake, 10);
    Seen seen;
    Counts counts;
    // Fewer at a time than there are places: each finds one.
    for (unsigned i = 0; i < 8; ++i)
        asio::co_spawn(asio::make_strand(io), visitMany(sessions, i, 250, &seen, &counts), asio::detached);
    runOnThreads(io, 4);
    CHECK(counts.all() == 2000);
    CHECK(counts.ok == 2000);
    CHECK(fake.state().visitors == 20);
    for (const auto& [key, tokens] : seen.refreshTokens) CHECK(tokens.size() == 1);
    const VisitorSessionsStatistics statistics = sessions.statistics();
    CHECK(statistics.opened == 2000);
    CHECK(statistics.sessions <= 10);
    CHECK(statistics.evictedForSpace > 0);
    CHECK(statistics.opened == statistics.found + statistics.evictedForSpace + statistics.sessions);
}

TEST_CASE("close() while visits go on: each has its session or is told, and then nothing is left") {
    FakeWix fake;
    asio::io_context io;
    const VisitorSessions sessions = sessionsOf(io, fake, 100);
    Seen seen;
    Counts visits, closes;
    for (unsigned i = 0; i < 8; ++i)
        asio::co_spawn(asio::make_strand(io), visitMany(sessions, i, 100, &seen, &visits), asio::detached);
    for (int i = 0; i < 2; ++i)
        asio::co_spawn(asio::make_strand(io), sessions.close(), [&](std::exception_ptr error) { closes.count(error); });
    runOnThreads(io, 4);
    CHECK(visits.all() == 800);
    CHECK(visits.failed == 0);
    CHECK(closes.ok == 2);
    CHECK(sessions.statistics().sessions == 0);
}
