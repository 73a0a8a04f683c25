// haproxy in front of a fake Wix: its deadlines, its refusals, and its silence.
#include "counterparts/counterpart.hpp"

#include <memory>
#include <vector>

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// TLS to the client, plain HTTP to the fake. `frontLines` decide what else happens to a request.
class Haproxy {
public:
    Haproxy(const testing::FakeWix& fake, const std::string& frontLines) {
        const std::string configuration = R"(
            defaults
                mode http
                log stdout format raw daemon
                log-format "%HM %HP %ST"
                timeout connect 5s
                timeout client 20s
                timeout server 20s
                timeout tarpit 20s
                retries 0
            frontend front
                bind 127.0.0.1:)" + std::to_string(site_.port()) +
                                          " ssl crt " + (site_.home / "both.pem").string() + "\n" + frontLines + R"(
                default_backend fake
            backend fake
                server fake 127.0.0.1:)" + std::to_string(fake.port()) +
                                          R"(
            backend hasty
                timeout server 50ms
                server fake 127.0.0.1:)" + std::to_string(fake.port()) +
                                          R"(
            backend nowhere
                server nowhere 127.0.0.1:)" +
                                          std::to_string(freePort()) + "\n";
        writeFile(site_.home / "haproxy.cfg", configuration);
        process_ = std::make_unique<ChildProcess>(site_.home.path(), findProgram("haproxy"),
                                                  std::vector<std::string>{"-db", "-f", site_.home / "haproxy.cfg"});
        process_->waitForPort(site_.port());
    }

    std::uint16_t port() const { return site_.port(); }
    ClientOptions options() const { return site_.options(); }
    /// One line a request: method, path, status.
    std::string stopAndReadLog() {
        process_->stop(SIGUSR1);
        return process_->output();
    }

private:
    const Site site_;
    std::unique_ptr<ChildProcess> process_;
};

/// A visitor of a fake behind haproxy, with tokens and an open connection.
class Guest {
public:
    explicit Guest(const std::string& frontLines)
        : fake(behindAFront()),
          haproxy(fake, frontLines),
          client(io.get_executor(), OAuthStrategy(clientId), haproxy.options()) {
        runOn(io, client.generateVisitorTokens());
    }

    testing::FakeWix fake;
    Haproxy haproxy;
    asio::io_context io;
    const Client client;
};

bool skipped() { return missing("haproxy", "haproxy"); }

CallOptions brief() {
    CallOptions options;
    options.timeout = 100ms;
    return options;
}

}  // namespace

TEST_CASE("the service is slower than haproxy's deadline; a POST's 504 is returned, a GET is repeated [15]") {
    if (skipped()) return;
    Guest guest("use_backend hasty if { path_beg /ecom/ }");
    guest.fake.hold("cart");
    const std::optional<ApiError> posted = apiErrorOf(guest.io, guest.client.post(addPath, object()));
    REQUIRE(posted);
    CHECK(posted->status() == 504);
    CHECK(posted->code().empty());  // its body is haproxy's page
    CHECK(guest.fake.state().requests.at("cart") == 1);
    const std::optional<ApiError> got = apiErrorOf(guest.io, guest.client.get(cartPath));
    REQUIRE(got);
    CHECK(got->status() == 504);
    CHECK(guest.fake.state().requests.at("cart") == 4);
    guest.fake.release("cart");
    const std::string log = guest.haproxy.stopAndReadLog();
    CHECK(countOf(log, "POST " + addPath + " 504") == 1);
    CHECK(countOf(log, "GET " + cartPath + " 504") == 3);
}

TEST_CASE("haproxy has no service behind it; a POST's 503 is returned, a GET is repeated [15]") {
    if (skipped()) return;
    Guest guest("use_backend nowhere if { path_beg /ecom/ }");
    CHECK(apiErrorOf(guest.io, guest.client.post(addPath, object()))->status() == 503);
    CHECK(apiErrorOf(guest.io, guest.client.get(cartPath))->status() == 503);
    CHECK(guest.fake.state().requests.at("cart") == 0);
    const std::string log = guest.haproxy.stopAndReadLog();
    CHECK(countOf(log, "POST " + addPath + " 503") == 1);
    CHECK(countOf(log, "GET " + cartPath + " 503") == 3);
}

TEST_CASE("haproxy answers the first request to a path with 503, 408 or 421, the next is served [14] [16]") {
    if (skipped()) return;
    for (const int status : {503, 408, 421}) {
        CAPTURE(status);
        Guest guest(R"(stick-table type string len 64 size 1k expire 1m store http_req_cnt
                       http-request track-sc0 path
                       http-request return status )" +
                    std::to_string(status) + " if { path_beg /ecom/ } { sc0_http_req_cnt eq 1 }");
        CHECK(apiErrorOf(guest.io, guest.client.get(cartPath))->status() == 404);  // the fake's: there is no cart
        // Only 421 says that a POST was not processed.
        CHECK(apiErrorOf(guest.io, guest.client.post(addPath, object()))->status() == (status == 421 ? 400 : status));
        CHECK(guest.fake.state().requests.at("cart") == (status == 421 ? 2 : 1));
        const std::string log = guest.haproxy.stopAndReadLog();
        CHECK(countOf(log, "GET " + cartPath) == 2);
        CHECK(countOf(log, "POST " + addPath) == (status == 421 ? 2 : 1));
    }
}

TEST_CASE("haproxy has closed the idle connection; the next POST takes another one [60] [67]") {
    if (skipped()) return;
    Guest guest("timeout http-keep-alive 50ms");
    for (int i = 1; i <= 3; ++i) {
        REQUIRE(eventually([&] { return openConnectionsTo(guest.haproxy.port()) == 0; }));
        CHECK(apiErrorOf(guest.io, guest.client.post(addPath, object()))->status() == 400);
        CHECK(guest.fake.state().requests.at("cart") == static_cast<std::uint64_t>(i));
    }
}

TEST_CASE("haproxy keeps a request and says nothing: the call's deadline ends it") {
    if (skipped()) return;
    Guest guest("http-request tarpit if { path_beg /ecom/ }");
    const Failure got = failureOf(guest.io, guest.client.get(cartPath, brief()));
    CHECK(got.code == Errc::timeout);
    CHECK(has(got.context, "waiting for the answer"));
    const Failure posted = failureOf(guest.io, guest.client.post(addPath, object(), brief()));
    CHECK(posted.code == Errc::timeout);
    CHECK(posted.maybeSent);
    CHECK(guest.fake.state().requests.at("cart") == 0);
    CHECK(guest.fake.state().visitors == 1);
}

TEST_CASE("haproxy forgets a connection without a word: the call's deadline ends it [54]") {
    if (skipped()) return;
    Guest guest("http-request silent-drop if { path_beg /ecom/ }");
    const Failure got = failureOf(guest.io, guest.client.get(cartPath, brief()));
    const Failure posted = failureOf(guest.io, guest.client.post(addPath, object(), brief()));
    // Without CAP_NET_ADMIN haproxy sends a reset that shall not get past the first router; loopback has none.
    CHECK((got.code == Errc::timeout || got.code == Errc::connection_lost));
    CHECK((posted.code == Errc::timeout || posted.code == Errc::maybe_sent));
    CHECK(posted.maybeSent);
    CHECK(guest.fake.state().requests.at("cart") == 0);
    CHECK(guest.fake.state().visitors == 1);
}

TEST_CASE("haproxy closes instead of answering: a GET is tried again, a POST is not [62]") {
    if (skipped()) return;
    Guest guest("http-request reject if { path_beg /ecom/ }");
    CHECK(failureOf(guest.io, guest.client.get(cartPath)).code == Errc::connection_lost);
    const Failure posted = failureOf(guest.io, guest.client.post(addPath, object()));
    CHECK(posted.code == Errc::maybe_sent);
    CHECK(posted.maybeSent);
    const std::string log = guest.haproxy.stopAndReadLog();
    CHECK(countOf(log, "GET " + cartPath) >= 3);
    CHECK(countOf(log, "POST " + addPath) == 1);
}

TEST_CASE("haproxy closes before the handshake: nothing of a request has left [55]") {
    if (skipped()) return;
    const testing::FakeWix fake(behindAFront());
    Haproxy haproxy(fake, "tcp-request connection reject");
    asio::io_context io;
    const Client client(io.get_executor(), strategyWithTokens(), haproxy.options());
    const Failure failure = failureOf(io, client.post(addPath, object()));
    // Its reset may be there before the connection is seen to be.
    CHECK((failure.code == Errc::tls_failed || failure.code == Errc::connection_lost));
    CHECK_FALSE(failure.maybeSent);
    CHECK(fake.state().totalConnections == 0);
}
