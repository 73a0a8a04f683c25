#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <wix/token_storage.hpp>

#include "storage/run_awaitable.hpp"
#include "support/eventually.hpp"

using namespace wix;
using namespace wix::detail::test;
namespace asio = boost::asio;

namespace {

Tokens tokens(const std::string& mark) { return Tokens(AccessToken(mark, {}), RefreshToken(mark, TokenRole::visitor)); }

}  // namespace

TEST_CASE("memory: records of keys are apart, and versions grow") {
    MemoryTokenStorage storage;
    CHECK(!runAwaitable(storage.load("a")));
    const SaveResult first = runAwaitable(storage.save("a", tokens("1"), 0));
    CHECK(first.isSaved());
    CHECK(first.version() == 1);
    CHECK(!runAwaitable(storage.load("b")));
    const SaveResult second = runAwaitable(storage.save("a", tokens("2"), first.version()));
    CHECK(second.isSaved());
    CHECK(second.version() > first.version());
    CHECK(runAwaitable(storage.load("a"))->tokens == tokens("2"));
    CHECK(runAwaitable(storage.load("a"))->version == second.version());
    CHECK(runAwaitable(storage.save("b", tokens("3"), 0)).isSaved());
    CHECK(runAwaitable(storage.load("a"))->tokens == tokens("2"));
}

TEST_CASE("memory: a conflict tells what is there and changes nothing") {
    MemoryTokenStorage storage;
    const SaveResult none = runAwaitable(storage.save("a", tokens("1"), 3));
    CHECK(!none.isSaved());
    CHECK(none.version() == 0);
    CHECK(none.current().tokens.empty());
    const std::uint64_t version = runAwaitable(storage.save("a", tokens("1"), 0)).version();
    for (std::uint64_t wrong : {std::uint64_t{0}, version + 1}) {
        const SaveResult conflict = runAwaitable(storage.save("a", tokens("2"), wrong));
        CHECK(!conflict.isSaved());
        CHECK(conflict.version() == version);
        CHECK(conflict.current().tokens == tokens("1"));
    }
}

TEST_CASE("memory: an erased record is empty, and has a higher version") {
    MemoryTokenStorage storage;
    runAwaitable(storage.erase("a"));
    CHECK(!runAwaitable(storage.load("a")));
    const std::uint64_t version = runAwaitable(storage.save("a", tokens("1"), 0)).version();
    runAwaitable(storage.erase("a"));
    const auto ended = runAwaitable(storage.load("a"));
    REQUIRE(ended);
    CHECK(ended->tokens == Tokens());
    CHECK(ended->version > version);
    for (const std::uint64_t late : {std::uint64_t{0}, version}) {
        const SaveResult conflict = runAwaitable(storage.save("a", tokens("2"), late));
        CHECK(!conflict.isSaved());
        CHECK(conflict.version() == ended->version);
    }
    runAwaitable(storage.erase("a"));
    CHECK(runAwaitable(storage.load("a"))->version == ended->version);
    CHECK(runAwaitable(storage.save("a", tokens("2"), ended->version)).version() > ended->version);
}

TEST_CASE("memory: operations outlive the storage") {
    auto storage = std::make_unique<MemoryTokenStorage>();
    runAwaitable(storage->save("a", tokens("1"), 0));
    auto load = storage->load("a");
    auto save = storage->save("a", tokens("2"), 1);
    auto erase = storage->erase("a");
    auto lease = storage->acquireLease("a", std::chrono::seconds(1));
    storage.reset();
    CHECK(runAwaitable(std::move(load))->tokens == tokens("1"));
    CHECK(runAwaitable(std::move(save)).isSaved());
    runAwaitable(std::move(erase));
    CHECK(runAwaitable(std::move(lease)).has_value());
}

TEST_CASE("memory: of many threads exactly one wins each version") {
    MemoryTokenStorage storage;
    constexpr int threads = 4, rounds = 200;
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
        all.emplace_back([&storage] {
            std::uint64_t version = 0;
            for (int wins = 0; wins < rounds;) {
                const SaveResult result = runAwaitable(storage.save("a", tokens("x"), version));
                version = result.version();
                if (result.isSaved()) ++wins;
            }
        });
    for (std::thread& thread : all) thread.join();
    CHECK(runAwaitable(storage.load("a"))->version == threads * rounds);
}

TEST_CASE("memory: a lease is one holder's, for each key, until it is let go") {
    MemoryTokenStorage storage;
    const auto hour = std::chrono::hours(1);
    auto first = runAwaitable(storage.acquireLease("a", hour));
    REQUIRE(first);
    CHECK(!runAwaitable(storage.acquireLease("a", hour)));
    CHECK(runAwaitable(storage.acquireLease("b", hour)));
    first.reset();
    auto second = runAwaitable(storage.acquireLease("a", std::chrono::milliseconds::max()));
    REQUIRE(second);
    CHECK(!runAwaitable(storage.acquireLease("a", hour)));
}

TEST_CASE("memory: a lease ends with its time, and its late end does not touch the next one") {
    MemoryTokenStorage storage;
    auto slow = runAwaitable(storage.acquireLease("a", std::chrono::milliseconds(5)));
    REQUIRE(slow);
    std::optional<RenewalLease> next;
    CHECK(wix::test::eventually([&] {
        next = runAwaitable(storage.acquireLease("a", std::chrono::hours(1)));
        return next.has_value();
    }));
    slow.reset();
    CHECK(!runAwaitable(storage.acquireLease("a", std::chrono::hours(1))));
    auto never = runAwaitable(storage.acquireLease("b", std::chrono::milliseconds(-1)));
    CHECK(never);
    CHECK(runAwaitable(storage.acquireLease("b", std::chrono::milliseconds(0))));
}

TEST_CASE("memory: of many threads one has the lease at a time") {
    MemoryTokenStorage storage;
    constexpr int threads = 4, rounds = 200;
    std::atomic<int> holders = 0, most = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
        all.emplace_back([&] {
            for (int held = 0; held < rounds;) {
                const auto lease = runAwaitable(storage.acquireLease("a", std::chrono::hours(1)));
                if (!lease) continue;
                ++held;
                most = std::max(most.load(), ++holders);
                --holders;
            }
        });
    for (std::thread& thread : all) thread.join();
    CHECK(most == 1);
}

TEST_CASE("a lease outlives its storage") {
    auto storage = std::make_unique<MemoryTokenStorage>();
    auto lease = runAwaitable(storage->acquireLease("a", std::chrono::hours(1)));
    storage.reset();
    CHECK(lease);
}

TEST_CASE("the default lease is granted, always") {
    class Plain final : public TokenStorage {
        asio::awaitable<std::optional<StoredTokens>> load(std::string) override { co_return std::nullopt; }
        asio::awaitable<SaveResult> save(std::string, Tokens, std::uint64_t) override { co_return SaveResult(); }
        asio::awaitable<void> erase(std::string) override { co_return; }
    } storage;
    auto first = runAwaitable(storage.acquireLease("a", std::chrono::milliseconds(1)));
    auto second = runAwaitable(storage.acquireLease("a", std::chrono::milliseconds(1)));
    CHECK(first.has_value());
    CHECK(second.has_value());
}

TEST_CASE("a lease releases what it holds when it ends") {
    auto hold = std::make_shared<int>(1);
    std::weak_ptr<int> watched = hold;
    {
        RenewalLease lease{std::move(hold)};
        RenewalLease moved = std::move(lease);
        CHECK(!watched.expired());
    }
    CHECK(watched.expired());
}
