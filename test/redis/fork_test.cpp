// Row 93: fork() with a connection to Redis.
#include "redis/tls_redis.hpp"
#include "support/in_child.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

/// What the parent has, to be used and dropped by both.
struct Parent {
    Parent() : storage(std::make_unique<RedisTokenStorage>(io->get_executor(), redis.url())) {
        version = runOn(*io, storage->save("a", tokensOf("1"), 0)).version();
    }
    void beginToLoad() {
        asio::co_spawn(*io, asResult(storage->load("a")),
                       [this](std::exception_ptr, auto got) { loaded.emplace(std::move(got)); });
        io->restart();
        for (int i = 0; i < 20; ++i) io->poll();
    }
    bool loads() { return runOn(*io, storage->load("a"))->version == version; }

    RedisServer redis;
    std::unique_ptr<asio::io_context> io = std::make_unique<asio::io_context>();
    std::unique_ptr<RedisTokenStorage> storage;
    std::uint64_t version = 0;
    std::optional<result<std::optional<StoredTokens>>> loaded;
};

}  // namespace

TEST_CASE("in the child the parent's RedisTokenStorage is refused, and gives no lease back [93]") {
    if (noRedis()) return;
    Parent parent;
    std::optional<RenewalLease> lease = runOn(*parent.io, parent.storage->acquireLease("a", 1min));
    const auto refused = [&] {
        asio::io_context own;
        const auto outcome = runOn(own, asResult(parent.storage->load("a")));
        lease.reset();
        return outcome.has_error() && outcome.error().code == Errc::used_after_fork ? 0 : 1;
    };
    CHECK(inChild(refused) == 0);
    CHECK_FALSE(runOn(*parent.io, parent.storage->acquireLease("a", 1min)));
    CHECK(parent.loads());
}

TEST_CASE("the child drops what it has of the parent's: the connection to Redis goes on [93]") {
    if (noRedis()) return;
    Parent parent;
    bool storageFirst = true;
    SUBCASE("the storage first") {}
    SUBCASE("the io_context first") { storageFirst = false; }
    const auto drop = [&] {
        if (storageFirst) parent.storage.reset();
        parent.io.reset();
        parent.storage.reset();
        return openConnectionsTo(parent.redis.port()) == 1 ? 0 : 1;
    };
    const int descriptor = descriptorTo(parent.redis.port());
    CHECK(inChild(drop) == 0);
    CHECK(parent.loads());

    // The same with a load on its way.
    parent.redis.freeze();
    parent.beginToLoad();
    CHECK(inChild(drop) == 0);
    parent.redis.thaw();
    runUntil(*parent.io, [&] { return parent.loaded.has_value(); });
    REQUIRE(parent.loaded->has_value());
    CHECK(parent.loads());
    CHECK(descriptorTo(parent.redis.port()) == descriptor);
}

TEST_CASE("a load is on its way, and the child runs the io_context: it is told, and takes no answer [93]") {
    if (noRedis()) return;
    Parent parent;
    parent.redis.freeze();
    parent.beginToLoad();
    parent.io->notify_fork(asio::execution_context::fork_prepare);
    const auto run = [&] {
        parent.io->notify_fork(asio::execution_context::fork_child);
        parent.redis.thaw();
        runUntil(*parent.io, [&] { return parent.loaded.has_value(); });
        if (!parent.loaded->has_error() || parent.loaded->error().code != Errc::used_after_fork) return 1;
        parent.storage.reset();
        parent.io.reset();
        return 0;
    };
    CHECK(inChild(run) == 0);
    parent.io->notify_fork(asio::execution_context::fork_parent);
    runUntil(*parent.io, [&] { return parent.loaded.has_value(); });
    REQUIRE(parent.loaded->has_value());
    CHECK(parent.loads());
}

TEST_CASE("redis tls: the child of a fork leaves the connection to its parent") {
    if (noRedisTls()) return;
    TlsRedis redis;
    std::optional<asio::io_context> io(std::in_place);
    std::optional<RedisTokenStorage> storage;
    // An address: Asio's thread for names does not exist in the child, which would wait for it.
    storage.emplace(io->get_executor(), "rediss://127.0.0.1:" + std::to_string(redis.port()), redis.options());
    runOn(*io, storage->connect());
    const int descriptor = descriptorTo(redis.port());
    const auto drop = [&] {
        storage.reset();
        io.reset();
        return 0;
    };
    CHECK(inChild(drop) == 0);
    CHECK_FALSE(runOn(*io, storage->load("a")));
    CHECK(descriptorTo(redis.port()) == descriptor);
}
