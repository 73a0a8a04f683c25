// The end of the peer's side is noticed while a body is written.
#include <doctest/doctest.h>

#include <poll.h>

#include "support/bare_transport.hpp"
#include "support/scripted_server.hpp"
#include "support/scripted_tls.hpp"

using namespace wix;
using namespace wix::test;

namespace {

constexpr std::size_t size = std::size_t{4} << 20;

class Zeros final : public BodySource {
public:
    std::optional<std::uint64_t> size() const override { return ::size; }
    boost::asio::awaitable<std::string> read(std::size_t most) override {
        const std::size_t now = std::min(most, left_);
        left_ -= now;
        co_return std::string(now, '0');
    }
    bool rewind() override {
        left_ = ::size;
        return true;
    }

private:
    std::size_t left_ = ::size;
};

enum class Ends { closeNotify, finish, reset };

void end(ScriptedPeer& peer, Ends how) {
    boost::system::error_code ignored;
    if (how != Ends::reset) {
        peer.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
        return;
    }
    peer.socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
    peer.socket().close(ignored);
}
void end(TlsPeer& peer, Ends how) {
    if (how == Ends::reset) return peer.reset();
    if (how == Ends::closeNotify) peer.closeNotify();
    peer.finish();
}

/// Until the client has given up; nothing is read.
template <class Peer>
void waitUnread(Peer& peer) {
    if (!peer.socket().is_open()) return;
    pollfd hangup{peer.socket().native_handle(), 0, 0};
    ::poll(&hangup, 1, 20'000);
}

/// A server that reads the head, writes `first`, ends its sending side and reads no more.
template <class Peer>
std::function<void(Peer&, int)> endsWith(Ends how, std::string first) {
    return [how, first = std::move(first)](Peer& peer, int) {
        peer.readHead();
        if (!first.empty()) peer.write(first);
        end(peer, how);
        waitUnread(peer);
    };
}

/// An upload whose write would stall for longer than any test takes.
result<detail::HttpReply> upload(BareTransport& bare, std::uint16_t port, bool tls, bool streamed) {
    bare.host = "localhost";
    bare.port = port;
    detail::WireRequest request = bare.request("POST", tls);
    request.timeouts.write = std::chrono::minutes(10);
    if (streamed)
        request.source = std::make_shared<Zeros>();
    else
        request.body.assign(size, '0');
    const auto began = std::chrono::steady_clock::now();
    auto reply = bare.send(request);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(15));
    return reply;
}

/// What a plain and a TLS server that end so make of an upload.
template <class Check>
void forEachServer(const std::vector<Ends>& ways, const std::string& first, Check check) {
    for (const bool streamed : {false, true})
        for (const Ends how : ways) {
            CAPTURE(streamed);
            CAPTURE(static_cast<int>(how));
            if (how != Ends::closeNotify) {
                ScriptedServer server(endsWith<ScriptedPeer>(how, first));
                BareTransport bare(detail::systemLookup);
                check(upload(bare, server.port(), false, streamed));
            }
            ScriptedTls server(endsWith<TlsPeer>(how, first));
            TransportOptions options;
            options.tls.caPem = server.credentials().caCertificate;
            BareTransport bare(detail::systemLookup, options);
            check(upload(bare, server.port(), true, streamed));
        }
}

}  // namespace

TEST_CASE("an upload to a server that has ended its side and reads nothing fails at once [C23]") {
    forEachServer({Ends::closeNotify, Ends::finish, Ends::reset}, "", [](const result<detail::HttpReply>& reply) {
        REQUIRE(reply.has_error());
        CHECK(reply.error().code == Errc::maybe_sent);
        CHECK(reply.error().maybeSent);
    });
}

TEST_CASE("a response that comes before the end of the upload is read [C23]") {
    const std::string early = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";
    forEachServer({Ends::closeNotify, Ends::finish}, early, [](const result<detail::HttpReply>& reply) {
        REQUIRE(reply.has_value());
        CHECK(reply->status == 413);
        CHECK(reply->body == "big");
    });
}

TEST_CASE("a response that ends early while the upload is written is truncated, at once [C23]") {
    for (const char* part : {"HTTP/1.1 4", "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nb"}) {
        CAPTURE(part);
        forEachServer({Ends::closeNotify, Ends::finish}, part, [](const result<detail::HttpReply>& reply) {
            REQUIRE(reply.has_error());
            CHECK(reply.error().code == Errc::response_truncated);
            CHECK(reply.error().maybeSent);
        });
    }
}
