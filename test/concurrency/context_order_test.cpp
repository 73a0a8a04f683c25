// A caller and a client on two io_contexts, destroyed in every order. Interesting under ASan and valgrind.
#include <doctest/doctest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "storage/temp_directory.hpp"
#include "support/fake_client.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
using wix::detail::test::TempDirectory;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

using Operation = std::function<asio::awaitable<void>(const Client&)>;

asio::awaitable<void> getCart(const Client& client) { co_await client.get("/ecom/v1/carts/current"); }
asio::awaitable<void> getToken(const Client& client) { co_await client.generateVisitorTokens(); }
asio::awaitable<void> closeClient(const Client& client) { co_await client.close(); }

class NullSink final : public BodySink {
public:
    asio::awaitable<void> write(std::string) override { co_return; }
};
asio::awaitable<void> fetchCart(const Client& client) {
    auto sink = std::make_shared<NullSink>();
    co_await client.fetch(Request("GET", "/ecom/v1/carts/current"), std::move(sink));
}

/// A storage that does not respond while its test lasts.
class SilentStorage final : public TokenStorage {
public:
    asio::awaitable<std::optional<StoredTokens>> load(std::string) override {
        ++loads;
        asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
        co_await timer.async_wait(asio::use_awaitable);
        co_return std::nullopt;
    }
    asio::awaitable<SaveResult> save(std::string, Tokens, std::uint64_t) override { co_return SaveResult::saved(1); }
    asio::awaitable<void> erase(std::string) override { co_return; }
    asio::awaitable<std::optional<RenewalLease>> acquireLease(std::string, std::chrono::milliseconds) override {
        co_return std::nullopt;
    }
    std::atomic<int> loads{0};
};

asio::awaitable<void> openSession(VisitorSessions sessions) { co_await sessions.open("visitor"); }

/// The state of an operation of the caller's context.
struct Waiter {
    std::shared_ptr<int> frame = std::make_shared<int>();
    std::optional<boost::system::error_code> code;
};

asio::awaitable<void> waitFor(Client client, Operation operation, std::shared_ptr<int>) { co_await operation(client); }

/// A client on one context, a caller on another one.
struct TwoContexts {
    std::optional<asio::io_context> home{std::in_place};
    std::optional<asio::io_context> mine{std::in_place};
    std::optional<Client> client;
    std::vector<Waiter> waiters = std::vector<Waiter>(3);

    void start(const Operation& operation) {
        for (Waiter& waiter : waiters) {
            const std::weak_ptr<int> frame = waiter.frame;
            asio::co_spawn(
                *mine, waitFor(*client, operation, std::move(waiter.frame)),
                [&waiter](std::exception_ptr error) { waiter.code = codeOf([&] { std::rethrow_exception(error); }); });
            waiter.frame = nullptr;
            frames.push_back(frame);
        }
    }
    void pollBoth() {
        for (int i = 0; i < 20; ++i) {
            home->poll();
            mine->poll();
            home->restart();
            mine->restart();
        }
    }
    template <class Condition>
    void pollUntil(Condition isReached) {
        const auto giveUp = std::chrono::steady_clock::now() + 30s;
        while (!isReached()) {
            REQUIRE(std::chrono::steady_clock::now() < giveUp);
            pollBoth();
        }
        pollBoth();
    }
    bool areFramesGone() const {
        for (const auto& frame : frames)
            if (!frame.expired()) return false;
        return true;
    }
    std::vector<std::weak_ptr<int>> frames;
};

enum class Order {
    callerFirst,
    clientFirst,
    callerThenClient,  // neither runs in between
    clientThenCaller,
    bothAtOnce,          // on two threads
    callerWhileRunning,  // another thread runs the client's context
    clientWhileRunning,  // another thread runs the caller's context
};

std::string nameOf(Order order) {
    static const char* const names[] = {"the caller's first",
                                        "the client's first",
                                        "the caller's, then the client's at once",
                                        "the client's, then the caller's at once",
                                        "both at once",
                                        "the caller's while the client's runs",
                                        "the client's while the caller's runs"};
    return names[static_cast<int>(order)];
}

void checkAborted(const TwoContexts& two) {
    for (const Waiter& waiter : two.waiters) {
        REQUIRE(waiter.code.has_value());
        CHECK(*waiter.code == asio::error::operation_aborted);
    }
}

void destroy(TwoContexts& two, Order order) {
    switch (order) {
        case Order::callerFirst:
            two.mine.reset();
            CHECK(two.areFramesGone());
            two.home->restart();
            for (int i = 0; i < 20; ++i) two.home->poll();
            two.home.reset();
            break;
        case Order::clientFirst:
            two.home.reset();
            two.mine->restart();
            two.mine->run();  // returns: nothing is awaited any more
            checkAborted(two);
            two.mine.reset();
            break;
        case Order::callerThenClient:
            two.mine.reset();
            two.home.reset();
            break;
        case Order::clientThenCaller:
            two.home.reset();
            two.mine.reset();
            break;
        case Order::bothAtOnce: {
            std::jthread other([&] { two.mine.reset(); });
            two.home.reset();
            break;
        }
        case Order::callerWhileRunning: {
            auto work = asio::make_work_guard(*two.home);
            two.home->restart();
            std::jthread runner([&] { two.home->run(); });
            two.mine.reset();
            CHECK(two.areFramesGone());
            two.home->stop();
            runner.join();
            work.reset();
            two.home.reset();
            break;
        }
        case Order::clientWhileRunning: {
            two.mine->restart();
            std::jthread runner([&] { two.mine->run(); });
            two.home.reset();
            runner.join();
            checkAborted(two);
            two.mine.reset();
            break;
        }
    }
    CHECK(two.areFramesGone());
    two.client.reset();
}

/// Calls `arrange` once for each order. It leaves the operations of the caller's context waiting.
void inEveryOrder(const std::function<void(TwoContexts&)>& arrange) {
    for (const Order order : {Order::callerFirst, Order::clientFirst, Order::callerThenClient, Order::clientThenCaller,
                              Order::bothAtOnce, Order::callerWhileRunning, Order::clientWhileRunning}) {
        INFO(nameOf(order));
        TwoContexts two;
        arrange(two);
        CHECK_FALSE(two.areFramesGone());
        destroy(two, order);
    }
}

}  // namespace

TEST_CASE("contexts of a caller and of a client are destroyed in every order: the operation is queued [C18]") {
    const FakeWix fake;
    inEveryOrder([&](TwoContexts& two) {
        two.client.emplace(clientOf(*two.home, fake));
        two.start(getToken);
        two.mine->poll();
    });
}

TEST_CASE("contexts of a caller and of a client are destroyed in every order: it opens a connection [C18]") {
    std::atomic<int> accepted{0};
    ScriptedServer silent([&](ScriptedPeer& peer, int) {
        ++accepted;
        peer.waitForEnd();
    });
    int before = 0;
    inEveryOrder([&](TwoContexts& two) {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = "https://127.0.0.1:" + std::to_string(silent.port());
        two.client.emplace(two.home->get_executor(), OAuthStrategy(clientId), options);
        two.start(getToken);
        two.pollUntil([&] { return accepted > before; });
        before = accepted;
    });
}

TEST_CASE("contexts of a caller and of a client are destroyed in every order: the request is in flight [C18]") {
    for (const Operation& operation : {Operation(getCart), Operation(fetchCart)})
        inEveryOrder([&](TwoContexts& two) {
            FakeWix fake;
            two.client.emplace(clientOf(*two.home, fake));
            runOn(*two.home, two.client->generateVisitorTokens());
            fake.hold("cart");
            two.start(operation);
            two.pollUntil([&] { return fake.waitUntilHeld("cart", 3, 0ms); });
        });
}

TEST_CASE("contexts of a caller and of a client are destroyed in every order: it waits for a connection [C18]") {
    inEveryOrder([&](TwoContexts& two) {
        FakeWix fake;
        ClientOptions options = optionsFor(fake);
        options.transport.maxConnectionsPerOrigin = 1;
        two.client.emplace(two.home->get_executor(), OAuthStrategy(clientId), options);
        runOn(*two.home, two.client->generateVisitorTokens());
        fake.hold("cart");
        two.start(getCart);
        two.pollUntil([&] { return fake.waitUntilHeld("cart", 1, 0ms); });
    });
}

TEST_CASE("contexts of a caller and of a client are destroyed in every order: it waits for a token [C18]") {
    for (const Operation& operation : {Operation(getToken), Operation(getCart)})
        inEveryOrder([&](TwoContexts& two) {
            FakeWix fake;
            fake.hold("token");
            two.client.emplace(clientOf(*two.home, fake));
            two.start(operation);
            two.pollUntil([&] { return fake.waitUntilHeld("token", 1, 0ms); });
        });
}

TEST_CASE("contexts of a caller and of a client are destroyed in every order: the storage is slow [C18]") {
    const FakeWix fake;
    inEveryOrder([&](TwoContexts& two) {
        const auto storage = std::make_shared<SilentStorage>();
        two.client.emplace(clientOf(*two.home, fake, storage));
        two.start(getToken);
        two.pollUntil([&] { return storage->loads > 0; });
    });
}

TEST_CASE("contexts of a caller and of a client are destroyed in every order: close() waits [C18]") {
    inEveryOrder([&](TwoContexts& two) {
        FakeWix fake;
        fake.hold("token");
        two.client.emplace(clientOf(*two.home, fake));
        asio::co_spawn(*two.home, getToken(*two.client), [](std::exception_ptr) {});
        two.pollUntil([&] { return fake.waitUntilHeld("token", 1, 0ms); });
        two.start(closeClient);
        two.pollBoth();
    });
}

TEST_CASE("a caller's context that is destroyed cancels its own operations only [C18]") {
    FakeWix fake;
    fake.hold("token");
    asio::io_context home;
    const Client client = clientOf(home, fake);
    std::optional<Tokens> got;
    asio::co_spawn(home, client.generateVisitorTokens(),
                   [&](std::exception_ptr, Tokens tokens) { got.emplace(std::move(tokens)); });
    {
        asio::io_context mine;
        for (int i = 0; i < 10; ++i) asio::co_spawn(mine, client.generateVisitorTokens(), asio::detached);
        while (!fake.waitUntilHeld("token", 1, 0ms)) {
            home.restart();
            home.poll();
            mine.poll();
        }
    }
    fake.release("token");
    home.run();
    REQUIRE(got.has_value());
    CHECK_FALSE(got->accessToken.value.empty());
    CHECK(fake.state().requests.at("token") == 1);
}

TEST_CASE("a request of a caller whose context is destroyed does not reach the next caller [C18]") {
    FakeWix fake;
    asio::io_context home;
    ClientOptions options = optionsFor(fake);
    options.transport.maxConnectionsPerOrigin = 1;
    const Client client(home.get_executor(), OAuthStrategy(clientId), options);
    runOn(home, client.generateVisitorTokens());
    fake.hold("cart");
    {
        asio::io_context mine;
        asio::co_spawn(mine, client.get("/ecom/v1/carts/current"), asio::detached);
        while (!fake.waitUntilHeld("cart", 1, 0ms)) {
            home.restart();
            home.poll();
            mine.poll();
        }
    }
    fake.release("cart");
    const auto products = runOn(home, client.post("/stores-reader/v1/products/query", object()));
    CHECK(products.as_object().contains("products"));
}

TEST_CASE("threads run both contexts while calls start, finish and are cancelled, and one context is destroyed [C18]") {
    const FakeWix fake;
    for (int round = 0; round < 12; ++round) {
        const bool callerFirst = round % 2 == 0;
        auto home = std::make_unique<asio::io_context>();
        auto mine = std::make_unique<asio::io_context>();
        const Client client = clientOf(*home, fake);
        std::stop_source stop;
        CallOptions options;
        options.stopToken = stop.get_token();
        for (int i = 0; i < 40; ++i)
            asio::co_spawn(
                *mine, client.post("/stores-reader/v1/products/query", object(), i % 4 == 0 ? options : CallOptions()),
                [](std::exception_ptr, const boost::json::value&) {});
        auto work = std::make_unique<asio::executor_work_guard<asio::io_context::executor_type>>(home->get_executor());
        std::jthread runsHome([&] { home->run(); });
        std::jthread runsMine([&] { mine->run(); });
        std::jthread stopper([&] { stop.request_stop(); });
        if (callerFirst) {
            mine->stop();
            runsMine.join();
            mine.reset();
            stopper.join();
            home->stop();
            runsHome.join();
        } else {
            home->stop();
            runsHome.join();
            work.reset();
            home.reset();  // while callers initiate operations on it
            runsMine.join();
            stopper.join();
        }
    }
}

TEST_CASE("a caller on a thread pool that ends awaits a client of an io_context [C18]") {
    FakeWix fake;
    fake.hold("token");
    asio::io_context home;
    const Client client = clientOf(home, fake);
    {
        asio::thread_pool pool(2);
        for (int i = 0; i < 10; ++i) asio::co_spawn(pool, client.generateVisitorTokens(), asio::detached);
        runUntil(home, [&] { return fake.waitUntilHeld("token", 1, 0ms); });
        pool.stop();
    }
    fake.release("token");
    home.restart();
    home.run();
    CHECK(fake.state().requests.at("token") == 1);
}

TEST_CASE("a caller's context is destroyed while a file operation of its own waits [C18]") {
    const TempDirectory directory;
    const auto storage = FileTokenStorage::inDirectory(directory.path());
    for (int i = 0; i < 50; ++i) {
        asio::io_context mine;
        asio::co_spawn(mine, storage->load("a"), asio::detached);
        mine.poll();
    }
    CHECK_FALSE(run(storage->load("a")).has_value());
}

TEST_CASE("sessions are opened on a context that has been destroyed: operation_aborted [C18]") {
    const FakeWix fake;
    std::optional<VisitorSessions> sessions;
    std::optional<Transport> transport;
    {
        asio::io_context home;
        transport.emplace(home.get_executor(), optionsFor(fake).transport);
        sessions.emplace(*transport, strategyWith(std::make_shared<MemoryTokenStorage>()), optionsFor(fake));
    }
    CHECK(codeOf([&] { run(openSession(*sessions)); }) == asio::error::operation_aborted);
    CHECK(codeOf([&] { Client(*transport, OAuthStrategy(clientId), optionsFor(fake)); }) ==
          asio::error::operation_aborted);
}

TEST_CASE("an observer's queue is on a context that is destroyed while events come [C18]") {
    FakeWix fake;
    asio::io_context home;
    auto observers = std::make_unique<asio::io_context>();
    ClientOptions options = optionsFor(fake);
    options.observer = queued(std::make_shared<SecretGuard>(), observers->get_executor(), 100);
    const Client client(home.get_executor(), OAuthStrategy(clientId), options);
    std::jthread destroyer([&] { observers.reset(); });
    for (int i = 0; i < 20; ++i) runOn(home, client.post("/stores-reader/v1/products/query", object()));
    destroyer.join();
}
