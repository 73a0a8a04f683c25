// Faults below HTTP: one Errc each, the phase named, the session untouched.
#include "integration/failures.hpp"

#include <cerrno>
#include <chrono>
#include <vector>

#include <sys/socket.h>

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// A session that is valid for long, at a server that is not there.
Tokens someTokens() {
    const auto later = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now() + 2h);
    return Tokens(AccessToken("OauthNG.JWS.some", later), RefreshToken("IST.some", TokenRole::visitor));
}

ClientOptions optionsAt(const std::string& url) {
    ClientOptions options;
    options.apiUrl = options.edgeUrl = url;
    options.allowPlainHttpToLoopback = true;
    options.retry.maxAttempts = 2;
    options.retry.firstDelay = options.retry.maxDelay = 1ms;
    const testing::FakeWix fake;  // for any authority: the system's store may be empty
    options.transport.tls.caPem = fake.caPem();
    return options;
}

/// What a call with valid tokens, and a visitor's first call, fail with at `url`. The session stays what it was.
Failure failureAt(ClientOptions options) {
    asio::io_context io;
    OAuthStrategy strategy(clientId);
    strategy.tokens = someTokens();
    const Client client(io.get_executor(), strategy, options);
    Failure failure = failureOf(io, client.get(cartPath));
    CHECK(runOn(io, client.getTokens()) == strategy.tokens);
    CHECK_FALSE(failure.maybeSent);
    CHECK(failure.requestId.empty());

    const Client newcomer(io.get_executor(), OAuthStrategy(clientId), options);
    CHECK(failureOf(io, newcomer.get(cartPath)).code == failure.code);  // of the token request
    CHECK(runOn(io, newcomer.getTokens()).empty());
    return failure;
}

/// A port of loopback that is taken, and where nobody listens.
class RefusedPort {
public:
    RefusedPort() : socket_(io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
    std::string url() const { return "https://127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

private:
    asio::io_context io_;
    asio::ip::tcp::socket socket_;
};

}  // namespace

TEST_CASE("a host that does not exist") {
    const Failure failure = failureAt(optionsAt("https://no-such-host.invalid"));
    // On a machine whose resolver does not answer, its deadline passes instead.
    CHECK((failure.code == Errc::name_not_found || failure.code == Errc::timeout));
    CHECK(has(failure.context, "GET https://no-such-host.invalid" + cartPath));
    CHECK(has(failure.context, "resolving the host of https://no-such-host.invalid"));
}

TEST_CASE("a port where nobody listens") {
    const RefusedPort port;
    const Failure failure = failureAt(optionsAt(port.url()));
    CHECK(failure.code == Errc::connection_refused);
    CHECK(has(failure.context, "connecting to " + port.url()));
}

TEST_CASE("an address without a route") {
    // TCP to the broadcast address is refused by the kernel itself, on any machine.
    const Failure failure = failureAt(optionsAt("https://255.255.255.255"));
    CHECK(failure.code == Errc::network_unreachable);
    CHECK(has(failure.context, "connecting to https://255.255.255.255"));
}

TEST_CASE("a name with several addresses: the next one is tried") {
    const testing::FakeWix fake;  // listens on 127.0.0.1 alone; `localhost` may be ::1 first
    Visitor visitor(fake);
    CHECK(visitor.failingGet().code == Errc::api_error);
}

TEST_CASE("a server that accepts and says nothing: the handshake has a deadline") {
    const SilentListener silent;
    ClientOptions options = optionsAt(silent.url());
    options.timeouts.tls = 20ms;
    const Failure failure = failureAt(options);
    CHECK(failure.code == Errc::timeout);
    CHECK(has(failure.context, "TLS handshake with " + silent.url()));
}

TEST_CASE("a listener whose queue is full: connecting has a deadline") {
    SilentListener full;
    full.acceptor().listen(0);
    asio::io_context io;
    std::vector<asio::ip::tcp::socket> fillers;
    for (int i = 0; i < 8; ++i) {  // the queue holds one or two; the rest stay half open
        fillers.emplace_back(io);
        fillers.back().open(asio::ip::tcp::v4());
        fillers.back().native_non_blocking(true);
        const auto to = full.acceptor().local_endpoint();
        CHECK((::connect(fillers.back().native_handle(), to.data(), static_cast<socklen_t>(to.size())) == 0 ||
               errno == EINPROGRESS));
    }
    ClientOptions options = optionsAt(full.url("http"));
    options.timeouts.connect = 20ms;
    const Failure failure = failureAt(options);
    CHECK(failure.code == Errc::timeout);
    CHECK(has(failure.context, "connecting to " + full.url("http")));
}

TEST_CASE("no first byte of an answer") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.timeouts.firstByte = 2000ms;  // above: the token request has to pass
    options.retry.maxAttempts = 1;
    Visitor visitor(fake, options);
    options.timeouts.firstByte = 20ms;
    OAuthStrategy strategy(clientId);
    strategy.tokens = runOn(visitor.io, visitor.client.getTokens());
    const Client hasty(visitor.io.get_executor(), strategy, options);
    fake.hold("cart");
    const Failure failure = failureOf(visitor.io, hasty.get(cartPath));
    CHECK(failure.code == Errc::timeout);
    CHECK(has(failure.context, "GET " + fake.url() + cartPath + ", waiting for the answer"));
    CHECK(failure.maybeSent);
    const Failure posted = failureOf(visitor.io, hasty.post(addPath, object()));
    CHECK(posted.code == Errc::timeout);
    CHECK(posted.maybeSent);
    fake.release("cart");
    visitor.checkUntouched();
    CHECK(runOn(visitor.io, hasty.getTokens()) == strategy.tokens);
}

TEST_CASE("a whole call has a deadline, by the client or by the call, and the text says where it was") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("cart");
    CallOptions brief;
    brief.timeout = 20ms;
    const auto begin = std::chrono::steady_clock::now();
    const Failure failure = visitor.failing(visitor.client.get(cartPath, brief));
    CHECK(failure.code == Errc::timeout);
    CHECK(has(failure.context, "waiting for the answer"));
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    fake.release("cart");
    CHECK(visitor.failingGet().code == Errc::api_error);
    visitor.checkUntouched();

    ClientOptions options = optionsFor(fake);
    options.timeouts.call = 20ms;
    OAuthStrategy strategy(clientId);
    strategy.tokens = runOn(visitor.io, visitor.client.getTokens());
    const Client client(visitor.io.get_executor(), strategy, options);
    fake.hold("cart");
    CHECK(failureOf(visitor.io, client.get(cartPath)).code == Errc::timeout);
    brief.timeout = 10s;
    fake.release("cart");
    CHECK(failureOf(visitor.io, client.get(cartPath, brief)).code == Errc::api_error);
}

TEST_CASE("the wait for a token counts, and the exchange goes on for others") {
    testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake);
    fake.hold("token");
    CallOptions brief;
    brief.timeout = 20ms;
    std::optional<Failure> patient;
    asio::co_spawn(io, asResult(client.get(cartPath)), [&](std::exception_ptr, result<boost::json::value> got) {
        if (got.has_error()) patient = got.error();
    });
    std::optional<Failure> hasty;
    asio::co_spawn(io, asResult(client.get(cartPath, brief)), [&](std::exception_ptr, result<boost::json::value> got) {
        if (got.has_error()) hasty = got.error();
        fake.release("token");
    });
    io.run();
    REQUIRE(hasty);
    CHECK(hasty->code == Errc::timeout);
    CHECK(hasty->context == "waiting for a token");
    REQUIRE(patient);
    CHECK(patient->code == Errc::api_error);  // there is no cart yet: the call itself went through
    CHECK(fake.state().visitors == 1);
    CHECK(fake.state().requests.at("token") == 1);
}

TEST_CASE("the deadline of one call does not disturb another on the same transport") {
    testing::FakeWix fake;
    Visitor visitor(fake);
    fake.hold("cart");
    fake.hold("products");
    CallOptions brief;
    brief.timeout = 20ms;
    std::optional<Failure> hasty;
    bool answered = false;
    asio::co_spawn(visitor.io, asResult(visitor.client.post(queryPath, object())),
                   [&](std::exception_ptr, result<boost::json::value> got) { answered = got.has_value(); });
    asio::co_spawn(visitor.io, asResult(visitor.client.get(cartPath, brief)),
                   [&](std::exception_ptr, result<boost::json::value> got) {
                       if (got.has_error()) hasty = got.error();
                       fake.release("products");
                   });
    visitor.io.restart();
    visitor.io.run();
    REQUIRE(hasty);
    CHECK(hasty->code == Errc::timeout);
    CHECK(answered);
    visitor.checkUntouched();
}

TEST_CASE("waiting for a free connection is a phase of its own") {
    testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.transport.maxConnectionsPerOrigin = 1;
    Visitor visitor(fake, options);
    fake.hold("products");
    CallOptions brief;
    brief.timeout = 20ms;
    bool answered = false;
    std::optional<Failure> hasty;
    asio::co_spawn(visitor.io, asResult(visitor.client.post(queryPath, object())),
                   [&](std::exception_ptr, result<boost::json::value> got) { answered = got.has_value(); });
    asio::co_spawn(visitor.io, asResult(visitor.client.get(cartPath, brief)),
                   [&](std::exception_ptr, result<boost::json::value> got) {
                       if (got.has_error()) hasty = got.error();
                       fake.release("products");
                   });
    visitor.io.restart();
    visitor.io.run();
    REQUIRE(hasty);
    CHECK(hasty->code == Errc::timeout);
    CHECK(has(hasty->context, "waiting for a connection"));
    CHECK_FALSE(hasty->maybeSent);
    CHECK(answered);
    CHECK(fake.state().totalConnections == 1);
    CHECK(fake.state().requests.at("cart") == 0);
    visitor.checkUntouched();
}
