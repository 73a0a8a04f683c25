// Bytes that belong to no response come on a connection that is used again.
#include <doctest/doctest.h>

#include <mutex>
#include <vector>

#include "support/bare_transport.hpp"
#include "support/scripted_server.hpp"
#include "support/scripted_tls.hpp"

using namespace wix;
using namespace wix::test;

namespace {

const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// What a connection does: serves requests, and writes `bytes` before the response to its request number `at`.
template <class Peer>
void serve(Peer& peer, const std::string& bytes, int at) {
    for (int i = 0; !peer.readHead().empty(); ++i) peer.write(i == at ? bytes + response : response);
}

struct Spoiled {
    /// The first `connections` connections are spoiled when they are used again, or by their first request.
    explicit Spoiled(std::string bytes, int connections = 1, int at = 1, TransportOptions options = TransportOptions())
        : server([bytes = std::move(bytes), connections, at](ScriptedPeer& peer, int number) {
              serve(peer, bytes, number < connections ? at : -1);
          }),
          bare(detail::systemLookup, options) {
        bare.host = "127.0.0.1";
        bare.port = server.port();
    }
    detail::WireRequest request(const std::string& method) const { return bare.request(method); }
    /// The first request of the connection.
    void use() { REQUIRE(bare.get().has_value()); }

    ScriptedServer server;
    BareTransport bare;
};

const std::vector<std::string> foreign = {
    "extra", "\r\n", "{}", std::string("\0", 1), "HTTP/1.1 200 OK\r\n", "HTTP/2 200\r\n\r\n"};

/// Keeps what is sent again.
class Resends final : public Observer {
public:
    void requestRetried(const RequestRetried& event) override { reasons.push_back(std::string(event.reason)); }
    std::vector<std::string> reasons;
};

}  // namespace

TEST_CASE("an idempotent request on a connection with bytes of no response is sent again on another one [C24]") {
    for (const std::string& bytes : foreign) {
        CAPTURE(bytes);
        Spoiled spoiled(bytes);
        spoiled.use();
        detail::WireRequest request = spoiled.request("GET");
        const auto resends = std::make_shared<Resends>();
        request.observer = resends;
        const auto reply = spoiled.bare.send(request);
        REQUIRE(reply.has_value());
        CHECK(reply->body == "hi");
        CHECK(spoiled.server.connections() == 2);
        REQUIRE(resends->reasons.size() == 1);
        CHECK(resends->reasons.front() == "an idle connection had bytes that belong to no response");
    }
}

TEST_CASE("a POST on a connection with bytes of no response fails, and may have been sent [C24]") {
    for (const std::string& bytes : foreign) {
        CAPTURE(bytes);
        Spoiled spoiled(bytes);
        spoiled.use();
        const auto failed = spoiled.bare.send(spoiled.request("POST"));
        REQUIRE(failed.has_error());
        CHECK(failed.error().code == Errc::response_invalid);
        CHECK(failed.error().maybeSent);
        CHECK(spoiled.server.connections() == 1);
        detail::WireRequest repeatable = spoiled.request("POST");
        repeatable.idempotent = true;
        CHECK(spoiled.bare.send(repeatable).has_value());
    }
}

TEST_CASE("bytes of no response on a connection's first request are the server's fault: nothing is sent again [C24]") {
    Spoiled spoiled("extra", 1, 0);
    const auto failed = spoiled.bare.get();
    REQUIRE(failed.has_error());
    CHECK(failed.error().code == Errc::response_invalid);
    CHECK(spoiled.server.connections() == 1);
}

TEST_CASE("a response whose head is complete is the request's own: what is wrong with it is not repeated [C24]") {
    for (const char* bytes :
         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 103 Early\r\n\r\nextra"}) {
        CAPTURE(bytes);
        Spoiled spoiled(bytes);
        spoiled.use();
        const auto failed = spoiled.bare.get();
        REQUIRE(failed.has_error());
        CHECK(failed.error().code == Errc::response_invalid);
        CHECK(spoiled.server.connections() == 1);
    }
}

TEST_CASE("a spoiled connection is replaced within the quota of resends [C24]") {
    TransportOptions options;
    options.retryReserve = 0;
    options.retryPercent = 0;
    Spoiled spoiled("extra", 1, 1, options);
    spoiled.use();
    const auto failed = spoiled.bare.get();
    REQUIRE(failed.has_error());
    CHECK(failed.error().code == Errc::response_invalid);
    CHECK(spoiled.server.connections() == 1);
}

TEST_CASE("a spoiled connection under TLS, and under a response for a sink, is replaced as well [C24]") {
    class Collects final : public BodySink {
    public:
        boost::asio::awaitable<void> write(std::string bytes) override {
            text += bytes;
            co_return;
        }
        std::string text;
    };
    ScriptedTls server([](TlsPeer& peer, int number) { serve(peer, "extra", number == 0 ? 1 : -1); });
    TransportOptions options;
    options.tls.caPem = server.credentials().caCertificate;
    BareTransport bare(detail::systemLookup, options);
    bare.host = "localhost";
    bare.port = server.port();
    REQUIRE(bare.send(bare.request("GET", true)).has_value());
    detail::WireRequest request = bare.request("GET", true);
    const auto sink = std::make_shared<Collects>();
    SUBCASE("in memory") {}
    SUBCASE("for a sink") { request.sink = sink; }
    const auto reply = bare.send(request);
    REQUIRE(reply.has_value());
    CHECK(reply->body + sink->text == "hi");
    CHECK(server.connections() == 2);
    bare.transport->close();
    bare.io.restart();
    bare.io.run();
}
