// Row 93: fork() with open connections, and with a token exchange on its way.
#include "integration/failures.hpp"

#include <boost/asio/co_spawn.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "support/in_child.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

template <class T>
bool refused(asio::awaitable<T> operation) {
    asio::io_context io;
    return codeOf([&] { runOn(io, std::move(operation)); }) == Errc::used_after_fork;
}

/// What the parent has, to be used and dropped by both.
struct Parent {
    /// A host name would have Asio start a thread for it, which is missed when the child destroys the context; see the
    /// case with notify_fork().
    explicit Parent(const testing::FakeWix& to, const std::string& host = "127.0.0.1")
        : fake(to), io(std::make_unique<asio::io_context>()) {
        ClientOptions options = optionsFor(fake);
        options.apiUrl = "https://" + host + ":" + std::to_string(fake.port());
        transport.emplace(io->get_executor(), options.transport);
        client.emplace(*transport, OAuthStrategy(clientId), options);
        runOn(*io, client->generateVisitorTokens());
    }
    int call() { return runOn(*io, client->fetch(Request("GET", cartPath))).status(); }
    void dropHandles() {
        client.reset();
        transport.reset();
    }
    const testing::FakeWix& fake;
    std::unique_ptr<asio::io_context> io;
    std::optional<Transport> transport;
    std::optional<Client> client;
};

/// The number of the first operation that the child was not refused; 0 if all were.
int firstNotRefused(const Client& client, const Transport& transport) {
    const Tokens tokens(AccessToken("a", {}), RefreshToken("r", TokenRole::visitor));
    int number = 0;
    for (const bool was :
         {refused(client.generateVisitorTokens()), refused(client.generateVisitorTokens(tokens)),
          refused(client.renewToken()), refused(client.renewToken(tokens.refreshToken)), refused(client.getTokens()),
          refused(client.setTokens(tokens)), refused(client.loggedIn()), refused(client.fetch(Request("GET", "/x"))),
          refused(client.get("/x")), refused(client.post("/x")), refused(client.post("/x", object())),
          refused(client.put("/x", object())), refused(client.patch("/x", object())), refused(client.del("/x")),
          refused(client.graphql("{a}")), refused(client.close()), refused(transport.close()),
          transport.openConnections() == 0,
          refusalOf([&] { Client(transport, OAuthStrategy(clientId)); }).code == Errc::used_after_fork}) {
        ++number;
        if (!was) return number;
    }
    return 0;
}

}  // namespace

TEST_CASE("in the child the parent's client is refused, a new one works, and the parent's pool is unharmed [93]") {
    testing::FakeWix fake;
    Parent parent(fake);
    CHECK(parent.call() == 404);
    const auto connections = fake.state().totalConnections;
    CHECK(inChild([&] { return firstNotRefused(*parent.client, *parent.transport); }) == 0);
    CHECK(fake.state().totalConnections == connections);
    const auto newClientWorks = [&] {
        asio::io_context io;
        return runOn(io, clientOf(io, fake).fetch(Request("GET", cartPath))).status() == 404 ? 0 : 1;
    };
    CHECK(inChild(newClientWorks) == 0);
    CHECK(fake.state().totalConnections == connections + 1);
    CHECK(fake.state().visitors == 2);
    CHECK(parent.call() == 404);
    CHECK(fake.state().totalConnections == connections + 1);
}

TEST_CASE("the child drops what it has of the parent's: the parent's connection and requests go on [93]") {
    testing::FakeWix fake;
    Parent parent(fake);
    CHECK(parent.call() == 404);
    const auto connections = fake.state().totalConnections;
    const auto handlesFirst = [&] {
        parent.dropHandles();
        parent.io.reset();
        return 0;
    };
    const auto contextFirst = [&] {
        parent.io.reset();
        parent.dropHandles();
        return 0;
    };
    CHECK(inChild(handlesFirst) == 0);
    CHECK(parent.call() == 404);
    CHECK(inChild(contextFirst) == 0);
    CHECK(parent.call() == 404);

    // The same with a request on its way: its answer comes over a socket that the child has closed for itself.
    for (const bool handles : {true, false}) {
        fake.hold("cart");
        std::optional<int> status;
        asio::co_spawn(*parent.io, parent.client->fetch(Request("GET", cartPath)),
                       [&](std::exception_ptr error, Response response) { status = error ? -1 : response.status(); });
        runUntil(*parent.io, [&] { return fake.waitUntilHeld("cart", 1, 0ms); });
        CHECK((handles ? inChild(handlesFirst) : inChild(contextFirst)) == 0);
        CHECK_FALSE(status);
        fake.release("cart");
        runUntil(*parent.io, [&] { return status.has_value(); });
        CHECK(status == 404);
    }
    CHECK(fake.state().totalConnections == connections);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a token exchange is on its way: it is the parent's, and the child has none [93]") {
    testing::FakeWix fake;
    Parent parent(fake);
    fake.setRotation(testing::Rotation(true, 0s, true));
    fake.hold("token", testing::HoldPoint::beforeReply);
    std::optional<Tokens> renewed;
    asio::co_spawn(*parent.io, parent.client->renewToken(), [&](std::exception_ptr error, Tokens tokens) {
        if (!error) renewed = std::move(tokens);
    });
    runUntil(*parent.io, [&] { return fake.waitUntilHeld("token", 1, 0ms); });
    CHECK(inChild([&] { return firstNotRefused(*parent.client, *parent.transport); }) == 0);
    const auto dropAll = [&] {
        parent.dropHandles();
        parent.io.reset();
        return 0;
    };
    CHECK(inChild(dropAll) == 0);
    fake.release("token");
    runUntil(*parent.io, [&] { return renewed.has_value(); });
    CHECK(runOn(*parent.io, parent.client->getTokens()) == *renewed);
    CHECK(parent.call() == 404);
    CHECK(fake.state().requests["token"] == 2);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("in the child the parent's VisitorSessions are refused, and may be dropped [93]") {
    testing::FakeWix fake;
    Parent parent(fake);
    OAuthStrategy strategy(clientId);
    strategy.storage = std::make_shared<MemoryTokenStorage>();
    std::optional<VisitorSessions> sessions(std::in_place, *parent.transport, strategy, optionsFor(fake));
    const auto visit = [](VisitorSessions in) -> asio::awaitable<void> {
        const Client client = co_await in.open("anna");
        co_await client.generateVisitorTokens();
    };
    runOn(*parent.io, visit(*sessions));
    const auto allRefused = [&] {
        if (!refused(visit(*sessions))) return 1;
        if (!refused(sessions->close())) return 2;
        if (sessions->statistics().sessions != 0) return 3;
        if (refusalOf([&] { VisitorSessions(*parent.transport, strategy); }).code != Errc::used_after_fork) return 4;
        sessions.reset();
        return 0;
    };
    CHECK(inChild(allRefused) == 0);
    runOn(*parent.io, visit(*sessions));
    CHECK(sessions->statistics().found == 1);
    CHECK(fake.state().visitors == 2);  // the parent's own client, and this one
}

TEST_CASE("a fork of which the io_context is told, as Asio wants it [93]") {
    testing::FakeWix fake;
    Parent parent(fake, "localhost");
    CHECK(parent.call() == 404);
    const auto connections = fake.state().totalConnections;
    parent.io->notify_fork(asio::execution_context::fork_prepare);
    const auto refusedAndDropped = [&] {
        parent.io->notify_fork(asio::execution_context::fork_child);
        const int result = firstNotRefused(*parent.client, *parent.transport);
        parent.dropHandles();
        parent.io.reset();
        return result;
    };
    CHECK(inChild(refusedAndDropped) == 0);
    parent.io->notify_fork(asio::execution_context::fork_parent);
    CHECK(parent.call() == 404);
    CHECK(fake.state().totalConnections == connections);
}

TEST_CASE("a child's client is the child's: its own child is refused [93]") {
    testing::FakeWix fake;
    const auto nested = [&] {
        Parent own(fake);
        if (own.call() != 404) return 1;
        const pid_t child = ::fork();
        if (child == 0) ::_exit(firstNotRefused(*own.client, *own.transport) == 0 ? 0 : 2);
        int status = 0;
        if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 3;
        if (WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
        return own.call() == 404 ? 0 : 4;
    };
    CHECK(inChild(nested) == 0);
}
