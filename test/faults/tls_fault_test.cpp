// Rows 55 (alerts), 56, 57 and 59: what TLS refuses, and what it resumes.
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <functional>
#include <thread>

#include <poll.h>

#include "integration/failures.hpp"
#include "storage/temp_directory.hpp"
#include "support/tls_server.hpp"

using namespace wix;
using namespace wix::test;
using namespace std::chrono_literals;
using testing::Certificate;
using testing::detail::makeCredentials;
using testing::detail::ServerCredentials;
namespace asio = boost::asio;

namespace {

/// A client with a valid token, which retries whatever may be retried.
class Caller {
public:
    explicit Caller(const std::string& url, const TlsOptions& tls) : client_(make(url, tls)) {}

    void succeeds() { CHECK(runOn(io_, client_.get(cartPath)) == object()); }
    /// Of a call that may be repeated, and of one that may not.
    void fails(Errc code) {
        for (Failure failure :
             {failureOf(io_, client_.get(cartPath)), failureOf(io_, client_.post(addPath, object()))}) {
            CHECK(failure.code == code);
            CHECK_FALSE(failure.maybeSent);
            CHECK_FALSE(has(Error(failure).what(), "SECRET"));
        }
    }

private:
    Client make(const std::string& url, const TlsOptions& tls) {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = url;
        options.transport.tls = tls;
        options.retry.maxAttempts = 3;
        options.retry.firstDelay = options.retry.maxDelay = 1ms;
        OAuthStrategy strategy(clientId);
        const auto later = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now() + 2h);
        strategy.tokens =
            Tokens(AccessToken("OauthNG.JWS.SECRET", later), RefreshToken("IST.SECRET", TokenRole::visitor));
        return Client(io_.get_executor(), strategy, options);
    }

    asio::io_context io_;
    Client client_;
};

TlsOptions trusting(const std::string& caPem) {
    TlsOptions options;
    options.caPem = caPem;
    return options;
}

/// One connection for each of two calls, and not a byte of a request on any.
void checkRefused(const ServerSetup& setup, const TlsOptions& tls, Errc code) {
    TlsServer server(setup);
    Caller(server.url(), tls).fails(code);
    CHECK(server.connections == 2);
    CHECK(server.bytes == 0);
    CHECK(server.requests == 0);
}

/// Accepts connections, reads some of the ClientHello, answers with `bytes` and waits for the end; until it is dropped.
class AnsweringHello {
public:
    explicit AnsweringHello(std::string bytes) : bytes_(std::move(bytes)), thread_([this] { serve(); }) {}
    ~AnsweringHello() {
        over_ = true;
        thread_.join();
    }
    std::string url() const { return listener_.url(); }
    std::atomic<int> connections{0};

private:
    void serve() {
        while (!over_) {
            pollfd waiting{listener_.acceptor().native_handle(), POLLIN, 0};
            if (::poll(&waiting, 1, 10) != 1) continue;
            asio::ip::tcp::socket socket(io_);
            listener_.acceptor().accept(socket);
            ++connections;
            std::array<char, 16> hello;
            boost::system::error_code ignored;
            asio::read(socket, asio::buffer(hello), ignored);
            asio::write(socket, asio::buffer(bytes_), ignored);
            socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
            std::string rest;
            asio::read(socket, asio::dynamic_buffer(rest, 1 << 16), ignored);
        }
    }

    asio::io_context io_;
    SilentListener listener_;
    std::string bytes_;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

}  // namespace

TEST_CASE("an alert ends the handshake with one error, at once, and is not retried [55]") {
    const std::string ca = makeCredentials(Certificate::valid).caCertificate;
    for (const int alert : {40, 47, 48, 70, 80, 112, 120, 255}) {
        CAPTURE(alert);
        AnsweringHello server(std::string("\x15\x03\x03\x00\x02\x02", 6) + static_cast<char>(alert));
        Caller(server.url(), trusting(ca)).fails(Errc::tls_failed);
        CHECK(server.connections == 2);
    }
}

TEST_CASE("close_notify, or an end, in the middle of the handshake: nothing has left, so it is tried again [55]") {
    const std::string ca = makeCredentials(Certificate::valid).caCertificate;
    for (const std::string& bytes : {std::string("\x15\x03\x03\x00\x02\x01\x00", 7), std::string()}) {
        AnsweringHello server(bytes);
        Caller(server.url(), trusting(ca)).fails(Errc::connection_lost);
        CHECK(server.connections > 2);
    }
}

TEST_CASE("a certificate of an unknown authority, for another host, or expired [56]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        const auto check = [version](Certificate kind, bool known, Errc code) {
            ServerSetup setup(makeCredentials(kind));
            setup.maxVersion = version;
            const std::string other = makeCredentials(Certificate::valid).caCertificate;
            checkRefused(setup, trusting(known ? setup.credentials.caCertificate : other), code);
        };
        check(Certificate::valid, false, Errc::certificate_untrusted);
        check(Certificate::wrongHost, true, Errc::certificate_wrong_host);
        check(Certificate::expired, true, Errc::certificate_expired);
    }
}

TEST_CASE("a version that is too old [56]") {
    ServerSetup setup(makeCredentials(Certificate::valid));
    TlsOptions options = trusting(setup.credentials.caCertificate);
    setup.maxVersion = TLS1_1_VERSION;
    checkRefused(setup, options, Errc::tls_failed);
    setup.maxVersion = TLS1_2_VERSION;
    options.minVersion = TlsVersion::tls1_3;
    checkRefused(setup, options, Errc::tls_failed);
}

TEST_CASE("a certificate that is valid, and none of the pins [56]") {
    ServerSetup setup(makeCredentials(Certificate::valid));
    TlsOptions options = trusting(setup.credentials.caCertificate);
    options.pins = {pinOf(makeCredentials(Certificate::valid).certificate)};
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        setup.maxVersion = version;
        checkRefused(setup, options, Errc::certificate_not_pinned);
    }
    options.pins.push_back(pinOf(setup.credentials.certificate));
    TlsServer server(setup);
    Caller(server.url(), options).succeeds();
}

TEST_CASE("a server that wants another client: refused in one error, and no call was processed") {
    const ServerCredentials own = makeCredentials(Certificate::valid), other = makeCredentials(Certificate::valid);
    const detail::test::TempDirectory directory;
    detail::test::put(directory / "own.pem", own.certificate);
    detail::test::put(directory / "own.key", own.privateKey);
    ServerSetup setup(makeCredentials(Certificate::valid));
    const TlsOptions without = trusting(setup.credentials.caCertificate);
    TlsOptions with = without;
    with.clientCertificateFile = directory / "own.pem";
    with.clientKeyFile = directory / "own.key";
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        setup.maxVersion = version;
        setup.clientCa = own.caCertificate;
        checkRefused(setup, without, Errc::tls_failed);
        TlsServer server(setup);
        Caller caller(server.url(), with);
        caller.succeeds();
        caller.succeeds();
        CHECK(server.resumed == 1);
        setup.clientCa = other.caCertificate;
        checkRefused(setup, with, Errc::tls_failed);
    }
}

TEST_CASE("a certificate that is exchanged while the client lives is verified anew [57]") {
    const ServerSetup first(makeCredentials(Certificate::valid)), second(makeCredentials(Certificate::valid)),
        wrong(makeCredentials(Certificate::wrongHost));
    TlsServer server(first);
    Caller caller(server.url(), trusting(first.credentials.caCertificate + second.credentials.caCertificate));
    caller.succeeds();
    caller.succeeds();
    CHECK(server.resumed == 1);
    server.become(second);
    caller.succeeds();
    CHECK(server.resumed == 1);
    const std::size_t bytes = server.bytes;
    const int connections = server.connections;
    server.become(ServerSetup(makeCredentials(Certificate::valid)));
    caller.fails(Errc::certificate_untrusted);
    server.become(wrong);
    caller.fails(Errc::certificate_untrusted);  // of an authority of its own
    CHECK(server.connections == connections + 4);
    CHECK(server.bytes == bytes);
    server.become(first);
    caller.succeeds();
}

TEST_CASE("a rejected session costs a full handshake and nothing else [59]") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        ServerSetup setup(makeCredentials(Certificate::valid));
        setup.maxVersion = version;
        TlsServer server(setup);
        Caller caller(server.url(), trusting(setup.credentials.caCertificate));
        for (int i = 0; i < 10; ++i) caller.succeeds();
        CHECK(server.resumed == 9);
        server.become(setup);
        caller.succeeds();
        CHECK(server.resumed == 9);
        caller.succeeds();
        CHECK(server.resumed == 10);
        CHECK(server.connections == 12);
        CHECK(server.requests == 12);
    }
}
