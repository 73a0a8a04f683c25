// Sessions of a server that have met trouble: they leave memory all the same, and come back.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <set>
#include <thread>

#include "integration/visitor_server.hpp"
#include "support/eventually.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;

namespace {

/// Whether there is a place for another visitor. What that may set off has its time.
bool hasPlaceFor(Server& server, const std::string& key) {
    std::optional<Client> opened;
    asio::co_spawn(server.io, openInto(&opened, *server.sessions, key), [](std::exception_ptr) {});
    server.io.restart();
    server.io.run();
    return opened.has_value();
}

/// Leaves for a thread of its own, as for a blocking call, and ends there.
class WanderingStorage final : public TokenStorage {
public:
    ~WanderingStorage() override { pool_.join(); }
    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        co_await asio::post(asio::bind_executor(pool_, asio::use_awaitable));
        co_return co_await memory_.load(std::move(key));
    }
    asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override {
        co_await asio::post(asio::bind_executor(pool_, asio::use_awaitable));
        co_return co_await memory_.save(std::move(key), std::move(tokens), expectedVersion);
    }
    asio::awaitable<void> erase(std::string key) override {
        co_await asio::post(asio::bind_executor(pool_, asio::use_awaitable));
        throw Error(Errc::storage_unavailable, "erasing " + key);
    }

private:
    MemoryTokenStorage memory_;
    asio::thread_pool pool_{1};
};

class WhereAmI final : public Observer {
public:
    void renewalStarted(const RenewalStarted&) override { threads.insert(std::this_thread::get_id()); }
    void renewalFinished(const RenewalFinished&) override { threads.insert(std::this_thread::get_id()); }
    void saveFailed(const SaveFailed&) override { threads.insert(std::this_thread::get_id()); }
    std::set<std::thread::id> threads;
};

}  // namespace

TEST_CASE("a client that was closed does not lock its visitor out") {
    Server server;
    server.add("anna");
    runOn(server.io, server.open("anna").close());
    CHECK(server.items("anna") == 1);
    CHECK(server.counts().sessions == 1);
}

TEST_CASE("a session whose renewal has failed makes room once its pause is over") {
    Server server(1);
    server.fake.failNext("token", 1, testing::ScriptedReply(503));
    const Client anna = server.open("anna");
    CHECK(codeOf([&] { runOn(server.io, anna.generateVisitorTokens()); }) == Errc::token_unavailable);
    CHECK_FALSE(hasPlaceFor(server, "bert"));  // somebody has it
    {
        Server other(1);
        other.fake.failNext("token", 1, testing::ScriptedReply(503));
        CHECK(codeOf([&] { runOn(other.io, other.open("anna").generateVisitorTokens()); }) == Errc::token_unavailable);
        CHECK(eventually([&] { return hasPlaceFor(other, "bert"); }));
    }
}

TEST_CASE("a session that could not be saved makes room once the storage takes it, also if its visitor stays away") {
    Server server(1);
    server.storage->saveFails = true;
    runOn(server.io, server.open("anna").generateVisitorTokens());
    CHECK_FALSE(hasPlaceFor(server, "bert"));
    server.storage->saveFails = false;
    CHECK(eventually([&] { return hasPlaceFor(server, "bert"); }));
    CHECK(runOn(server.io, server.storage->memory.load(std::string(clientId) + "/anna")).has_value());
}

TEST_CASE("a storage that ends on another thread does not take the session there") {
    testing::FakeWix fake;
    asio::io_context io;
    const auto observer = std::make_shared<WhereAmI>();
    OAuthStrategy strategy = strategyWith(std::make_shared<WanderingStorage>());
    ClientOptions options = optionsFor(fake);
    options.observer = observer;
    const Client client(io.get_executor(), strategy, options);
    runOn(io, client.generateVisitorTokens());
    runOn(io, client.renewToken());
    CHECK(codeOf([&] { runOn(io, client.setTokens(Tokens())); }) == Errc::storage_unavailable);
    CHECK(observer->threads == std::set{std::this_thread::get_id()});
}
