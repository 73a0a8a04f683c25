// A proxy that asks for a password, refuses, is down, or hangs up: typed errors, and the origin is not blamed.
#include <doctest/doctest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>

#include <thread>

#include "integration/failures.hpp"
#include "support/bare_transport.hpp"
#include "support/scripted_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// Moves bytes both ways until one side ends. `most`: so many bytes of the answer, then it hangs up.
void relay(ScriptedPeer& client, const testing::FakeWix& fake, std::size_t most = std::size_t(-1)) {
    asio::io_context io;
    asio::ip::tcp::socket server(io);
    server.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), fake.port()));
    const auto pump = [](asio::ip::tcp::socket& from, asio::ip::tcp::socket& to, std::size_t left) {
        char bytes[4096];
        while (left > 0) {
            const auto got = ::recv(from.native_handle(), bytes, std::min(sizeof bytes, left), 0);
            if (got <= 0) break;
            boost::system::error_code error;
            asio::write(to, asio::buffer(bytes, static_cast<std::size_t>(got)), error);
            if (error) break;
            left -= static_cast<std::size_t>(got);
        }
        ::shutdown(from.native_handle(), SHUT_RDWR);
        ::shutdown(to.native_handle(), SHUT_RDWR);
    };
    std::thread back([&] { pump(server, client.socket(), most); });
    pump(client.socket(), server, std::size_t(-1));
    back.join();
}

ClientOptions optionsThrough(const testing::FakeWix& fake, std::uint16_t proxyPort) {
    ClientOptions options = optionsFor(fake);
    options.transport.proxy.host = "127.0.0.1";
    options.transport.proxy.port = proxyPort;
    options.retry.maxDelay = 1ms;
    return options;
}

}  // namespace

TEST_CASE("a proxy makes a tunnel, and sees nothing of what goes through it") {
    testing::FakeWix fake;
    std::string asked, cleartext;
    std::mutex mutex;
    ScriptedServer proxy([&](ScriptedPeer& peer, int) {
        const std::string head = peer.readHead();
        {
            const std::lock_guard lock(mutex);
            asked = head;
        }
        peer.write("HTTP/1.1 200 Connection established\r\nX-Proxy: one\r\n\r\n");
        relay(peer, fake);
    });
    ClientOptions options = optionsThrough(fake, proxy.port());
    options.transport.proxy.username = "user";
    options.transport.proxy.password = "pass:word";
    {
        Visitor visitor(fake, options);
        CHECK(visitor.failingGet().code == Errc::api_error);
    }
    const std::lock_guard lock(mutex);
    const std::string authority = "localhost:" + std::to_string(fake.port());
    CHECK(asked.starts_with("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n"));
    CHECK(has(asked, "Proxy-Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"));
    CHECK_FALSE(has(asked, "OauthNG"));
    CHECK(proxy.connections() == 1);
}

TEST_CASE("a proxy that wants to know who asks is an error of its own, and is asked once [84]") {
    testing::FakeWix fake;
    ScriptedServer proxy([](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
            "Content-Length: 4\r\n\r\nwho?");
        peer.waitForEnd();
    });
    asio::io_context io;
    ClientOptions options = optionsThrough(fake, proxy.port());
    options.transport.proxy.username = "user";
    options.transport.proxy.password = "secret-password";
    const Client client(io.get_executor(), OAuthStrategy(clientId), options);
    const Failure failure = failureOf(io, client.get(cartPath));
    CHECK(failure.code == Errc::proxy_authentication_required);
    CHECK_FALSE(failure.maybeSent);
    CHECK_FALSE(has(failure.context, "secret-password"));
    CHECK(fake.state().totalConnections == 0);
    CHECK(proxy.connections() == 1);
}

TEST_CASE("a proxy that is down, answers 502, garbage, nothing, or too much: proxy_failed, the session is kept [84]") {
    struct Case {
        const char* name;
        std::string answer;
    };
    for (const Case& one : {Case{"502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"},
                            Case{"garbage", "SSH-2.0-OpenSSH_9.2\r\n"}, Case{"nothing", ""},
                            Case{"too much", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
                            Case{"an endless head", "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x')}}) {
        CAPTURE(one.name);
        testing::FakeWix fake;
        ScriptedServer proxy([&](ScriptedPeer& peer, int) {
            peer.readHead();
            peer.write(one.answer);
        });
        Tokens tokens;
        {
            asio::io_context io;
            tokens = runOn(io, clientOf(io, fake).generateVisitorTokens());
        }
        asio::io_context io;
        OAuthStrategy strategy(clientId);
        strategy.tokens = tokens;
        const Client client(io.get_executor(), strategy, optionsThrough(fake, proxy.port()));
        const Failure failure = failureOf(io, client.post(addPath, object()));
        CHECK(failure.code == Errc::proxy_failed);
        CHECK(has(failure.context, "through the proxy 127.0.0.1:"));
        CHECK_FALSE(failure.maybeSent);
        CHECK(proxy.connections() == 3);  // nothing was sent, so that even a POST may be tried again
        CHECK(runOn(io, client.getTokens()) == tokens);
        CHECK(fake.state().visitors == 1);
    }
    testing::FakeWix fake;
    std::uint16_t down = 0;
    {
        down = ScriptedServer([](ScriptedPeer&, int) {}).port();
    }
    asio::io_context io;
    const Client client(io.get_executor(), OAuthStrategy(clientId), optionsThrough(fake, down));
    CHECK(failureOf(io, client.get(cartPath)).code == Errc::proxy_failed);
    CHECK(fake.state().totalConnections == 0);
}

TEST_CASE("a tunnel that closes in the middle of a token exchange: one prompt replay, and no second visitor [85]") {
    testing::FakeWix fake;
    asio::io_context io;
    OAuthStrategy strategy(clientId);
    strategy.tokens = runOn(io, clientOf(io, fake).generateVisitorTokens());
    const std::string refresh = strategy.tokens.refreshToken.value;
    strategy.tokens.accessToken.expiresAt = std::chrono::sys_seconds(1s);
    fake.setRotation(testing::Rotation(true, 60s));
    fake.cutNext("token", 1, testing::CutPoint::afterRequest);
    ScriptedServer proxy([&](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write("HTTP/1.1 200 OK\r\n\r\n");
        relay(peer, fake);
    });
    const Client client(io.get_executor(), strategy, optionsThrough(fake, proxy.port()));
    const Tokens renewed = runOn(io, client.generateVisitorTokens());
    CHECK(renewed.refreshToken.value != refresh);
    CHECK(fake.state().visitors == 1);
    CHECK(fake.state().requests["token"] == 3);  // the visitor, the one that was cut, its replay
}
