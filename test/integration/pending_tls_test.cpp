// What TLS connections find in their sockets when they are used: before the first request, and between two.
#include <doctest/doctest.h>

#include <future>

#include "support/bare_transport.hpp"
#include "support/eventually.hpp"
#include "support/scripted_tls.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// What a server does to an idle connection.
struct Surprise {
    Surprise(const char* what, std::function<void(TlsPeer&)> how, bool ends, int version = 0)
        : name(what), act(std::move(how)), endsConnection(ends), onlyVersion(version) {}
    const char* name;
    std::function<void(TlsPeer&)> act;
    bool endsConnection;
    int onlyVersion;
};

void sendTicket(TlsPeer& peer) {
    SSL_new_session_ticket(peer.native());
    peer.flush();
}

const std::vector<Surprise> surprises = {
    Surprise(
        "nothing but the tickets of the handshake", [](TlsPeer&) {}, false),
    Surprise("a ticket", sendTicket, false, TLS1_3_VERSION),
    Surprise(
        "three tickets",
        [](TlsPeer& peer) {
            for (int i = 0; i < 3; ++i) sendTicket(peer);
        },
        false, TLS1_3_VERSION),
    Surprise(
        "new keys",
        [](TlsPeer& peer) {
            SSL_key_update(peer.native(), SSL_KEY_UPDATE_REQUESTED);
            peer.flush();
        },
        false, TLS1_3_VERSION),
    Surprise(
        "close_notify", [](TlsPeer& peer) { peer.closeNotify(); }, true),
    Surprise(
        "close_notify and the end",
        [](TlsPeer& peer) {
            peer.closeNotify();
            peer.finish();
        },
        true),
    Surprise(
        "a ticket and close_notify",
        [](TlsPeer& peer) {
            sendTicket(peer);
            peer.closeNotify();
        },
        true, TLS1_3_VERSION),
    Surprise(
        "a response that was not asked for",
        [](TlsPeer& peer) { peer.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"); }, true),
    Surprise(
        "data and close_notify",
        [](TlsPeer& peer) {
            peer.write("x");
            peer.closeNotify();
        },
        true),
    Surprise(
        "the end without close_notify", [](TlsPeer& peer) { peer.finish(); }, true),
    Surprise(
        "a reset", [](TlsPeer& peer) { peer.reset(); }, true),
    Surprise(
        "bytes that are no TLS",
        [](TlsPeer& peer) {
            boost::system::error_code ignored;
            asio::write(peer.socket(), asio::buffer("this is no TLS record at all", 28), ignored);
        },
        true),
    Surprise(
        "a part of a record",
        [](TlsPeer& peer) {
            boost::system::error_code ignored;
            asio::write(peer.socket(), asio::buffer("\x17\x03\x03\x01", 4), ignored);
        },
        true),
};

/// Serves requests; the surprise comes on the first connection, after so many of them.
class SurprisingServer {
public:
    SurprisingServer(const Surprise& surprise, int version, int after)
        : server_([this, surprise, after](TlsPeer& peer, int number) { serve(peer, number, surprise, after); },
                  [version](int) {
                      ServerSetup setup;
                      setup.maxVersion = version;
                      return setup;
                  }) {}

    BareTransport transport() const {
        TransportOptions options;
        options.tls.caPem = server_.credentials().caCertificate;
        return BareTransport(detail::systemLookup, options);
    }
    void waitUntilDone() { CHECK(done_.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready); }
    int connections() const { return server_.connections(); }
    int requests() const { return requests_; }
    std::uint16_t port() const { return server_.port(); }

private:
    void serve(TlsPeer& peer, int number, const Surprise& surprise, int after) {
        for (int i = 0;; ++i) {
            if (number == 0 && i == after) {
                surprise.act(peer);
                done_.set_value();
                if (!peer.socket().is_open()) return;
            }
            if (peer.readHead().empty()) return;
            ++requests_;
            peer.write(response);
        }
    }

    std::promise<void> done_;
    std::atomic<int> requests_{0};
    ScriptedTls server_;
};

/// One POST on a connection that was opened ahead, or has served a GET, and then the surprise came.
void checkPost(const Surprise& surprise, int version, bool preconnected) {
    CAPTURE(surprise.name);
    CAPTURE(version);
    CAPTURE(preconnected);
    SurprisingServer server(surprise, version, preconnected ? 0 : 1);
    BareTransport bare = server.transport();
    bare.host = "localhost";
    bare.port = server.port();
    if (preconnected) {
        const std::shared_ptr<void> need = bare.transport->openAhead(bare.request("GET", true));
        REQUIRE(need);
        bare.io.run();
    } else {
        REQUIRE(bare.send(bare.request("GET", true)).has_value());
    }
    server.waitUntilDone();
    const auto reply = bare.send(bare.request("POST", true));
    REQUIRE_MESSAGE(reply.has_value(), reply.error().context);
    CHECK(reply->body == "hi");
    CHECK(server.connections() == (surprise.endsConnection ? 2 : 1));
    CHECK(server.requests() == (preconnected ? 1 : 2));
    // What was read must not have harmed the stream.
    CHECK(bare.send(bare.request("POST", true)).has_value());
    CHECK(server.connections() == (surprise.endsConnection ? 2 : 1));
    bare.transport->close();
    bare.io.restart();
    bare.io.run();
}

}  // namespace

TEST_CASE("a preconnected TLS connection is used unless more than tickets has come on it [C5]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        for (const Surprise& surprise : surprises)
            if (!surprise.onlyVersion || surprise.onlyVersion == version) checkPost(surprise, version, true);
}

TEST_CASE("an idle TLS connection is used again unless more than tickets has come on it [C5]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        for (const Surprise& surprise : surprises)
            if (!surprise.onlyVersion || surprise.onlyVersion == version) checkPost(surprise, version, false);
}

TEST_CASE(
    "an alert about the client's certificate, which comes after the handshake, costs a connection and no call [C5]") {
    ScriptedTls server(
        [](TlsPeer& peer, int) {
            while (!peer.readHead().empty()) peer.write(response);
        },
        [](int number) {
            ServerSetup setup;
            if (number == 0)
                setup.clientCa = testing::detail::makeCredentials(testing::Certificate::valid).caCertificate;
            return setup;
        });
    TransportOptions options;
    options.tls.caPem = server.credentials().caCertificate;
    BareTransport bare(detail::systemLookup, options);
    bare.host = "localhost";
    bare.port = server.port();
    const std::shared_ptr<void> need = bare.transport->openAhead(bare.request("GET", true));
    bare.io.run();
    REQUIRE(eventually([&] { return server.failedHandshakes() == 1; }));
    CHECK(bare.send(bare.request("POST", true)).has_value());
    CHECK(server.connections() == 2);
}
