// Connections over sockets: limits, lines, ages, and the end.
#include "integration/failures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "http/http_transport.hpp"
#include "support/bare_transport.hpp"
#include "support/counts.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A Transport that several visitors share.
struct Shared {
    explicit Shared(TransportOptions options = TransportOptions()) {
        options.tls.caPem = fake.caPem();
        transport.emplace(io.get_executor(), options);
        strategy = OAuthStrategy(clientId);
        strategy.tokens = runOn(io, client().generateVisitorTokens());
    }
    Client client(std::optional<ClientOptions> options = std::nullopt) {
        return Client(*transport, strategy, options.value_or(optionsFor(fake)));
    }
    void start(int calls, Counts& counts) {
        for (int i = 0; i < calls; ++i)
            asio::co_spawn(io, client().post(queryPath, object()),
                           [&](std::exception_ptr error, const boost::json::value&) { counts.count(error); });
    }
    testing::FakeWix fake;
    asio::io_context io;
    std::optional<Transport> transport;
    OAuthStrategy strategy;
};

}  // namespace

TEST_CASE("no more connections than allowed; who waits in line is served") {
    TransportOptions options;
    SUBCASE("to one origin") { options.maxConnectionsPerOrigin = 3; }
    SUBCASE("in all") { options.maxConnections = 3; }
    Shared shared(options);
    Counts counts;
    shared.start(100, counts);
    shared.io.restart();
    shared.io.run();
    CHECK(counts.ok == 100);
    CHECK(shared.fake.state().totalConnections == 3);
    CHECK(shared.transport->openConnections() == 3);
}

TEST_CASE("two origins share the total: an idle connection to the one makes way for the other") {
    testing::FakeWix other;
    TransportOptions limits;
    limits.maxConnections = 1;
    Shared shared(limits);
    CHECK(runOn(shared.io, shared.client().post(queryPath, object())).is_object());
    CHECK(shared.transport->openConnections() == 1);
    ClientOptions elsewhere = optionsFor(other);
    // It does not trust the other one: what matters is that a connection was made at all.
    CHECK(failureOf(shared.io, shared.client(elsewhere).post(queryPath, object())).code == Errc::certificate_untrusted);
    CHECK(shared.transport->openConnections() == 0);
    CHECK(runOn(shared.io, shared.client().post(queryPath, object())).is_object());
}

TEST_CASE("only so many stay idle") {
    TransportOptions options;
    options.maxIdlePerOrigin = 2;
    Shared shared(options);
    Counts counts;
    shared.fake.hold("products");
    shared.start(5, counts);
    std::jthread controller([&] {
        shared.fake.waitUntilHeld("products", 5, 30s);
        shared.fake.release("products");
    });
    shared.io.restart();
    shared.io.run();
    CHECK(counts.ok == 5);
    CHECK(shared.transport->openConnections() == 2);
}

TEST_CASE("who leaves the line, or comes too late, costs the others nothing") {
    TransportOptions options;
    options.maxConnectionsPerOrigin = 1;
    Shared shared(options);
    shared.fake.hold("products");
    Counts patient, cancelled, late;
    shared.start(1, patient);
    std::stop_source stop;
    CallOptions leaves, hurries;
    leaves.stopToken = stop.get_token();
    hurries.timeout = 20ms;
    for (int i = 0; i < 50; ++i) {
        asio::co_spawn(shared.io, shared.client().post(queryPath, object(), leaves),
                       [&](std::exception_ptr error, const boost::json::value&) { cancelled.count(error); });
        asio::co_spawn(shared.io, shared.client().post(queryPath, object(), hurries),
                       [&](std::exception_ptr error, const boost::json::value&) { late.count(error); });
    }
    shared.start(5, patient);
    shared.io.restart();
    runUntil(shared.io, [&] { return late.all() == 50; });
    stop.request_stop();
    runUntil(shared.io, [&] { return cancelled.all() == 50; });
    shared.fake.release("products");
    shared.io.restart();
    shared.io.run();
    CHECK(late.failed == 50);
    CHECK(cancelled.aborted == 50);
    CHECK(patient.ok == 6);
    CHECK(shared.fake.state().requests.at("products") == 6);
    CHECK(shared.fake.state().totalConnections == 1);
}

TEST_CASE("closing with a drain lets requests in flight end, and refuses others at once") {
    Shared shared;
    Counts inFlight, refused;
    shared.fake.hold("products");
    shared.start(3, inFlight);
    shared.io.restart();
    runUntil(shared.io, [&] { return shared.fake.state().requests["products"] == 3; });
    bool closed = false;
    SUBCASE("in time") {
        asio::co_spawn(shared.io, shared.transport->close(30s), [&](std::exception_ptr error) {
            CHECK_FALSE(error);
            closed = true;
        });
        shared.start(2, refused);
        runUntil(shared.io, [&] { return refused.all() == 2; });
        CHECK(refused.aborted == 2);
        CHECK_FALSE(closed);
        shared.fake.release("products");
        shared.io.restart();
        shared.io.run();
        CHECK(inFlight.ok == 3);
    }
    SUBCASE("too late") {
        asio::co_spawn(shared.io, shared.transport->close(10ms), [&](std::exception_ptr error) {
            CHECK_FALSE(error);
            closed = true;
        });
        shared.io.restart();
        shared.io.run();
        CHECK(inFlight.aborted == 3);
    }
    CHECK(closed);
    CHECK(shared.transport->openConnections() == 0);
    CHECK_THROWS_AS(runOn(shared.io, shared.transport->close(-1ms)), Error);
}

TEST_CASE("a transport with nothing in flight is drained at once, and twice is nothing") {
    Shared shared;
    runOn(shared.io, shared.transport->close(1h));
    runOn(shared.io, shared.transport->close(1h));
    runOn(shared.io, shared.transport->close());
    CHECK(shared.transport->openConnections() == 0);
}

TEST_CASE("a drain keeps nothing, and after the end of the context there is nothing to drain") {
    testing::FakeWix fake;
    std::weak_ptr<detail::HttpTransport> gone;
    TransportOptions options;
    options.tls.caPem = fake.caPem();
    asio::io_context io;
    {
        const auto transport =
            std::make_shared<detail::HttpTransport>(io.get_executor(), options, *detail::makeTlsContext(options.tls));
        gone = transport;
        runOn(io, detail::HttpTransport::drain(transport, detail::WaitLimits()));
    }
    CHECK(gone.expired());
    std::optional<asio::io_context> ends(std::in_place);
    const Transport transport(ends->get_executor(), options);
    ends.reset();
    runOn(io, transport.close(1s));
    runOn(io, transport.close());
}

TEST_CASE("a connection on which a request was misdirected is not used again") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.failNext("cart", 1, testing::ScriptedReply(421));
    CHECK(visitor.failing(visitor.client.post(addPath, object())).code == Errc::api_error);
    CHECK(fake.state().totalConnections == 2);
    CHECK(fake.state().requests.at("cart") == 2);  // 421 means: not processed
}

// UndefinedBehaviorSanitizer, which is built in with this one, needs descriptors of its own to look at an object.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("without descriptors a call fails with a typed error, and later ones work [94]") {
    testing::FakeWix fake;
    TransportOptions options;
    options.tls.caPem = fake.caPem();
    BareTransport bare(detail::systemLookup, options);
    bare.host = "127.0.0.1";
    bare.port = fake.port();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int next = ::dup(0);
    ::close(next);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto failed = bare.send(bare.request("GET", true));
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(failed.has_error());
    CHECK(failed.error().code == Errc::connection_lost);
    CHECK_FALSE(failed.error().maybeSent);
    CHECK(bare.transport->openConnections() == 0);
    CHECK(bare.send(bare.request("GET", true)).has_value());
}
#endif
