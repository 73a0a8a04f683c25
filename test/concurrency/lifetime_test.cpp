// Who may die when: contexts, clients, handles, waiters. Interesting under ASan, with its leak check.
#include <doctest/doctest.h>

#include <boost/asio/strand.hpp>

#include <thread>
#include <vector>

#include "support/fake_client.hpp"
#include "support/held.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

asio::awaitable<void> waitForToken(Client client) { co_await client.generateVisitorTokens(); }
asio::awaitable<void> waitForCart(Client client) { co_await client.get("/ecom/v1/carts/current"); }

void startWaiters(asio::io_context& io, const Client& client, int count) {
    for (int i = 0; i < count; ++i) {
        asio::co_spawn(io, waitForToken(client), [](std::exception_ptr) {});
        asio::co_spawn(io, waitForCart(client), [](std::exception_ptr) {});
    }
}

}  // namespace

TEST_CASE("an io_context is destroyed with waiters in flight") {
    FakeWix fake;
    fake.hold("token");
    SUBCASE("the client dies first") {
        asio::io_context io;
        const Client client = clientOf(io, fake);
        startWaiters(io, client, 100);
        runUntilHeld(io, fake, "token");
    }
    SUBCASE("the client dies last") {
        std::optional<Client> client;
        {
            asio::io_context io;
            client.emplace(clientOf(io, fake));
            startWaiters(io, *client, 100);
            runUntilHeld(io, fake, "token");
        }
    }
    SUBCASE("before anything has run") {
        asio::io_context io;
        const Client client = clientOf(io, fake);
        startWaiters(io, client, 10);
    }
}

TEST_CASE("an io_context is destroyed with calls on the wire and in line for a connection") {
    FakeWix fake;
    std::optional<Client> client;
    {
        asio::io_context io;
        ClientOptions options = optionsFor(fake);
        options.transport.maxConnectionsPerOrigin = 4;
        client.emplace(io.get_executor(), OAuthStrategy(clientId), options);
        runOn(io, client->generateVisitorTokens());
        fake.hold("cart");
        startWaiters(io, *client, 50);
        io.restart();
        runUntilHeld(io, fake, "cart", 4);
        SUBCASE("stopped first") { io.stop(); }
        SUBCASE("running still") {}
    }
}

TEST_CASE("handles are dropped, and used, on one thread while another destroys the context") {
    const FakeWix fake;
    for (int round = 0; round < 20; ++round) {
        auto io = std::make_unique<asio::io_context>();
        std::vector<Client> clients;
        const Transport transport(io->get_executor(), optionsFor(fake).transport);
        for (int i = 0; i < 20; ++i) clients.emplace_back(transport, OAuthStrategy(clientId), optionsFor(fake));
        const Client kept = clients.front();
        std::jthread dropper([&] { clients.clear(); });
        io.reset();
        dropper.join();
        asio::io_context other;
        CHECK(codeOf([&] { runOn(other, kept.getTokens()); }) == asio::error::operation_aborted);
        CHECK(codeOf([&] { runOn(other, kept.get("/ecom/v1/carts/current")); }) == asio::error::operation_aborted);
        runOn(other, transport.close());
    }
}

TEST_CASE("a client and its arguments may be gone before its operation starts") {
    FakeWix fake;
    asio::io_context io;
    std::optional<asio::awaitable<boost::json::value>> call;
    {
        std::string path = "/stores-reader/v1/products/query";
        boost::json::value body = boost::json::object();
        const Client client = clientOf(io, fake);
        call.emplace(client.post(path, body));
        path.assign(path.size(), 'x');
    }
    CHECK(runOn(io, std::move(*call)).as_object().contains("products"));
}

TEST_CASE("an operation that never starts costs nothing") {
    FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    { const auto dropped = client.generateVisitorTokens(); }
    CHECK(io.run() == 0);
    CHECK(fake.state().totalConnections == 0);
}

TEST_CASE("more callers than connections: each is served in its turn") {
    FakeWix fake;
    asio::io_context io;
    ClientOptions options = optionsFor(fake);
    options.transport.maxConnectionsPerOrigin = 2;
    const Client client(io.get_executor(), OAuthStrategy(clientId), options);
    int served = 0;
    for (int i = 0; i < 200; ++i)
        asio::co_spawn(io, client.post("/stores-reader/v1/products/query", boost::json::object()),
                       [&](std::exception_ptr failed, const boost::json::value&) { served += failed ? 0 : 1; });
    io.run();
    CHECK(served == 200);
    CHECK(fake.state().totalConnections == 2);
}

TEST_CASE("close() ends the waiters at once and later operations too") {
    FakeWix fake;
    fake.hold("token");
    asio::io_context io;
    const auto storage = std::make_shared<MemoryTokenStorage>();
    const Client client = clientOf(io, fake, storage);
    int aborted = 0;
    for (int i = 0; i < 10; ++i)
        asio::co_spawn(io, waitForToken(client), [&](std::exception_ptr failed) {
            aborted += codeOf([&] { std::rethrow_exception(failed); }) == asio::error::operation_aborted;
        });
    runUntilHeld(io, fake, "token");
    bool closed = false;
    asio::co_spawn(io, client.close(), [&](std::exception_ptr) { closed = true; });
    runUntil(io, [&] { return aborted == 10; });
    CHECK_FALSE(closed);  // the request has left: its answer is awaited and saved
    fake.release("token");
    io.run();
    CHECK(closed);
    CHECK(runOn(io, storage->load(clientId)));
    CHECK(codeOf([&] { runOn(io, client.get("/ecom/v1/carts/current")); }) == asio::error::operation_aborted);
    CHECK(codeOf([&] { runOn(io, client.getTokens()); }) == asio::error::operation_aborted);
}

TEST_CASE("dropping the last handle stores the result of an exchange that has left") {
    FakeWix fake;
    const auto storage = std::make_shared<MemoryTokenStorage>();
    asio::io_context io;
    fake.hold("token");
    {
        const Client client = clientOf(io, fake, storage);
        std::stop_source source;
        CallOptions options;
        options.stopToken = source.get_token();
        asio::co_spawn(io, client.get("/ecom/v1/carts/current", options),
                       [](std::exception_ptr, boost::json::value) {});
        runUntilHeld(io, fake, "token");
        source.request_stop();
    }
    fake.release("token");
    io.run();
    CHECK(runOn(io, storage->load(clientId)));
}

TEST_CASE("a client on a strand outlives its io_context") {
    FakeWix fake;
    std::optional<Client> client;
    {
        asio::io_context io;
        client.emplace(asio::make_strand(io), OAuthStrategy(clientId), optionsFor(fake));
        CHECK(runOn(io, client->post("/stores-reader/v1/products/query", boost::json::object())).is_object());
    }
    client.reset();
}

TEST_CASE("Transport::close() ends what is in flight, of all clients") {
    FakeWix fake;
    asio::io_context io;
    ClientOptions options = optionsFor(fake);
    const Transport transport(io.get_executor(), options.transport);
    const Client one(transport, OAuthStrategy(clientId), options), two(transport, OAuthStrategy(clientId), options);
    runOn(io, one.generateVisitorTokens());
    runOn(io, two.generateVisitorTokens());
    CHECK(transport.openConnections() == 1);  // one after the other, over the same connection
    fake.hold("cart");
    int aborted = 0;
    for (const Client& client : {one, two})
        asio::co_spawn(io, waitForCart(client), [&](std::exception_ptr failed) {
            aborted += codeOf([&] { std::rethrow_exception(failed); }) == asio::error::operation_aborted;
        });
    io.restart();
    runUntilHeld(io, fake, "cart", 2);
    runOn(io, transport.close());
    CHECK(aborted == 2);
    CHECK(transport.openConnections() == 0);
    CHECK(codeOf([&] { runOn(io, one.get("/ecom/v1/carts/current")); }) == asio::error::operation_aborted);
}
