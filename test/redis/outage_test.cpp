// A Redis that goes and comes back, stands still, or takes no writes.
#include <functional>

#include "redis/redis_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

RedisOptions impatient() {
    RedisOptions options;
    options.connectTimeout = options.commandTimeout = 100ms;
    return options;
}

/// An operation that goes on while the test does something; runUntil(io, ...) brings it on.
template <class T>
class Started {
public:
    Started(asio::io_context& io, asio::awaitable<T> operation) {
        asio::co_spawn(io, asResult(std::move(operation)), [this](std::exception_ptr, result<T> got) {
            requireNoSecret(got.has_error() ? got.error() : Failure());
            outcome.emplace(std::move(got));
        });
        if (io.stopped()) io.restart();
        for (int i = 0; i < 20; ++i) io.poll();  // as far as it goes without the server
    }
    std::optional<result<T>> outcome;
};

}  // namespace

TEST_CASE("redis outage: killed and started again between two commands, nobody notices") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    for (int round = 0; round < 3; ++round) {
        CHECK(runOn(io, storage.save("a", tokensOf("1"), 0)).isSaved());
        redis.restart();
        SUBCASE("a load") { CHECK_FALSE(runOn(io, storage.load("a"))); }
        SUBCASE("an erase, which is never sent twice") { runOn(io, storage.erase("b")); }
        SUBCASE("a lease") { CHECK(runOn(io, storage.acquireLease("a", 1s))); }
    }
}

TEST_CASE("redis outage: killed while commands are under way, and back again") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    runOn(io, storage.connect());
    redis.freeze();
    Started<std::optional<StoredTokens>> load(io, storage.load("a"));
    Started<SaveResult> save(io, storage.save("a", tokensOf("1"), 0));
    Started<void> erase(io, storage.erase("b"));
    redis.kill();
    const auto allEnded = [&] { return load.outcome && save.outcome && erase.outcome; };
    SUBCASE("nobody is there any more") {
        runUntil(io, allEnded);
        CHECK(load.outcome->error().code == Errc::storage_unavailable);
        CHECK(save.outcome->error().code == Errc::storage_unavailable);
        CHECK(erase.outcome->error().code == Errc::storage_unavailable);
        CHECK(failureOf(io, storage.load("a")).code == Errc::storage_unavailable);
        redis.start();
    }
    SUBCASE("another one is there at once: what may be repeated is") {
        redis.start();
        runUntil(io, allEnded);
        CHECK_FALSE(load.outcome->value());
        CHECK(save.outcome->value().isSaved());
        CHECK(erase.outcome->error().code == Errc::storage_unavailable);
        redis.command({"DEL", "wix:session:{a}"});
    }
    CHECK_FALSE(runOn(io, storage.load("a")));
}

TEST_CASE("redis outage: a server that stands still costs no more than the time that is set") {
    if (noRedis()) return;
    RedisServer redis({"--requirepass", "x"});
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), "redis://:x@" + redis.where(), impatient());
    runOn(io, storage.connect());
    redis.freeze();
    const auto begin = std::chrono::steady_clock::now();
    const Failure first = failureOf(io, storage.load("a"));
    CHECK(first.code == Errc::storage_unavailable);
    CHECK(says(first, redis.where() + ": no answer within 100 ms"));
    const Failure second =
        failureOf(io, storage.save("a", tokensOf("1"), 0));  // the system connects, AUTH is not answered
    CHECK(second.code == Errc::storage_unavailable);
    CHECK(says(second, redis.where() + ": no connection within 100 ms"));
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    redis.thaw();
    // It first works off what the system has taken for it.
    REQUIRE(eventually([&] { return runOn(io, asResult(storage.connect())).has_value(); }));
    CHECK(runOn(io, storage.save("b", tokensOf("1"), 0)).isSaved());
}

TEST_CASE("redis outage: all that stand in line fail together, and the next ones are served") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url(), impatient());
    runOn(io, storage.connect());
    redis.command({"CLIENT", "PAUSE", "60000", "ALL"});
    std::vector<std::unique_ptr<Started<std::optional<StoredTokens>>>> loads;
    for (int i = 0; i < 100; ++i)
        loads.push_back(std::make_unique<Started<std::optional<StoredTokens>>>(io, storage.load(std::to_string(i))));
    io.restart();
    io.run();
    for (const auto& load : loads) CHECK(load->outcome->error().code == Errc::storage_unavailable);
    redis.restart();
    CHECK_FALSE(runOn(io, storage.load("a")));
}

TEST_CASE("redis outage: a pause that ends") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage patient(io.get_executor(), redis.url());
    RedisTokenStorage storage(io.get_executor(), redis.url(), impatient());
    redis.command({"CLIENT", "PAUSE", "400", "ALL"});
    CHECK(says(failureOf(io, storage.save("a", tokensOf("1"), 0)), "no answer within 100 ms"));
    CHECK(runOn(io, patient.save("b", tokensOf("1"), 0)).isSaved());  // it waits until then
    runOn(io, storage.connect());
}

TEST_CASE("redis outage: a server that takes no writes says why, and loads go on") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    const std::uint64_t version = runOn(io, storage.save("a", tokensOf("1"), 0)).version();
    const char* why = "";
    std::function<void()> recover;
    SUBCASE("its memory is full") {
        redis.command({"CONFIG", "SET", "maxmemory", "1"});
        why = "OOM, its memory is full";
        recover = [&] { redis.command({"CONFIG", "SET", "maxmemory", "0"}); };
    }
    SUBCASE("it lacks replicas") {
        redis.command({"CONFIG", "SET", "min-replicas-to-write", "1"});
        why = "NOREPLICAS, it has fewer replicas";
        recover = [&] { redis.command({"CONFIG", "SET", "min-replicas-to-write", "0"}); };
    }
    SUBCASE("it is a replica") {
        redis.command({"REPLICAOF", "127.0.0.1", std::to_string(freePort())});
        why = "READONLY, it is a replica";
        recover = [&] { redis.command({"REPLICAOF", "NO", "ONE"}); };
    }
    const Failure failure = failureOf(io, storage.save("a", tokensOf("2"), version));
    CHECK(failure.code == Errc::storage_unavailable);
    CHECK(says(failure, redis.where() + ": " + why));
    CHECK(says(failureOf(io, storage.acquireLease("a", 1s)), why));
    CHECK(runOn(io, storage.load("a"))->tokens == tokensOf("1"));
    recover();
    CHECK(runOn(io, storage.save("a", tokensOf("2"), version)).isSaved());
    CHECK(runOn(io, storage.acquireLease("a", 1s)));
}
