// While a token is waited for, the connection to another API host is opened: two origins, and all that can go wrong.
#include "integration/failures.hpp"

#include <array>
#include <thread>

#include "support/bare_transport.hpp"
#include "support/counts.hpp"
#include "support/toxic_proxy.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// A visitor without tokens whose calls go to an edge host. Token requests are held.
struct TwoHosts {
    TwoHosts() : edge(fake.port()), options(optionsFor(fake)) {
        leadTo("https://127.0.0.1:" + std::to_string(edge.port()));
        options.useCDN = true;
        options.retry.maxAttempts = 1;
        options.timeouts.connect = options.timeouts.tls = 2min;  // whoever waits for these is found out
        fake.hold("token");
    }
    void leadTo(std::string url) { options.edgeUrl = std::move(url); }
    Client client() { return Client(io.get_executor(), OAuthStrategy(clientId), options); }
    void start(const Client& client, std::stop_token stop = std::stop_token()) {
        CallOptions call;
        call.stopToken = std::move(stop);
        asio::co_spawn(io, client.post(queryPath, object(), call),
                       [this](std::exception_ptr error, const boost::json::value&) { ended.count(error); });
    }
    /// Until the client has said the last word of so many handshakes with the edge host, and is ready for requests.
    void untilOpen(std::size_t connections) {
        const auto isSo = [this, connections] {
            const ProxyCounts counts = edge.counts();
            return counts.accepted() == connections && counts.connections.back().flights == 2;
        };
        runUntil(io, isSo);
        io.poll();  // to the end of what follows from that
    }
    void finish() {
        io.restart();
        io.run();
    }

    testing::FakeWix fake;
    ToxicProxy edge;
    ClientOptions options;
    asio::io_context io;
    Counts ended;
};

/// An edge host that accepts and says nothing.
struct SilentEdge : TwoHosts {
    SilentEdge() { leadTo(listener.url()); }
    void untilAsked() {
        listener.acceptor().non_blocking(true);
        runUntil(io, [this] {
            boost::system::error_code error;
            peer.emplace(listener.acceptor().accept(error));
            return !error;
        });
    }
    /// Nothing is left to do, long before a phase is over.
    void finishSoon() {
        const auto began = std::chrono::steady_clock::now();
        finish();
        CHECK(std::chrono::steady_clock::now() - began < 1min);
    }

    SilentListener listener;
    std::optional<tcp::socket> peer;
};

}  // namespace

TEST_CASE("while a visitor's first token is fetched the connection to another API host is opened, and then used") {
    TwoHosts two;
    two.start(two.client());
    two.untilOpen(1);
    CHECK(two.ended.all() == 0);
    CHECK(two.fake.state().requests["products"] == 0);
    two.fake.release("token");
    two.finish();
    CHECK(two.ended.ok == 1);
    CHECK(two.edge.counts().accepted() == 1);
}

TEST_CASE("many callers who wait for one token open one connection ahead") {
    TwoHosts two;
    const Client client = two.client();
    for (int i = 0; i < 20; ++i) two.start(client);
    two.untilOpen(1);
    two.fake.release("token");
    two.finish();
    CHECK(two.ended.ok == 20);
    CHECK(two.fake.state().visitors == 1);
}

TEST_CASE("an idle connection that has died is not counted on: another one is opened ahead") {
    TwoHosts two;
    const Client client = two.client();
    two.fake.release("token");
    two.start(client);
    two.finish();
    CHECK(two.ended.ok == 1);
    const std::size_t before = two.edge.counts().accepted();
    two.edge.closeAll();
    two.fake.hold("token");
    runOn(two.io, client.setTokens(Tokens()));
    two.start(client);
    two.untilOpen(before + 1);
    two.fake.release("token");
    two.finish();
    CHECK(two.ended.ok == 2);
    CHECK(two.edge.counts().accepted() == before + 1);
}

TEST_CASE("an edge host that fails costs no token: the call itself tries, and is told") {
    TwoHosts two;
    const Client client = two.client();
    SUBCASE("once") {
        Toxics cut;
        cut.resetPeer = 0;
        two.edge.set(1, Direction::downstream, cut);
        two.start(client);
        runUntil(two.io, [&] { return two.edge.counts().accepted() == 1 && two.edge.counts().open() == 0; });
        two.fake.release("token");
        two.finish();
        CHECK(two.ended.ok == 1);
        CHECK(two.edge.counts().accepted() == 2);
    }
    SUBCASE("for good") {
        two.fake.release("token");
        two.leadTo("https://127.0.0.1:1");
        const Client other = two.client();
        CHECK(failureOf(two.io, other.post(queryPath, object())).code == Errc::connection_refused);
        CHECK_FALSE(runOn(two.io, other.getTokens()).accessToken.value.empty());
    }
    CHECK(two.fake.state().requests["token"] == 1);
}

TEST_CASE("when the only caller leaves, what was being opened for it ends") {
    SilentEdge two;
    std::string asked;
    SUBCASE("directly") {}
    SUBCASE("through a proxy") {
        two.options.transport.proxy.host = "127.0.0.1";
        two.options.transport.proxy.port = two.listener.port();
        two.options.transport.proxy.noProxy.push_back("localhost:" + std::to_string(two.fake.port()));
        two.leadTo("https://edge.example");
        asked = "CONNECT edge.example:443 HTTP/1.1\r\n";
    }
    std::stop_source stop;
    two.start(two.client(), stop.get_token());
    two.untilAsked();
    if (!asked.empty()) {
        std::array<char, 256> head{};
        std::size_t size = 0;
        two.peer->non_blocking(true);
        runUntil(two.io, [&] {
            boost::system::error_code error;
            size = two.peer->read_some(asio::buffer(head), error);
            return size > 0;
        });
        CHECK(std::string_view(head.data(), size).starts_with(asked));
    }
    stop.request_stop();
    runUntil(two.io, [&] { return two.ended.all() == 1; });
    two.fake.release("token");
    two.finishSoon();
    CHECK(two.ended.aborted == 1);
}

TEST_CASE("when one of two callers leaves, the connection is still for the other") {
    TwoHosts two;
    Toxics barrier;
    barrier.hold = 0;
    two.edge.set(Direction::upstream, barrier);
    const Client client = two.client();
    std::stop_source stop;
    two.start(client, stop.get_token());
    runUntil(two.io, [&] { return two.edge.counts().held(Direction::upstream) == 1; });
    two.start(client);
    two.io.poll();
    stop.request_stop();
    runUntil(two.io, [&] { return two.ended.all() == 1; });
    CHECK(two.ended.aborted == 1);
    two.edge.release(Direction::upstream);
    two.untilOpen(1);
    two.fake.release("token");
    two.finish();
    CHECK(two.ended.ok == 1);
    CHECK(two.edge.counts().accepted() == 1);
}

TEST_CASE("a token that cannot be had ends what was being opened") {
    SilentEdge two;
    two.fake.failNext("token", 100, testing::ScriptedReply(503));
    two.start(two.client());
    two.untilAsked();
    two.fake.release("token");
    two.finishSoon();
    CHECK(two.ended.failed == 1);
}

TEST_CASE("a close ends what is being opened") {
    SilentEdge two;
    const Client client = two.client();
    two.start(client);
    two.untilAsked();
    asio::co_spawn(two.io, client.close(), [](std::exception_ptr error) { CHECK_FALSE(error); });
    runUntil(two.io, [&] { return two.ended.all() == 1; });
    two.fake.release("token");
    two.finishSoon();
    CHECK(two.ended.aborted == 1);
}

TEST_CASE("the io_context may end while a connection is being opened ahead") {
    SilentListener listener;
    testing::FakeWix fake;
    fake.hold("token");
    ClientOptions options = optionsFor(fake);
    options.edgeUrl = listener.url();
    options.useCDN = true;
    std::optional<Client> survivor;
    {
        asio::io_context io;
        survivor.emplace(io.get_executor(), OAuthStrategy(clientId), options);
        asio::co_spawn(io, survivor->post(queryPath, object()), [](std::exception_ptr, const boost::json::value&) {});
        runUntil(io, [&] {
            boost::system::error_code error;
            listener.acceptor().non_blocking(true);
            listener.acceptor().accept(error);
            return !error;
        });
    }
    survivor.reset();
}

TEST_CASE("whoever needs a connection soon shares one opening with the others, and without them it ends") {
    testing::FakeWix fake;
    TransportOptions options;
    options.tls.caPem = fake.caPem();
    BareTransport bare(detail::systemLookup, options);
    bare.host = "localhost";
    bare.port = fake.port();
    const detail::WireRequest request = bare.request("GET", true);
    std::shared_ptr<void> one = bare.transport->openAhead(request);
    CHECK(one);
    CHECK(bare.transport->openAhead(request) == one);
    CHECK(bare.transport->openConnections() == 1);
    SUBCASE("needed") {
        bare.io.run();
        CHECK_FALSE(bare.transport->openAhead(request));  // there is one
        for (int i = 0; i < 3; ++i) CHECK(bare.send(request).has_value());
        CHECK(fake.state().totalConnections == 1);
        CHECK(bare.transport->openConnections() == 1);
    }
    SUBCASE("needed no longer") {
        one.reset();
        bare.io.run();
        CHECK(bare.transport->openConnections() == 0);
        one = bare.transport->openAhead(request);  // the next one may try
        CHECK(one);
        bare.io.restart();
        bare.io.run();
        CHECK(bare.transport->openConnections() == 1);
    }
    SUBCASE("closed") {
        bare.transport->close();
        bare.io.run();
        CHECK(bare.transport->openConnections() == 0);
        CHECK_FALSE(bare.transport->openAhead(request));
    }
}
