// Row 55: TLS handshakes that do not come to their end.
#include "toxics/toxic_line.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A client with a session that is valid for long, so that its first call opens a connection and sends a token.
struct Newcomer {
    Newcomer() : proxy(fake.port()), options(optionsThrough(fake, proxy)) {
        strategy.tokens =
            runOn(io, Client(io.get_executor(), OAuthStrategy(clientId), optionsFor(fake)).generateVisitorTokens());
    }
    /// Of one call on a client of its own.
    Failure failureOfCall(bool posts) {
        const Client client(io.get_executor(), strategy, options);
        Failure failure =
            posts ? failureOf(io, client.post(addPath, ToxicLine::oneItem())) : failureOf(io, client.get(cartPath));
        CHECK(runOn(io, client.getTokens()) == strategy.tokens);
        return failure;
    }
    std::uint64_t cartRequests() const { return fake.state().requests.at("cart"); }

    asio::io_context io;
    testing::FakeWix fake;
    ToxicProxy proxy;
    ClientOptions options;
    OAuthStrategy strategy{clientId};
};

}  // namespace

TEST_CASE("a handshake that stalls, on either side and anywhere: its own deadline ends it [55]") {
    for (const Direction direction : {Direction::upstream, Direction::downstream}) {
        for (const std::uint64_t bytes : {0u, 1u, 100u, 600u}) {
            CAPTURE(static_cast<int>(direction));
            CAPTURE(bytes);
            if (direction == Direction::upstream && bytes > 200) continue;  // the ClientHello may be shorter
            Newcomer newcomer;
            newcomer.options.timeouts.tls = 30ms;
            newcomer.proxy.set(direction, toxicsWith([bytes](Toxics& toxics) { toxics.hold = bytes; }));
            for (const bool posts : {false, true}) {
                const Failure failure = newcomer.failureOfCall(posts);
                CHECK(failure.code == Errc::timeout);
                CHECK(has(failure.context, "TLS handshake with " + newcomer.options.apiUrl));
                CHECK_FALSE(failure.maybeSent);
            }
            CHECK(newcomer.cartRequests() == 0);
            newcomer.proxy.clear();
            newcomer.options.timeouts.tls = 5s;
            CHECK_FALSE(newcomer.failureOfCall(true).code);
            CHECK(newcomer.fake.state().visitors == 1);
        }
    }
}

TEST_CASE("an end or a reset anywhere in the handshake: a typed error, and no byte of the request is sent [55]") {
    for (const bool reset : {false, true}) {
        for (const Direction direction : {Direction::upstream, Direction::downstream}) {
            Newcomer newcomer;
            std::uint64_t bytes = 0;
            for (;; bytes += 61) {
                CAPTURE(reset);
                CAPTURE(static_cast<int>(direction));
                CAPTURE(bytes);
                REQUIRE(bytes < 10'000);
                newcomer.proxy.set(direction, reset ? resetAfter(bytes) : closeAfter(bytes));
                const Failure failure = newcomer.failureOfCall(true);
                if (!has(failure.context, "TLS handshake with ")) break;  // the handshake passed
                CHECK((failure.code == Errc::tls_failed || failure.code == Errc::connection_lost));
                CHECK_FALSE(failure.maybeSent);
                CHECK(newcomer.cartRequests() == 0);
            }
            CHECK(bytes > 200);
            newcomer.proxy.clear();
            const auto items = newcomer.fake.state().carts.empty() ? 0 : newcomer.fake.state().carts.at(0).items;
            CHECK_FALSE(newcomer.failureOfCall(true).code);
            // One more; and the POST whose answer the last toxic took away may have come to the fake only now.
            CHECK(newcomer.fake.state().carts.at(0).items > items);
            CHECK(newcomer.fake.state().visitors == 1);
        }
    }
}

TEST_CASE("a handshake in single bytes, late and with jitter, succeeds [55]") {
    Newcomer newcomer;
    const auto toxics = toxicsWith([](Toxics& t) {
        t.sliceSize = 1;
        t.latency = 5ms;
        t.jitter = 5ms;
    });
    newcomer.proxy.set(Direction::upstream, toxics);
    newcomer.proxy.set(Direction::downstream, toxics);
    CHECK_FALSE(newcomer.failureOfCall(true).code);
    CHECK(newcomer.proxy.counts().accepted() == 1);
}
