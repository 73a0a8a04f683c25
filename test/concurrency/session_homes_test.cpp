// One VisitorSessions over several io_contexts: a visitor has one session in the process.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "integration/failures.hpp"
#include "support/fake_client.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

/// An io_context with a thread and a Transport.
class Worker {
public:
    explicit Worker(const TransportOptions& options)
        : io_(std::make_unique<asio::io_context>()),
          guard_(asio::make_work_guard(*io_)),
          transport_(io_->get_executor(), options),
          thread_([io = io_.get()] { io->run(); }) {}
    ~Worker() { destroyContext(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    const Transport& transport() const { return transport_; }
    /// Waits at most 60 s for `operation`, which runs on this io_context.
    template <class T>
    T run(asio::awaitable<T> operation) {
        std::future<T> future = asio::co_spawn(*io_, std::move(operation), asio::use_future);
        if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready)
            throw std::logic_error("the operation has not ended within 60 s");
        return future.get();
    }
    void spawn(asio::awaitable<void> operation) { asio::co_spawn(*io_, std::move(operation), asio::detached); }
    void destroyContext() {
        if (!io_) return;
        guard_.reset();
        io_->stop();
        thread_.join();
        io_.reset();
    }

private:
    std::unique_ptr<asio::io_context> io_;
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    Transport transport_;
    std::thread thread_;
};

/// A storage whose writes do not return while `stalls` is set.
class StallingStorage final : public TokenStorage {
public:
    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override { return stored_.load(std::move(key)); }
    asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t version) override {
        co_await stall();
        auto saved = stored_.save(std::move(key), std::move(tokens), version);
        co_return co_await std::move(saved);
    }
    asio::awaitable<void> erase(std::string key) override {
        co_await stall();
        auto erased = stored_.erase(std::move(key));
        co_await std::move(erased);
    }
    std::atomic<bool> stalls{false};
    std::promise<void> stalled;

private:
    asio::awaitable<void> stall() {
        if (!stalls.exchange(false)) co_return;
        asio::steady_timer never(co_await asio::this_coro::executor, std::chrono::steady_clock::time_point::max());
        stalled.set_value();
        co_await never.async_wait(asio::use_awaitable);
    }
    MemoryTokenStorage stored_;
};

struct Site {
    explicit Site(std::size_t workers = 2, std::shared_ptr<TokenStorage> keptIn = nullptr) {
        if (!keptIn) keptIn = storage;
        std::vector<Transport> transports;
        for (std::size_t i = 0; i < workers; ++i) {
            all.push_back(std::make_unique<Worker>(optionsFor(fake).transport));
            transports.push_back(all.back()->transport());
        }
        sessions.emplace(transports, strategyWith(std::move(keptIn)), optionsFor(fake));
    }
    Worker& worker(std::size_t i) { return *all[i % all.size()]; }

    FakeWix fake;
    std::shared_ptr<MemoryTokenStorage> storage = std::make_shared<MemoryTokenStorage>();
    std::vector<std::unique_ptr<Worker>> all;
    std::optional<VisitorSessions> sessions;
};

asio::awaitable<std::string> visit(VisitorSessions sessions, std::string key) {
    const Client client = co_await sessions.open(std::move(key));
    const Tokens tokens = co_await client.generateVisitorTokens();
    co_return tokens.refreshToken.value;
}

asio::awaitable<void> logOut(VisitorSessions sessions, std::string key) {
    const Client client = co_await sessions.open(std::move(key));
    co_await client.setTokens(Tokens());
}

asio::awaitable<std::string> renew(VisitorSessions sessions, std::string key) {
    const Client client = co_await sessions.open(std::move(key));
    const Tokens tokens = co_await client.renewToken();
    co_return tokens.accessToken.value;
}

asio::awaitable<std::string> product(VisitorSessions sessions) {
    const Client client = co_await sessions.open("catalogue");
    const boost::json::value found = co_await client.post(queryPath, object());
    co_return std::string(found.at("products").at(0).at("id").as_string());
}

asio::awaitable<void> addToCart(VisitorSessions sessions, std::string productId) {
    const Client client = co_await sessions.open("anna");
    co_await client.post(addPath, oneOf(productId));
}

asio::awaitable<void> openOnly(VisitorSessions sessions) { co_await sessions.open("anna"); }

asio::awaitable<void> openAndClose(VisitorSessions sessions) {
    const Client client = co_await sessions.open("anna");
    co_await client.close();
}

asio::awaitable<void> closeAll(VisitorSessions sessions) { co_await sessions.close(); }

asio::awaitable<Failure> openFails(VisitorSessions sessions) {
    const result<void> opened = co_await asResult(openOnly(std::move(sessions)));
    co_return opened.has_error() ? opened.error() : Failure();
}

}  // namespace

TEST_CASE("a key opened on two io_contexts is one session with one token request [D1]") {
    Site site;
    std::set<std::string> visitors;
    for (std::size_t i = 0; i < 6; ++i) visitors.insert(site.worker(i).run(visit(*site.sessions, "anna")));
    CHECK(visitors.size() == 1);
    CHECK(site.fake.state().visitors == 1);
    CHECK(site.fake.state().requests["token"] == 1);
    CHECK(site.sessions->statistics().sessions == 1);
}

TEST_CASE("20 calls in turn on two io_contexts all carry the visitor's latest X-Wix-Consistent value [D1]") {
    Site site;
    const std::string id = site.worker(0).run(product(*site.sessions));
    const auto before = site.fake.state();
    for (std::size_t i = 0; i < 20; ++i) site.worker(i).run(addToCart(*site.sessions, id));
    const auto after = site.fake.state();
    CHECK(after.consistencyIssued - before.consistencyIssued == 20);
    CHECK(after.consistencyReplayed - before.consistencyReplayed == 19);
    CHECK(after.consistencyForeign == before.consistencyForeign);
}

TEST_CASE("calls are sent over the Transport of the io_context that opened the session [D1]") {
    Site site;
    site.worker(0).run(visit(*site.sessions, "anna"));
    CHECK(site.worker(1).transport().openConnections() == 0);
    const std::string id = site.worker(1).run(product(*site.sessions));
    const std::size_t before = site.worker(1).transport().openConnections();
    site.worker(0).run(addToCart(*site.sessions, id));
    CHECK(site.worker(1).transport().openConnections() == before);
    site.worker(1).run(addToCart(*site.sessions, id));
    CHECK(site.worker(1).transport().openConnections() >= 1);
}

TEST_CASE("a renewal on one io_context is seen on the other one [D1]") {
    Site site;
    site.worker(0).run(visit(*site.sessions, "anna"));
    const std::string renewed = site.worker(1).run(renew(*site.sessions, "anna"));
    const auto before = site.fake.state().requests["token"];
    const auto stored = site.worker(0).run(site.storage->load(std::string(clientId) + "/anna"));
    REQUIRE(stored);
    CHECK(stored->tokens.accessToken.value == renewed);
    site.worker(0).run(visit(*site.sessions, "anna"));
    CHECK(site.fake.state().requests["token"] == before);
}

TEST_CASE("when the io_context of a session is destroyed, the next open continues the session on another one [D1]") {
    Site site;
    const std::string first = site.worker(0).run(visit(*site.sessions, "anna"));
    const std::string seen = site.worker(1).run(visit(*site.sessions, "anna"));
    CHECK(seen == first);
    site.worker(0).destroyContext();
    CHECK(site.worker(1).run(visit(*site.sessions, "anna")) == first);
    CHECK(site.worker(1).run(visit(*site.sessions, "bert")) != first);
    CHECK(site.fake.state().visitors == 2);
}

TEST_CASE("a logout that is not stored when its io_context is destroyed is carried over [D1]") {
    const auto storage = std::make_shared<StallingStorage>();
    Site site(2, storage);
    const std::string first = site.worker(0).run(visit(*site.sessions, "anna"));
    storage->stalls = true;
    site.worker(0).spawn(logOut(*site.sessions, "anna"));
    REQUIRE(storage->stalled.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    site.worker(0).destroyContext();
    SUBCASE("and the session is used") { CHECK(site.worker(1).run(visit(*site.sessions, "anna")) != first); }
    SUBCASE("and the sessions are closed") { site.worker(1).run(closeAll(*site.sessions)); }
    SUBCASE("and the session is opened, and the sessions are closed") {
        site.worker(1).run(openOnly(*site.sessions));
        site.worker(1).run(closeAll(*site.sessions));
    }
    SUBCASE("and the session is opened and closed") { site.worker(1).run(openAndClose(*site.sessions)); }
    Site later(1, storage);
    CHECK(later.worker(0).run(visit(*later.sessions, "anna")) != first);
}

TEST_CASE("a new session opened elsewhere is placed on an io_context that exists [D1]") {
    Site site;
    site.worker(0).destroyContext();
    asio::io_context own;
    std::optional<std::string> visitor;
    asio::co_spawn(own, visit(*site.sessions, "anna"), [&](std::exception_ptr error, std::string token) {
        if (!error) visitor = token;
    });
    own.run();
    REQUIRE(visitor);
    CHECK(site.worker(1).run(visit(*site.sessions, "anna")) == *visitor);
}

TEST_CASE("open fails with operation_aborted when every io_context has been destroyed [D1]") {
    Site site;
    site.worker(0).destroyContext();
    site.worker(1).destroyContext();
    asio::io_context own;
    const Failure failure = runOn(own, openFails(*site.sessions));
    CHECK(failure.code == asio::error::operation_aborted);
}

TEST_CASE("VisitorSessions without a Transport is refused [D1]") {
    CHECK_THROWS_AS(VisitorSessions(std::vector<Transport>(), strategyWith(std::make_shared<MemoryTokenStorage>())),
                    Error);
}
