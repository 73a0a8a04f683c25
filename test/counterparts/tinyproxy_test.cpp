// Through tinyproxy: tunnels, a password, and a proxy that refuses or is down.
#include "counterparts/counterpart.hpp"

#include <memory>
#include <optional>
#include <vector>

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

bool skipped() { return missing("tinyproxy", "tinyproxy-bin"); }

class Tinyproxy {
public:
    /// `allowedPort` is the only one that it makes tunnels to.
    explicit Tinyproxy(std::uint16_t allowedPort, const std::string& lines = std::string()) {
        writeFile(home_ / "tinyproxy.conf", "Listen 127.0.0.1\nPort " + std::to_string(port) +
                                                "\nTimeout 60\nMaxClients 50\nAllow 127.0.0.1\nLogLevel Info\n" +
                                                "ConnectPort " + std::to_string(allowedPort) + "\n" + lines + "\n");
        start();
    }

    void start() {
        process_ = std::make_unique<ChildProcess>(home_.path(), findProgram("tinyproxy"),
                                                  std::vector<std::string>{"-d", "-c", home_ / "tinyproxy.conf"});
        process_->waitForPort(port);
    }
    void stop() { process_->stop(SIGKILL); }
    /// What it has been asked, and has written down about it.
    std::string log() const { return process_->output(); }

    const std::uint16_t port = freePort();

private:
    const detail::test::TempDirectory home_;
    std::unique_ptr<ChildProcess> process_;
};

ClientOptions through(const Tinyproxy& proxy, const testing::FakeWix& fake) {
    ClientOptions options = optionsFor(fake);
    options.retry.maxDelay = 1ms;
    options.transport.proxy.host = "127.0.0.1";
    options.transport.proxy.port = proxy.port;
    return options;
}

}  // namespace

TEST_CASE("tinyproxy makes tunnels, and sees nothing of what goes through them") {
    if (skipped()) return;
    const testing::FakeWix fake;
    Tinyproxy proxy(fake.port());
    Visitor visitor(fake, through(proxy, fake));
    int answered = 0;
    for (int i = 0; i < 20; ++i) {
        asio::co_spawn(visitor.io, visitor.client.post(queryPath),
                       [&](std::exception_ptr error, boost::json::value) { answered += error ? 0 : 1; });
    }
    visitor.io.restart();
    visitor.io.run();
    CHECK(answered == 20);
    visitor.checkUntouched();
    CHECK(countOf(proxy.log(), "CONNECT localhost:" + std::to_string(fake.port())) == fake.state().totalConnections);
    CHECK_FALSE(has(proxy.log(), "stores-reader"));
}

TEST_CASE("tinyproxy asks for a password: the right one opens the way") {
    if (skipped()) return;
    const testing::FakeWix fake;
    Tinyproxy proxy(fake.port(), "BasicAuth visitor open-sesame");
    ClientOptions options = through(proxy, fake);
    options.transport.proxy.username = "visitor";
    options.transport.proxy.password = "open-sesame";
    Visitor visitor(fake, options);
    CHECK(visitor.failingGet().code == Errc::api_error);  // of the fake: there is no cart
    CHECK(fake.state().requests.at("cart") == 1);
}

TEST_CASE("tinyproxy asks for a password: without the right one it is an error of its own, and is asked once [84]") {
    if (skipped()) return;
    const testing::FakeWix fake;
    Tinyproxy proxy(fake.port(), "BasicAuth visitor open-sesame");
    ClientOptions options = through(proxy, fake);
    for (const std::string& password : {std::string(), std::string("open-barley")}) {
        CAPTURE(password);
        if (!password.empty()) options.transport.proxy.username = "visitor";
        options.transport.proxy.password = password;
        const std::size_t before = countOf(proxy.log(), "CONNECT localhost:");
        asio::io_context io;
        const OAuthStrategy strategy = strategyWithTokens();
        const Client client(io.get_executor(), strategy, options);
        const Failure failure = failureOf(io, client.post(addPath, object()));
        CAPTURE(failure.context);
        CHECK(failure.code == Errc::proxy_authentication_required);
        CHECK_FALSE(failure.maybeSent);
        CHECK_FALSE(has(failure.context, "open-"));
        CHECK(runOn(io, client.getTokens()) == strategy.tokens);
        CHECK(countOf(proxy.log(), "CONNECT localhost:") == before + 1);
    }
    CHECK(fake.state().totalConnections == 0);
}

TEST_CASE("tinyproxy refuses the port, or finds nobody there [84]") {
    if (skipped()) return;
    const testing::FakeWix fake;
    Tinyproxy strict(freePort());
    const std::uint16_t nobody = freePort();
    Tinyproxy lost(nobody);
    ClientOptions toFake = through(strict, fake), toNobody = through(lost, fake);
    toNobody.apiUrl = toNobody.edgeUrl = "https://localhost:" + std::to_string(nobody);
    for (const ClientOptions& options : {toFake, toNobody}) {
        CAPTURE(options.apiUrl);
        asio::io_context io;
        const OAuthStrategy strategy = strategyWithTokens();
        const Client client(io.get_executor(), strategy, options);
        const Failure failure = failureOf(io, client.post(addPath, object()));
        CHECK(failure.code == Errc::proxy_failed);
        CHECK_FALSE(failure.maybeSent);
        CHECK(has(failure.context, "through the proxy 127.0.0.1:"));
        CHECK(runOn(io, client.getTokens()) == strategy.tokens);
    }
    CHECK(fake.state().totalConnections == 0);
}

TEST_CASE("tinyproxy is down for a while: the session outlives it [84]") {
    if (skipped()) return;
    const testing::FakeWix fake;
    Tinyproxy proxy(fake.port());
    Visitor visitor(fake, through(proxy, fake));
    proxy.stop();
    const Failure failure = visitor.failingGet();
    CHECK(failure.code == Errc::proxy_failed);
    CHECK_FALSE(failure.maybeSent);
    proxy.start();
    CHECK(visitor.failingGet().code == Errc::api_error);
    visitor.checkUntouched();
}

TEST_CASE("tinyproxy dies with a POST in its tunnel: the request is not sent again [85]") {
    if (skipped()) return;
    testing::FakeWix fake;
    Tinyproxy proxy(fake.port());
    Visitor visitor(fake, through(proxy, fake));
    fake.hold("cart", testing::HoldPoint::beforeReply);
    std::optional<Failure> failure;
    asio::co_spawn(visitor.io, asResult(visitor.client.post(addPath, object())),
                   [&](std::exception_ptr, result<boost::json::value> got) {
                       failure = got.has_error() ? got.error() : Failure();
                   });
    runUntil(visitor.io, [&] { return fake.waitUntilHeld("cart", 1, 0ms); });
    proxy.stop();
    proxy.start();
    runUntil(visitor.io, [&] { return failure.has_value(); });
    fake.release("cart");
    CHECK(failure->code == Errc::maybe_sent);
    CHECK(failure->maybeSent);
    CHECK(fake.state().requests.at("cart") == 1);
    visitor.checkUntouched();
}

TEST_CASE("a certificate for another host is refused in a tunnel too, and the proxy is not blamed [56]") {
    if (skipped()) return;
    testing::FakeWixOptions wrong;
    wrong.certificate = testing::Certificate::wrongHost;
    const testing::FakeWix fake(wrong);
    Tinyproxy proxy(fake.port());
    asio::io_context io;
    const Client client(io.get_executor(), strategyWithTokens(), through(proxy, fake));
    CHECK(failureOf(io, client.get(cartPath)).code == Errc::certificate_wrong_host);
    CHECK(fake.state().totalConnections == 1);
    CHECK(fake.requests("*").empty());
}

TEST_CASE("an origin of ProxyOptions::noProxy is reached without tinyproxy") {
    if (skipped()) return;
    const testing::FakeWix fake;
    Tinyproxy proxy(fake.port());
    ClientOptions options = through(proxy, fake);
    options.transport.proxy.noProxy = {"localhost"};
    Visitor visitor(fake, options);
    CHECK(visitor.failingGet().code == Errc::api_error);
    CHECK_FALSE(has(proxy.log(), "CONNECT localhost:"));
}
