// Who ends first: callers, storages, io_contexts. And many at once.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <thread>

#include "redis/redis_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

/// Owns the storage, and is owned by the coroutine: a cycle, unless the io_context takes it apart.
asio::awaitable<void> loadAndKeep(std::shared_ptr<RedisTokenStorage> storage, std::shared_ptr<int> alive) {
    try {
        auto lease = co_await storage->acquireLease("a", 1min);
        for (;;) co_await storage->load("a");
    } catch (const Error&) {
        ++*alive;
    }
}

asio::awaitable<void> saveAndLoad(std::shared_ptr<RedisTokenStorage> storage, std::string key, int rounds,
                                  std::atomic<int>& done) {
    std::uint64_t version = 0;
    for (int i = 0; i < rounds; ++i) {
        const Tokens tokens = tokensOf(key + "/" + std::to_string(i));
        const SaveResult saved = co_await storage->save(key, tokens, version);
        version = saved.version();
        const std::optional<StoredTokens> found = co_await storage->load(key);
        std::optional<RenewalLease> lease = co_await storage->acquireLease(key, 1min);
        lease.reset();
        if (saved.isSaved() && found && found->tokens == tokens && found->version == version) ++done;
    }
}

}  // namespace

TEST_CASE("redis lifetime: an io_context that ends takes what is under way with it") {
    if (noRedis()) return;
    RedisServer redis;
    std::string url = redis.url();
    bool frozen = true;
    int rounds = 10;
    SUBCASE("before anything has begun") { rounds = 0; }
    SUBCASE("while the name is looked up") {
        url = "redis://localhost:" + std::to_string(redis.port());
        rounds = 1;
    }
    SUBCASE("while it connects") { url = "redis://192.0.2.1"; }
    SUBCASE("while AUTH is due") { url = "redis://:x@" + redis.where(); }
    SUBCASE("while replies are due") {}
    SUBCASE("amid replies, and a lease") {
        frozen = false;
        rounds = 200;
    }
    if (frozen) redis.freeze();
    const auto alive = std::make_shared<int>(0);
    {
        asio::io_context io;
        for (int i = 0; i < 3; ++i) {
            const auto storage = std::make_shared<RedisTokenStorage>(io.get_executor(), url);
            for (int k = 0; k < 3; ++k) asio::co_spawn(io, loadAndKeep(storage, alive), rethrow);
        }
        for (int i = 0; i < rounds; ++i) io.run_one_for(10ms);
    }
    CHECK(alive.use_count() == 1);
    if (frozen) redis.thaw();
}

TEST_CASE("redis lifetime: a storage that outlives its io_context says so") {
    if (noRedis()) return;
    RedisServer redis;
    std::unique_ptr<RedisTokenStorage> storage;
    {
        asio::io_context io;
        storage = std::make_unique<RedisTokenStorage>(io.get_executor(), redis.url());
        CHECK(runOn(io, storage->save("a", tokensOf("1"), 0)).isSaved());
    }
    CHECK(eventually([&] { return openConnectionsTo(redis.port()) == 0; }));
    asio::io_context another;
    CHECK(failureOf(another, storage->load("a")).code == asio::error::operation_aborted);
    CHECK(failureOf(another, storage->acquireLease("a", 1s)).code == asio::error::operation_aborted);
}

TEST_CASE("redis lifetime: operations outlive the storage, and its connection goes with the last of them") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    auto storage = std::make_unique<RedisTokenStorage>(io.get_executor(), redis.url());
    runOn(io, storage->connect());
    auto save = storage->save("a", tokensOf("1"), 0);
    auto load = storage->load("a");
    auto erase = storage->erase("a");
    auto connecting = storage->connect();
    storage.reset();
    CHECK(runOn(io, std::move(save)).isSaved());
    CHECK(runOn(io, std::move(load))->tokens == tokensOf("1"));
    runOn(io, std::move(erase));
    runOn(io, std::move(connecting));
    CHECK(eventually([&] { return openConnectionsTo(redis.port()) == 0; }));
}

TEST_CASE("redis lifetime: a caller on another io_context resumes there") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context home;
    RedisTokenStorage storage(home.get_executor(), redis.url());
    auto work = asio::make_work_guard(home);
    std::thread runner([&] { home.run(); });
    asio::io_context io;
    CHECK(runOn(io, storage.save("a", tokensOf("1"), 0)).isSaved());
    CHECK(runOn(io, storage.load("a"))->tokens == tokensOf("1"));
    work.reset();
    runner.join();
}

TEST_CASE("redis lifetime: a storage ends on one thread while its connection comes to rest on another") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context home;
    auto work = asio::make_work_guard(home);
    std::thread runner([&] { home.run(); });
    for (int i = 0; i < 200; ++i) {
        asio::io_context io;
        auto storage = std::make_unique<RedisTokenStorage>(home.get_executor(), redis.url());
        CHECK_FALSE(runOn(io, storage->load("a")));
        if (i % 2) runOn(io, storage->acquireLease("a", 1min));
    }
    work.reset();
    runner.join();
    CHECK(eventually([&] { return openConnectionsTo(redis.port()) == 0; }));
}

TEST_CASE("redis lifetime: thousands of loads share a pipeline") {
    if (noRedis()) return;
    constexpr int count = 5'000;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    for (int i = 0; i < 10; ++i)
        CHECK(runOn(io, storage.save(std::to_string(i), tokensOf(std::to_string(i)), 0)).isSaved());
    int right = 0;
    for (int i = 0; i < count; ++i) {
        const std::string key = std::to_string(i % 20);
        asio::co_spawn(io, storage.load(key), [&, key, i](std::exception_ptr error, std::optional<StoredTokens> found) {
            if (error || found.has_value() != (i % 20 < 10)) return;
            if (!found || found->tokens == tokensOf(key)) ++right;
        });
    }
    io.restart();
    io.run();
    CHECK(right == count);
    CHECK(openConnectionsTo(redis.port()) == 1);
}

TEST_CASE("redis lifetime: who is cancelled ends at once, and the others in line get their own answers") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisTokenStorage storage(io.get_executor(), redis.url());
    const Tokens tokens = tokensOf("1");
    CHECK(runOn(io, storage.save("b", tokens, 0)).isSaved());
    bool connected = true;
    SUBCASE("while the reply is due") {}
    SUBCASE("while it connects") { connected = false; }
    if (!connected) redis.restart();
    redis.freeze();
    asio::cancellation_signal cancel;
    boost::system::error_code code;
    bool ended = false;
    asio::co_spawn(io, asResult(storage.load("a")),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, auto outcome) {
                       ended = true;
                       if (outcome.has_error()) code = outcome.error().code;
                   }));
    std::optional<std::optional<StoredTokens>> other;
    asio::co_spawn(io, storage.load("b"), [&](std::exception_ptr error, std::optional<StoredTokens> found) {
        if (!error) other.emplace(std::move(found));
    });
    io.restart();
    for (int i = 0; i < 20; ++i) io.poll();
    cancel.emit(asio::cancellation_type::terminal);
    runUntil(io, [&] { return ended; });
    CHECK(code == asio::error::operation_aborted);
    CHECK_FALSE(other);
    redis.thaw();
    runUntil(io, [&] { return other.has_value(); });
    CHECK(other->has_value() == connected);  // a server that was restarted is empty
}

TEST_CASE("redis lifetime: several threads, several sessions, one connection") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    const auto storage = std::make_shared<RedisTokenStorage>(io.get_executor(), redis.url());
    constexpr int sessions = 8, rounds = 50;
    std::atomic<int> done{0};
    for (int i = 0; i < sessions; ++i)
        asio::co_spawn(asio::make_strand(io), saveAndLoad(storage, std::to_string(i), rounds, done), rethrow);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { io.run(); });
    for (std::thread& thread : threads) thread.join();
    CHECK(done == sessions * rounds);
    CHECK(openConnectionsTo(redis.port()) == 1);
}
