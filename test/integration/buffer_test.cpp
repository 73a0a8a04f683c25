// What idle connections keep of large bodies.
#include <doctest/doctest.h>

#include <malloc.h>

#include <list>

#include "support/bare_transport.hpp"
#include "support/scripted_server.hpp"
#include "support/scripted_tls.hpp"

using namespace wix;
using namespace wix::test;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

/// Bytes that the process has allocated.
std::size_t allocated() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// What is allocated now beyond `before`.
std::size_t since(std::size_t before) { return allocated() > before ? allocated() - before : 0; }

/// Reads a request and its body, without keeping it; false at the end of the connection.
template <class Read>
bool readRequest(const std::string& head, Read read) {
    if (head.empty()) return false;
    const std::size_t at = head.find("Content-Length: ");
    std::size_t left = at == head.npos ? 0 : std::stoul(head.substr(at + 16));
    std::vector<char> bytes(64 * 1024);
    while (left > 0) {
        const std::size_t got = read(bytes.data(), std::min(left, bytes.size()));
        if (got == 0) return false;
        left -= got;
    }
    return true;
}

void servePlain(ScriptedPeer& peer, const std::string& response) {
    const auto read = [&](char* to, std::size_t most) {
        const auto got = ::recv(peer.socket().native_handle(), to, most, 0);
        return got > 0 ? static_cast<std::size_t>(got) : 0;
    };
    while (readRequest(peer.readHead(), read)) peer.write(response);
}

std::string answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("48 connections keep nothing of the bodies of 12 MB that each has sent [C19]") {
    std::list<ScriptedServer> servers;
    std::list<BareTransport> transports;
    for (int i = 0; i < 48; ++i) {
        servers.emplace_back([](ScriptedPeer& peer, int) { servePlain(peer, answer("{}")); });
        BareTransport& bare = transports.emplace_back(detail::systemLookup);
        bare.host = "127.0.0.1";
        bare.port = servers.back().port();
        REQUIRE(bare.get().has_value());
    }
    const std::size_t before = allocated();
    for (BareTransport& bare : transports) {
        detail::WireRequest upload = bare.request("PUT");
        upload.idempotent = true;
        upload.body.assign(12 * mib, 'x');
        REQUIRE(bare.send(upload).has_value());
    }
    CHECK(since(before) <= 5 * mib);
    for (BareTransport& bare : transports) CHECK(bare.transport->openConnections() == 1);
    for (BareTransport& bare : transports) REQUIRE(bare.get().has_value());  // they are in order
    for (const ScriptedServer& server : servers) CHECK(server.connections() == 1);
    transports.clear();
}

TEST_CASE("connections keep nothing of large responses, whole, compressed or with a large head [C19]") {
    std::string text = answer(std::string(12 * mib, 'y'));
    std::size_t most = 64 << 10;
    SUBCASE("whole") {}
    SUBCASE("in one chunk") {
        text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string("800000\r\n") +
               std::string(8 * mib, 'y') + "\r\n0\r\n\r\n";
    }
    SUBCASE("with a large head") {
        most = 8 * mib;
        text = "HTTP/1.1 200 OK\r\nX: " + std::string(6 * mib, 'y') + "\r\nContent-Length: 0\r\n\r\n";
    }
    SUBCASE("with large trailers") {
        most = 8 * mib;
        text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(6 * mib, 'y') + "\r\n\r\n";
    }
    ScriptedServer server([&](ScriptedPeer& peer, int) { servePlain(peer, text); });
    BareTransport bare(detail::systemLookup);
    bare.host = "127.0.0.1";
    bare.port = server.port();
    detail::WireRequest get = bare.request();
    get.maxHeaderBytes = most;
    const std::size_t before = allocated();
    REQUIRE(bare.send(get).has_value());
    CHECK(since(before) <= 1 * mib);
    CHECK(bare.transport->openConnections() == 1);
}

TEST_CASE("a connection keeps nothing of a large body that was sent over TLS [C19]") {
    ScriptedTls server([](TlsPeer& peer, int) {
        const auto read = [&](char* to, std::size_t most) {
            boost::system::error_code error;
            return peer.stream().read_some(boost::asio::buffer(to, most), error);
        };
        while (readRequest(peer.readHead(), read)) peer.write(answer("{}"));
    });
    TransportOptions options;
    options.tls.caPem = server.credentials().caCertificate;
    BareTransport bare(detail::systemLookup, options);
    bare.host = "localhost";
    bare.port = server.port();
    REQUIRE(bare.send(bare.request("GET", true)).has_value());
    const std::size_t before = allocated();
    {
        detail::WireRequest upload = bare.request("PUT", true);
        upload.body.assign(12 * mib, 'x');
        REQUIRE(bare.send(upload).has_value());
    }
    CHECK(since(before) <= 1 * mib);
    CHECK(server.connections() == 1);
    bare.transport->close();
    bare.io.restart();
    bare.io.run();
}
