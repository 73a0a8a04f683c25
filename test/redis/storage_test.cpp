// What a TokenStorage promises, kept by a real Redis.
#include <algorithm>
#include <atomic>
#include <thread>

#include "redis/redis_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

const std::string recordOfA = "wix:session:{a}";

}  // namespace

TEST_CASE("redis: records of keys are apart, and versions grow") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    runOn(io, storage.connect());
    CHECK_FALSE(runOn(io, storage.load("a")));
    const SaveResult first = runOn(io, storage.save("a", tokensOf("1"), 0));
    CHECK(first.isSaved());
    CHECK(first.version() > 0);
    CHECK_FALSE(runOn(io, storage.load("b")));
    const SaveResult second = runOn(io, storage.save("a", tokensOf("2"), first.version()));
    CHECK(second.isSaved());
    CHECK(second.version() > first.version());
    CHECK(runOn(io, storage.load("a"))->tokens == tokensOf("2"));
    CHECK(runOn(io, storage.load("a"))->version == second.version());
    CHECK(runOn(io, storage.save("b", tokensOf("3"), 0)).isSaved());
    CHECK(runOn(io, storage.load("a"))->tokens == tokensOf("2"));
    CHECK(openConnectionsTo(redis.port()) == 1);  // all that over one connection, and none of it kept run() waiting
}

TEST_CASE("redis: a conflict tells what is there and changes nothing") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    const SaveResult none = runOn(io, storage.save("a", tokensOf("1"), 3));
    CHECK_FALSE(none.isSaved());
    CHECK(none.version() == 0);
    CHECK_FALSE(runOn(io, storage.load("a")));
    const std::uint64_t version = runOn(io, storage.save("a", tokensOf("1"), 0)).version();
    for (std::uint64_t wrong : {std::uint64_t{0}, version - 1, version + 1}) {
        const SaveResult conflict = runOn(io, storage.save("a", tokensOf("2"), wrong));
        CHECK_FALSE(conflict.isSaved());
        CHECK(conflict.version() == version);
        CHECK(conflict.current().tokens == tokensOf("1"));
    }
    CHECK_FALSE(runOn(io, storage.save("a", tokensOf("1"), 0)).isSaved());  // not even with the same tokens
    CHECK(runOn(io, storage.load("a"))->version == version);
}

TEST_CASE("redis: versions grow across an erase, and when the server's clock is behind them") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    const std::uint64_t version = runOn(io, storage.save("a", tokensOf("1"), 0)).version();
    runOn(io, storage.erase("a"));
    const std::uint64_t erased = runOn(io, storage.load("a"))->version;
    CHECK(erased > version);
    CHECK(runOn(io, storage.save("a", tokensOf("2"), erased)).version() > erased);
    redis.command({"HSET", recordOfA, "version", "9007199254740000"});
    CHECK(runOn(io, storage.save("a", tokensOf("3"), 9007199254740000)).version() == 9007199254740001);
    CHECK(runOn(io, storage.load("a"))->version == 9007199254740001);
    runOn(io, storage.erase("a"));
    CHECK(runOn(io, storage.load("a"))->version == 9007199254740002);
}

TEST_CASE("redis: an erased record leaves a trace, which is compared with as any record is") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    std::uint64_t version = 0;
    SUBCASE("of a record") { version = runOn(io, storage.save("a", tokensOf("1"), 0)).version(); }
    SUBCASE("of none") {}
    runOn(io, storage.erase("a"));
    const std::optional<StoredTokens> trace = runOn(io, storage.load("a"));
    REQUIRE(trace);
    CHECK(trace->tokens.empty());
    CHECK(trace->version > std::max<std::uint64_t>(version, 1'700'000'000'000'000));
    for (std::uint64_t wrong : {std::uint64_t{0}, version, trace->version + 1}) {
        const SaveResult conflict = runOn(io, storage.save("a", tokensOf("2"), wrong));
        CHECK_FALSE(conflict.isSaved());
        CHECK(conflict.version() == trace->version);
        CHECK(conflict.current().tokens.empty());
    }
    runOn(io, storage.erase("a"));
    const std::uint64_t again = runOn(io, storage.load("a"))->version;
    CHECK(again > trace->version);
    CHECK(runOn(io, storage.save("a", tokensOf("2"), again)).isSaved());
    CHECK(runOn(io, storage.load("a"))->tokens == tokensOf("2"));
}

TEST_CASE("redis: the trace of an erased record is kept for a day, or for the life of a record if that is shorter") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisOptions options;
    int most = 86'400;
    SUBCASE("a year") {}
    SUBCASE("for ever") { options.recordLife = 0s; }
    SUBCASE("an hour") {
        options.recordLife = 1h;
        most = 3'600;
    }
    RedisTokenStorage storage(io.get_executor(), redis.url(), options);
    CHECK(runOn(io, storage.save("a", tokensOf("1"), 0)).isSaved());
    runOn(io, storage.erase("a"));
    const int left = std::stoi(redis.command({"TTL", recordOfA}));
    CHECK(left > most - 100);
    CHECK(left <= most);
}

TEST_CASE("redis: a record expires with the refresh token, counted from its last save") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisOptions options;
    options.keyPrefix = "shop:";
    SUBCASE("after the time that is set") {
        options.recordLife = 1h;
        RedisTokenStorage storage(io.get_executor(), redis.url(), options);
        const std::uint64_t version = runOn(io, storage.save("a", tokensOf("1"), 0)).version();
        redis.command({"EXPIRE", "shop:{a}", "10"});
        CHECK(runOn(io, storage.save("a", tokensOf("2"), version)).isSaved());
        const int left = std::stoi(redis.command({"TTL", "shop:{a}"}));
        CHECK(left > 3500);
        CHECK(left <= 3600);
    }
    SUBCASE("never") {
        options.recordLife = 0s;
        RedisTokenStorage storage(io.get_executor(), redis.url(), options);
        const std::uint64_t version = runOn(io, storage.save("a", tokensOf("1"), 0)).version();
        CHECK(redis.command({"TTL", "shop:{a}"}) == "-1");
        redis.command({"EXPIRE", "shop:{a}", "10"});
        CHECK(runOn(io, storage.save("a", tokensOf("2"), version)).isSaved());
        CHECK(redis.command({"TTL", "shop:{a}"}) == "-1");
    }
}

TEST_CASE("redis: of two processes' worth of connections exactly one wins each version") {
    if (noRedis()) return;
    RedisServer redis;
    constexpr int rounds = 100;
    std::atomic<int> wins{0};
    std::atomic<bool> failed{false};
    const auto race = [&](const std::string& name) {
        try {
            asio::io_context io;
            RedisTokenStorage storage(io.get_executor(), redis.url());
            std::uint64_t seen = 0;
            for (int done = 0; done < rounds;) {
                const SaveResult outcome = runOn(io, storage.save("a", tokensOf(name + std::to_string(done)), seen));
                if (outcome.isSaved()) {
                    ++done;
                    ++wins;
                }
                if (outcome.version() <= seen) failed = true;  // whoever wins, the version grows
                seen = outcome.version();
            }
        } catch (...) {
            failed = true;
        }
    };
    std::thread other([&] { race("x"); });
    race("y");
    other.join();
    CHECK_FALSE(failed);
    CHECK(wins == 2 * rounds);
}

TEST_CASE("redis: what others have put at the key of a session is damage, and stays") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    std::vector<std::string> put;
    SUBCASE("a text") { put = {"SET", recordOfA, "hello"}; }
    SUBCASE("another hash") { put = {"HSET", recordOfA, "colour", "blue"}; }
    SUBCASE("a version out of range") {
        put = {"HSET", recordOfA, "version", "99999999999999999999", "tokens", "JWS.x"};
    }
    SUBCASE("no tokens") { put = {"HSET", recordOfA, "version", "7"}; }
    SUBCASE("no version") { put = {"HSET", recordOfA, "tokens", "JWS.x"}; }
    SUBCASE("no session") { put = {"HSET", recordOfA, "version", "7", "tokens", "JWS.x"}; }
    redis.command(put);
    const std::string before = redis.command({"DUMP", recordOfA});
    CHECK(failureOf(io, storage.save("a", tokensOf("1"), 0)).code == Errc::storage_damaged);
    if (put[2] != "colour") {
        const Failure failure = failureOf(io, storage.load("a"));
        CHECK(failure.code == Errc::storage_damaged);
        CHECK(says(failure, redis.where()));
    }
    CHECK(redis.command({"DUMP", recordOfA}) == before);
    runOn(io, storage.erase("a"));
    const std::optional<StoredTokens> trace = runOn(io, storage.load("a"));
    REQUIRE(trace);
    CHECK(trace->tokens.empty());
    CHECK(runOn(io, storage.save("a", tokensOf("1"), trace->version)).isSaved());
}
