// Names and addresses: what a resolver may say, and where it may lead.
#include <doctest/doctest.h>

#include <boost/asio/error.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <deque>

#include "integration/failures.hpp"
#include "support/bare_transport.hpp"
#include "support/scripted_server.hpp"
#include "support/skip.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using detail::Endpoint;

namespace {

/// Answers one request on each connection with its own name.
ScriptedServer::Script says(const std::string& name) {
    return [name](ScriptedPeer& peer, int) {
        peer.readHead();
        peer.write(answer(name));
        peer.waitForEnd();
    };
}

/// A listener whose queue is full: what is sent there disappears.
class BlackHole {
public:
    explicit BlackHole(const std::string& address) : acceptor_(io_, Endpoint(asio::ip::make_address(address), 0)) {
        acceptor_.listen(0);
        for (int i = 0; i < 8; ++i) {
            fillers_.emplace_back(io_);
            fillers_.back().open(endpoint().protocol());
            fillers_.back().native_non_blocking(true);
            const Endpoint to = endpoint();
            static_cast<void>(::connect(fillers_.back().native_handle(), to.data(), static_cast<socklen_t>(to.size())));
        }
    }
    Endpoint endpoint() const { return acceptor_.local_endpoint(); }

private:
    asio::io_context io_;
    asio::ip::tcp::acceptor acceptor_;
    std::deque<asio::ip::tcp::socket> fillers_;
};

Endpoint refusing(const std::string& address) {
    asio::io_context io;
    return asio::ip::tcp::acceptor(io, Endpoint(asio::ip::make_address(address), 0)).local_endpoint();
}

bool hasIpv6() {
    asio::io_context io;
    asio::ip::tcp::acceptor acceptor(io);
    boost::system::error_code error;
    acceptor.open(asio::ip::tcp::v6(), error);
    if (!error) acceptor.bind(Endpoint(asio::ip::address_v6::loopback(), 0), error);
    return !error;
}

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

}  // namespace

TEST_CASE("a name that does not exist fails at once, and for a second nobody asks again [49]") {
    int asked = 0;
    BareTransport bare(lookupBy([&](const std::string&) {
        ++asked;
        return NameAnswer(asio::error::host_not_found);
    }));
    const auto reply = bare.get();
    REQUIRE(reply.has_error());
    CHECK(reply.error().code == Errc::name_not_found);
    CHECK(has(reply.error().context, "GET http://shop.example/x: resolving the host of http://shop.example"));
    for (int i = 0; i < 10; ++i) CHECK(bare.get().error().code == Errc::name_not_found);
    CHECK(asked == 1);
    bare.host = "other.example";
    CHECK(bare.get().error().code == Errc::name_not_found);
    CHECK(asked == 2);
}

TEST_CASE("a name server that fails is another error, and is asked again [50]") {
    const ScriptedServer server(says("here"));
    int asked = 0;
    BareTransport bare(lookupBy([&](const std::string&) {
        if (++asked < 3) return NameAnswer(asio::error::host_not_found_try_again);
        return NameAnswer({server.endpoint()});
    }));
    CHECK(bare.get().error().code == Errc::name_unavailable);
    CHECK(bare.get().error().code == Errc::name_unavailable);
    CHECK(bare.get()->body == "here");
}

TEST_CASE("a name server that does not answer costs the deadline of its phase [50]") {
    BareTransport bare(silentLookup());
    bare.timeouts.resolve = 20ms;
    const auto reply = bare.get();
    CHECK(reply.error().code == Errc::timeout);
    CHECK(has(reply.error().context, "resolving the host of"));
    CHECK_FALSE(reply.error().maybeSent);
}

TEST_CASE("a name that leads elsewhere is followed by the next connection [51]") {
    const ScriptedServer first(says("first")), second(says("second"));
    Endpoint now = first.endpoint();
    TransportOptions options;
    options.maxConnectionAge = 0ms;  // no connection is used twice
    BareTransport bare(lookupBy([&](const std::string&) { return NameAnswer({now}); }), options);
    CHECK(bare.get()->body == "first");
    now = second.endpoint();
    CHECK(bare.get()->body == "second");
}

TEST_CASE("an address that swallows everything costs a quarter of a second [52]") {
    if (!hasIpv6()) {
        skip("this machine has no IPv6");
        return;
    }
    const BlackHole dark("::1");
    const ScriptedServer server(says("by IPv4"));
    BareTransport bare(lookupBy([&](const std::string&) {
        return NameAnswer({dark.endpoint(), dark.endpoint(), dark.endpoint(), server.endpoint()});
    }));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(bare.get()->body == "by IPv4");
    CHECK(since(begin) >= 200ms);  // it was given its time
    CHECK(since(begin) < 4s);      // and not the whole deadline of 5 s
}

TEST_CASE("where the first addresses refuse the next one is tried at once [53]") {
    const ScriptedServer server(says("third"));
    BareTransport bare(lookupBy([&](const std::string&) {
        return NameAnswer({refusing("127.0.0.1"), refusing("127.0.0.2"), server.endpoint()});
    }));
    CHECK(bare.get()->body == "third");
}

TEST_CASE("an address without a route does not hide that the other one refused [53]") {
    BareTransport bare(lookupBy([&](const std::string&) {
        return NameAnswer({Endpoint(asio::ip::make_address("255.255.255.255"), 80), refusing("127.0.0.1")});
    }));
    CHECK(bare.get().error().code == Errc::connection_refused);
}

TEST_CASE("addresses that swallow everything cost the deadline of connecting, and no more [54]") {
    const BlackHole dark("127.0.0.1");
    BareTransport bare(lookupBy([&](const std::string&) { return NameAnswer({dark.endpoint(), dark.endpoint()}); }));
    bare.timeouts.connect = 400ms;
    const auto reply = bare.get();
    CHECK(reply.error().code == Errc::timeout);
    CHECK(has(reply.error().context, "connecting to http://shop.example"));
    CHECK_FALSE(reply.error().maybeSent);
    CHECK(bare.transport->openConnections() == 0);
}
