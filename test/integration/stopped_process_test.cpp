// A process that was stopped, or a machine that was suspended: its deadlines have passed and its sockets are full.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>

#include "integration/failures.hpp"
#include "support/bare_transport.hpp"
#include "support/boot_time.hpp"
#include "support/scripted_server.hpp"
#include "support/scripted_tls.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// Says what another thread has come to.
class Sign {
public:
    void set() { promise_.set_value(); }
    bool isSet() const { return future_.wait_for(0s) == std::future_status::ready; }
    void wait() const { CHECK(future_.wait_for(20s) == std::future_status::ready); }

private:
    std::promise<void> promise_;
    std::shared_future<void> future_ = promise_.get_future().share();
};

std::string answerOf(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A server that reads a request, waits for `go`, and then writes `bytes` in many records.
struct Script {
    explicit Script(std::string response) : bytes(std::move(response)) {}
    template <class Peer>
    void operator()(Peer& peer, int number) {
        if (peer.readHead().empty() || number > 0) return;
        asked.set();
        go.wait();
        write(peer, bytes);
        written.set();
        peer.waitForEnd();
    }
    static void write(ScriptedPeer& peer, const std::string& text) { peer.write(text); }
    static void write(TlsPeer& peer, const std::string& text) { peer.write(text, 512); }

    const std::string bytes;
    Sign asked, go, written;
};

/// A request that was sent when the process stops; it continues when the response lies in the socket.
struct Stopped {
    explicit Stopped(BareTransport& bare) : bare_(bare) {}

    void send(const detail::WireRequest& request, std::chrono::seconds deadline, Script& script,
              std::stop_token stop = std::stop_token()) {
        bare_.io.restart();
        const detail::WaitLimits limits(detail::MonotonicClock::now() + deadline, std::move(stop));
        asio::co_spawn(
            bare_.io, bare_.transport->send(std::make_shared<detail::WireRequest>(request), limits),
            [this](std::exception_ptr, result<detail::HttpReply> reply) { ended.emplace(std::move(reply)); });
        runUntil(bare_.io, [&] { return script.asked.isSet(); });
        bare_.io.poll();
        script.go.set();
        script.written.wait();
    }
    result<detail::HttpReply> continueAfter(std::chrono::seconds time) {
        continueLater(bare_.io, time);
        bare_.io.restart();
        bare_.io.run();
        REQUIRE(ended);
        return std::move(*ended);
    }
    std::optional<result<detail::HttpReply>> ended;

private:
    BareTransport& bare_;
};

class Collects final : public BodySink {
public:
    asio::awaitable<void> write(std::string bytes) override {
        text += bytes;
        co_return;
    }
    std::string text;
};

const std::string large(100'000, 'x');

/// A response of 100 KB to a request of which the first byte has 20 s, and the call `deadline`. The process is stopped
/// for 25 s.
void checkWholeResponse(bool tls, bool intoSink, std::chrono::seconds deadline) {
    CAPTURE(tls);
    CAPTURE(intoSink);
    Script script(answerOf(large));
    std::optional<ScriptedServer> plain;
    std::optional<ScriptedTls> secure;
    TransportOptions options;
    if (tls) {
        secure.emplace([&](TlsPeer& peer, int number) { script(peer, number); });
        options.tls.caPem = secure->credentials().caCertificate;
    } else {
        plain.emplace([&](ScriptedPeer& peer, int number) { script(peer, number); });
    }
    BareTransport bare(detail::systemLookup, options);
    bare.host = tls ? "localhost" : "127.0.0.1";
    bare.port = tls ? secure->port() : plain->port();
    bare.timeouts.firstByte = 20s;
    detail::WireRequest request = bare.request("POST", tls);
    const auto sink = std::make_shared<Collects>();
    if (intoSink) request.sink = sink;
    {
        Stopped stopped(bare);
        stopped.send(request, deadline, script);
        const auto reply = stopped.continueAfter(25s);
        REQUIRE_MESSAGE(reply.has_value(), reply.error().context);
        CHECK((intoSink ? sink->text : reply->body) == large);
    }
    bare.transport->close();
    bare.io.restart();
    bare.io.run();
}

}  // namespace

TEST_CASE("a response that lies in the socket when the process continues is read, whatever deadline has passed [C17]") {
    for (const bool tls : {false, true})
        for (const bool intoSink : {false, true}) {
            checkWholeResponse(tls, intoSink, 20s);   // the call's has passed
            checkWholeResponse(tls, intoSink, 600s);  // that of the first byte has
        }
}

TEST_CASE("a response that is not complete when the process continues is a timeout, a second later [C17]") {
    for (const bool begun : {false, true}) {
        CAPTURE(begun);
        Script script(begun ? answerOf(large).substr(0, 50'000) : "");
        ScriptedServer server([&](ScriptedPeer& peer, int number) { script(peer, number); });
        BareTransport bare(detail::systemLookup);
        bare.host = "127.0.0.1";
        bare.port = server.port();
        bare.timeouts.firstByte = 10s;
        Stopped stopped(bare);
        stopped.send(bare.request("POST"), begun ? 10s : 600s, script);
        const auto continued = std::chrono::steady_clock::now();
        const auto reply = stopped.continueAfter(15s);
        REQUIRE(reply.has_error());
        CHECK(reply.error().code == Errc::timeout);
        CHECK(reply.error().maybeSent);
        CHECK(std::chrono::steady_clock::now() - continued < 5s);
    }
}

TEST_CASE("a cancellation is not delayed when the process continues [C17]") {
    Script script(answerOf(large).substr(0, 50'000));
    ScriptedServer server([&](ScriptedPeer& peer, int number) { script(peer, number); });
    BareTransport bare(detail::systemLookup);
    bare.host = "127.0.0.1";
    bare.port = server.port();
    Stopped stopped(bare);
    std::stop_source stop;
    stopped.send(bare.request("POST"), 20s, script, stop.get_token());
    stop.request_stop();
    const auto reply = stopped.continueAfter(25s);
    REQUIRE(reply.has_error());
    CHECK(reply.error().code == asio::error::operation_aborted);
}

TEST_CASE("a request whose deadline passed while the process was stopped is not sent [C17]") {
    // The tunnel is there, late: the deadline of its phase does not count yet, and that of the call does.
    for (const auto deadline : {5s, 600s}) {
        CAPTURE(deadline.count());
        Sign asked, go, written;
        std::atomic<int> requests{0};
        ScriptedServer proxy([&](ScriptedPeer& peer, int number) {
            if (peer.readHead().empty() || number > 0) return;
            asked.set();
            go.wait();
            peer.write("HTTP/1.1 200 OK\r\n\r\n");
            written.set();
            if (peer.readHead().empty()) return;
            ++requests;
            peer.write(answerOf("hi"));
        });
        TransportOptions options;
        options.proxy.host = "127.0.0.1";
        options.proxy.port = proxy.port();
        BareTransport bare(detail::systemLookup, options);
        bare.timeouts.connect = 4s;
        std::optional<result<detail::HttpReply>> ended;
        const detail::WaitLimits limits(detail::MonotonicClock::now() + deadline, std::stop_token());
        asio::co_spawn(bare.io,
                       bare.transport->send(std::make_shared<detail::WireRequest>(bare.request("POST")), limits),
                       [&](std::exception_ptr, result<detail::HttpReply> reply) { ended.emplace(std::move(reply)); });
        runUntil(bare.io, [&] { return asked.isSet(); });
        bare.io.poll();
        go.set();
        written.wait();
        continueLater(bare.io, 10s);
        bare.io.restart();
        bare.io.run();
        REQUIRE(ended);
        if (deadline == 600s) {
            CHECK(ended->has_value());
            continue;
        }
        REQUIRE(ended->has_error());
        CHECK(ended->error().code == Errc::timeout);
        CHECK_FALSE(ended->error().maybeSent);
        CHECK(requests == 0);
    }
}

TEST_CASE("an upload and a TLS handshake go on when the process continues [C17]") {
    Sign asked, go, written;
    BareTransport* bare = nullptr;
    std::optional<BareTransport> transport;
    std::optional<ScriptedServer> server;
    detail::WireRequest request;
    const auto credentials = testing::detail::makeCredentials(testing::Certificate::valid);
    SUBCASE("an upload") {
        constexpr std::size_t size = std::size_t{8} << 20;
        server.emplace([&](ScriptedPeer& peer, int) {
            peer.readHead();
            asked.set();
            go.wait();
            std::vector<char> bytes(64 * 1024);
            const auto take = [&] {
                const auto got = ::recv(peer.socket().native_handle(), bytes.data(), bytes.size(), 0);
                return got > 0 ? static_cast<std::size_t>(got) : 0;
            };
            std::size_t taken = take();
            written.set();
            for (std::size_t got = 1; got > 0 && taken < size; taken += got) got = take();
            peer.write(answerOf("hi"));
            peer.waitForEnd();
        });
        bare = &transport.emplace(detail::systemLookup);
        request = bare->request("POST");
        request.body.assign(size, 'x');
    }
    SUBCASE("a handshake") {
        server.emplace([&](ScriptedPeer& peer, int) {
            const auto context = serverContext(ServerSetup(credentials));
            asio::ssl::stream<asio::ip::tcp::socket&> stream(peer.socket(), *context);
            char byte = 0;
            ::recv(peer.socket().native_handle(), &byte, 1, MSG_PEEK);
            asked.set();
            go.wait();
            boost::system::error_code error;
            peer.socket().non_blocking(true);
            stream.handshake(asio::ssl::stream_base::server, error);
            CHECK(error == asio::error::would_block);  // its part has been written
            written.set();
            peer.socket().non_blocking(false);
            stream.handshake(asio::ssl::stream_base::server, error);
            std::string head;
            while (!error && head.find("\r\n\r\n") == head.npos)
                head += std::string(&byte, stream.read_some(asio::buffer(&byte, 1), error));
            asio::write(stream, asio::buffer(answerOf("hi")), error);
            peer.waitForEnd();
        });
        TransportOptions options;
        options.tls.caPem = credentials.caCertificate;
        bare = &transport.emplace(detail::systemLookup, options);
        request = bare->request("GET", true);
    }
    request.origin = detail::Origin(request.origin.tls, "localhost", server->port());
    std::optional<result<detail::HttpReply>> ended;
    asio::co_spawn(bare->io,
                   bare->transport->send(std::make_shared<detail::WireRequest>(request), detail::WaitLimits()),
                   [&](std::exception_ptr, result<detail::HttpReply> reply) { ended.emplace(std::move(reply)); });
    runUntil(bare->io, [&] { return asked.isSet(); });
    bare->io.poll();
    go.set();
    written.wait();
    continueLater(bare->io, 30s);  // a handshake has 5 s, a write 20 s
    runUntil(bare->io, [&] { return ended.has_value(); });
    REQUIRE_MESSAGE(ended->has_value(), ended->error().context);
    CHECK((*ended)->body == "hi");
    bare->transport->close();
    bare->io.restart();
    bare->io.run();
}

TEST_CASE("a rotated refresh token that lies in the socket when the process continues is not lost [C17]") {
    Script script(answerOf(R"({"access_token":"new-access","refresh_token":"new-refresh","expires_in":14400,)"
                           R"("token_type":"Bearer"})"));
    ScriptedTls server([&](TlsPeer& peer, int number) { script(peer, number); });
    asio::io_context io;
    ClientOptions options;
    options.apiUrl = options.edgeUrl = server.url();
    options.transport.tls.caPem = server.credentials().caCertificate;
    OAuthStrategy strategy(clientId);
    strategy.tokens = Tokens(AccessToken("old", std::chrono::sys_seconds(1s)), RefreshToken("r", TokenRole::visitor));
    {
        const Client client(io.get_executor(), strategy, options);
        std::optional<Tokens> renewed;
        asio::co_spawn(io, client.renewToken(),
                       [&](std::exception_ptr, Tokens tokens) { renewed = std::move(tokens); });
        runUntil(io, [&] { return script.asked.isSet(); });
        io.poll();
        script.go.set();
        script.written.wait();
        continueLater(io, 25s);
        io.restart();
        io.run();
        REQUIRE(renewed);
        CHECK(renewed->refreshToken.value == "new-refresh");
    }
}

namespace {

/// A storage whose calls end when the test says so.
class HeldStorage final : public TokenStorage {
public:
    explicit HeldStorage(asio::io_context& io) : held_(io, std::chrono::steady_clock::time_point::max()) {}

    asio::awaitable<std::optional<StoredTokens>> load(std::string) override {
        ++calls;
        boost::system::error_code ignored;
        co_await held_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        // Some hops, as a storage of several steps has them.
        for (int i = 0; i < 10; ++i) co_await asio::post(held_.get_executor(), asio::use_awaitable);
        StoredTokens stored;
        stored.tokens = Tokens(AccessToken("stored", std::chrono::time_point_cast<std::chrono::seconds>(
                                                         std::chrono::system_clock::now() + 2h)),
                               RefreshToken("r", TokenRole::visitor));
        stored.version = 1;
        co_return stored;
    }
    asio::awaitable<SaveResult> save(std::string, Tokens, std::uint64_t version) override {
        co_return SaveResult::saved(version + 1);
    }
    asio::awaitable<void> erase(std::string) override { co_return; }
    void release() { held_.cancel(); }

    int calls = 0;

private:
    asio::steady_timer held_;
};

}  // namespace

TEST_CASE("a storage that has answered when the process continues was in time [C17]") {
    for (const bool answers : {true, false}) {
        CAPTURE(answers);
        asio::io_context io;
        const auto storage = std::make_shared<HeldStorage>(io);
        ClientOptions options;
        options.apiUrl = options.edgeUrl = "https://localhost:1";
        OAuthStrategy strategy(clientId);
        strategy.storage = storage;
        const Client client(io.get_executor(), strategy, options);
        std::optional<std::string> outcome;
        asio::co_spawn(io, client.generateVisitorTokens(), [&](std::exception_ptr error, const Tokens& tokens) {
            try {
                if (error) std::rethrow_exception(error);
                outcome = tokens.accessToken.value;
            } catch (const Error& failed) {
                outcome = failed.code() == Errc::storage_unavailable ? "unavailable" : failed.what();
            }
        });
        runUntil(io, [&] { return storage->calls == 1; });
        io.poll();
        continueLater(io, 8s);
        if (answers) storage->release();
        runUntil(io, [&] { return outcome.has_value(); });
        CHECK(*outcome == (answers ? "stored" : "unavailable"));
        storage->release();
        io.restart();
        io.run();
    }
}
