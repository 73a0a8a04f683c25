// Certificates that must not be trusted: one Errc each, no retry, and no byte of the request leaves.
#include "integration/failures.hpp"
#include "support/held.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

testing::FakeWixOptions showing(testing::Certificate certificate) {
    testing::FakeWixOptions options;
    options.certificate = certificate;
    return options;
}

/// A session that the client holds valid, so that a call would send its token.
OAuthStrategy strategyWithTokens() {
    OAuthStrategy strategy(clientId);
    const auto later = std::chrono::system_clock::now() + std::chrono::hours(2);
    strategy.tokens =
        Tokens(AccessToken("OauthNG.JWS.SECRET", std::chrono::time_point_cast<std::chrono::seconds>(later)),
               RefreshToken("IST.SECRET", TokenRole::visitor));
    return strategy;
}

void checkRefused(const testing::FakeWix& fake, const ClientOptions& options, Errc expected) {
    asio::io_context io;
    const OAuthStrategy strategy = strategyWithTokens();
    const Client client(io.get_executor(), strategy, options);
    const Failure failure = failureOf(io, client.get(cartPath));
    CHECK(failure.code == expected);
    CHECK(has(failure.context, "TLS handshake with " + options.apiUrl));
    CHECK_FALSE(failure.maybeSent);
    CHECK(fake.state().totalConnections == 1);  // not retried
    CHECK(runOn(io, client.getTokens()) == strategy.tokens);

    const Client newcomer(io.get_executor(), OAuthStrategy(clientId), options);
    CHECK(failureOf(io, newcomer.get(cartPath)).code == expected);  // of the token request
    CHECK(fake.state().totalConnections == 2);
    CHECK(fake.requests("*").empty());
    CHECK(fake.state().visitors == 0);
}

class TempFile {
public:
    explicit TempFile(const std::string& content) {
        char name[] = "/tmp/wix-tls-test-XXXXXX";
        const int file = ::mkstemp(name);
        REQUIRE(file >= 0);
        ::close(file);
        path_ = name;
        std::ofstream(path_) << content;
    }
    ~TempFile() { std::remove(path_.c_str()); }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

Failure refusalWith(const std::string& caFile, const std::string& caPem) {
    asio::io_context io;
    TransportOptions options;
    options.tls.caFile = caFile;
    options.tls.caPem = caPem;
    const Failure failure = refusalOf([&] { Transport(io.get_executor(), options); });
    ClientOptions all;
    all.transport = options;
    const Failure same = refusalOf([&] { Client(io.get_executor(), OAuthStrategy(clientId), all); });
    CHECK(same.code == failure.code);
    CHECK(same.context == failure.context);
    return failure;
}

}  // namespace

TEST_CASE("an unknown authority") {
    const testing::FakeWix fake, other;
    ClientOptions options = optionsFor(fake);
    options.transport.tls.caPem = other.caPem();
    checkRefused(fake, options, Errc::certificate_untrusted);
}

TEST_CASE("a certificate for another host") {
    const testing::FakeWix fake(showing(testing::Certificate::wrongHost));
    checkRefused(fake, optionsFor(fake), Errc::certificate_wrong_host);
}

TEST_CASE("a certificate for another host, by address") {
    const testing::FakeWix fake(showing(testing::Certificate::wrongHost));
    ClientOptions options = optionsFor(fake);
    options.apiUrl = options.edgeUrl = "https://127.0.0.1:" + std::to_string(fake.port());
    checkRefused(fake, options, Errc::certificate_wrong_host);
}

TEST_CASE("an address that the certificate does not name") {
    const testing::FakeWix fake;  // for 127.0.0.1, not for 127.0.0.2
    ClientOptions options = optionsFor(fake);
    options.apiUrl = options.edgeUrl = "https://127.0.0.2:" + std::to_string(fake.port());
    asio::io_context io;
    const Client client(io.get_executor(), strategyWithTokens(), options);
    const Failure failure = failureOf(io, client.get(cartPath));
    // The fake listens on 127.0.0.1 alone, so that not even a connection is made.
    CHECK(failure.code == Errc::connection_refused);
}

TEST_CASE("an expired certificate") {
    const testing::FakeWix fake(showing(testing::Certificate::expired));
    checkRefused(fake, optionsFor(fake), Errc::certificate_expired);
}

TEST_CASE("an address that the certificate names") {
    const testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.apiUrl = options.edgeUrl = "https://127.0.0.1:" + std::to_string(fake.port());
    Visitor visitor(fake, options);
    CHECK(visitor.failingGet().code == Errc::api_error);
    CHECK(lastRequest(fake, "cart").header("Host") == "127.0.0.1:" + std::to_string(fake.port()));
}

TEST_CASE("a file of authorities, alone or with a text of them") {
    const testing::FakeWix first, second;
    const TempFile file(first.caPem());
    ClientOptions options = optionsFor(first);
    options.transport.tls.caFile = file.path();
    options.transport.tls.caPem.clear();
    { Visitor visitor(first, options); }
    options.transport.tls.caPem = second.caPem();
    { Visitor visitor(first, options); }
    options.apiUrl = options.edgeUrl = second.url();
    Visitor visitor(second, options);
}

TEST_CASE("malformed trust is told at construction") {
    const testing::FakeWix fake;
    const TempFile empty(""), garbage("no certificate\n"), good(fake.caPem());
    const std::string cut = fake.caPem().substr(0, fake.caPem().size() / 2);
    const std::string missing = good.path() + ".missing";
    for (const std::string& path :
         {empty.path(), garbage.path(), missing, std::string("/tmp"), std::string("/dev/null")}) {
        CAPTURE(path);
        const Failure failure = refusalWith(path, "");
        CHECK(failure.code == Errc::invalid_argument);
        CHECK(has(failure.context, "TlsOptions::caFile \"" + path + "\" must be a readable file of PEM certificates"));
        CHECK(refusalWith(path, fake.caPem()).code == Errc::invalid_argument);
    }
    for (const std::string& pem : {std::string(" "), std::string("no certificate"), cut, fake.caPem() + cut}) {
        CAPTURE(pem);
        const Failure failure = refusalWith("", pem);
        CHECK(failure.code == Errc::invalid_argument);
        CHECK(failure.context == "TlsOptions::caPem must hold PEM certificates");
        CHECK(refusalWith(good.path(), pem).code == Errc::invalid_argument);
    }
}

TEST_CASE("whatever else is wrong about TLS or the proxy is told at construction") {
    const auto refusal = [](auto change) {
        asio::io_context io;
        TransportOptions options;
        change(options);
        const Failure failure = refusalOf([&] { Transport(io.get_executor(), options); });
        CHECK(failure.code == Errc::invalid_argument);
        return failure.context.substr(0, failure.context.find_first_of(" \""));
    };
    CHECK(refusal([](TransportOptions& o) { o.tls.caDirectory = "/dev/null"; }) == "TlsOptions::caDirectory");
    CHECK(refusal([](TransportOptions& o) { o.tls.extraCaPem = "none"; }) == "TlsOptions::extraCaPem");
    CHECK(refusal([](TransportOptions& o) { o.tls.pins = {"none"}; }) == "TlsOptions::pins");
    const std::string ca = testing::FakeWix().caPem();
    CHECK(refusal([&ca](TransportOptions& o) {
              o.tls.caPem = ca;
              o.tls.clientCertificateFile = "/dev/null";
          }) == "TlsOptions::clientKeyFile");
    CHECK(refusal([&ca](TransportOptions& o) {
              o.tls.caPem = ca;
              o.tls.clientKeyFile = "/dev/null";
          }) == "TlsOptions::clientCertificateFile");
    CHECK(refusal([](TransportOptions& o) { o.proxy.host = "http://proxy"; }) == "ProxyOptions::host");
}

TEST_CASE("an end of the connection in the middle of the handshake") {
    asio::io_context io;
    SilentListener listener;
    std::thread server([&] {
        for (int i = 0; i < 2; ++i) {
            asio::ip::tcp::socket socket(io);
            listener.acceptor().accept(socket);
            char hello[16];
            boost::system::error_code ignored;
            socket.read_some(asio::buffer(hello), ignored);
            if (i == 1) asio::write(socket, asio::buffer("HTTP/1.1 400 Bad Request\r\n\r\n", 28), ignored);
        }
    });
    const testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.apiUrl = options.edgeUrl = listener.url();
    options.retry.maxAttempts = 1;
    for (int i = 0; i < 2; ++i) {
        CAPTURE(i);
        asio::io_context own;
        const Client client(own.get_executor(), strategyWithTokens(), options);
        const Failure failure = failureOf(own, client.get(cartPath));
        CHECK(failure.code == (i == 0 ? Errc::connection_lost : Errc::tls_failed));
        CHECK_FALSE(failure.maybeSent);
    }
    server.join();
}

TEST_CASE("a server that speaks TLS 1.1 at most") {
    asio::ssl::context old(asio::ssl::context::tls_server);
    SSL_CTX_set_min_proto_version(old.native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old.native_handle(), TLS1_1_VERSION);
    SSL_CTX_set_security_level(old.native_handle(), 0);
    SilentListener listener;
    std::thread server([&] {
        asio::io_context io;
        asio::ssl::stream<asio::ip::tcp::socket> stream(io, old);
        boost::system::error_code ignored;
        listener.acceptor().accept(stream.next_layer(), ignored);
        stream.handshake(asio::ssl::stream_base::server, ignored);
    });
    const testing::FakeWix fake;
    ClientOptions options = optionsFor(fake);
    options.apiUrl = options.edgeUrl = listener.url();
    asio::io_context io;
    const Client client(io.get_executor(), strategyWithTokens(), options);
    const Failure failure = failureOf(io, client.get(cartPath));
    server.join();
    CHECK(failure.code == Errc::tls_failed);
    CHECK(has(failure.context, "protocol version"));
    CHECK_FALSE(failure.maybeSent);
}
