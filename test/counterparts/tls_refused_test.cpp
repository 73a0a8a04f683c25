// Row 56 with two TLS stacks of other makers: what may not be trusted is refused, is never retried, and gets no byte of a
// request.
#include "counterparts/tls_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

namespace {

using Stack = TlsServer::Stack;

bool skipped(Stack stack) {
    return stack == Stack::openssl ? missing("openssl", "openssl") : missing("gnutls-serv", "gnutls-bin");
}

/// The arguments that make a server speak one version only.
std::vector<std::string> only(Stack stack, const std::string& version) {
    if (stack == Stack::gnutls) return {"--priority", "NORMAL:-VERS-ALL:+VERS-TLS" + version};
    const std::string option = version == "1.0" ? "-tls1" : "-tls1_1";
    return {option, "-cipher", "DEFAULT@SECLEVEL=0"};
}

/// What a GET and a POST fail with. Both are made with a session that is good, so that nothing comes before them.
Failure refusalAt(TlsServer& server, const ClientOptions& options) {
    const std::size_t before = server.handshakes();
    asio::io_context io;
    const Client client(io.get_executor(), strategyWithTokens(), options);
    Failure failure = failureOf(io, client.get(cartPath));
    CHECK(server.handshakes() == before + 1);
    CHECK_FALSE(failure.maybeSent);
    CHECK(has(failure.context, "TLS handshake with " + options.apiUrl));
    const Failure posted = failureOf(io, client.post(addPath, object()));
    CHECK(server.handshakes() == before + 2);
    CHECK(posted.code == failure.code);
    CHECK_FALSE(posted.maybeSent);
    // s_server prints what it has decrypted.
    for (const char* sent : {"SECRET", "GET /", "POST /", "Authorization"})
        CHECK_FALSE(has(server.process().output(), sent));
    return failure;
}

void checkVersionRefused(Stack stack, const std::string& version) {
    if (skipped(stack)) return;
    const Site site;
    TlsServer server(stack, site, only(stack, version));
    CHECK(refusalAt(server, site.options()).code == Errc::tls_failed);
}

void checkCertificateRefused(Stack stack, testing::Certificate kind, Errc expected) {
    if (skipped(stack)) return;
    const Site site(kind);
    TlsServer server(stack, site, {});
    CHECK(refusalAt(server, site.options()).code == expected);
}

}  // namespace

TEST_CASE("openssl speaks TLS 1.1 only [56]") { checkVersionRefused(Stack::openssl, "1.1"); }
TEST_CASE("openssl speaks TLS 1.0 only [56]") { checkVersionRefused(Stack::openssl, "1.0"); }
TEST_CASE("GnuTLS speaks TLS 1.1 only [56]") { checkVersionRefused(Stack::gnutls, "1.1"); }
TEST_CASE("GnuTLS speaks TLS 1.0 only [56]") { checkVersionRefused(Stack::gnutls, "1.0"); }

TEST_CASE("openssl shows the certificate of another host [56]") {
    checkCertificateRefused(Stack::openssl, testing::Certificate::wrongHost, Errc::certificate_wrong_host);
}
TEST_CASE("GnuTLS shows the certificate of another host [56]") {
    checkCertificateRefused(Stack::gnutls, testing::Certificate::wrongHost, Errc::certificate_wrong_host);
}

TEST_CASE("openssl shows an expired certificate [56]") {
    checkCertificateRefused(Stack::openssl, testing::Certificate::expired, Errc::certificate_expired);
}
TEST_CASE("GnuTLS shows an expired certificate [56]") {
    checkCertificateRefused(Stack::gnutls, testing::Certificate::expired, Errc::certificate_expired);
}

TEST_CASE("an authority that the client does not know [56]") {
    for (const Stack stack : {Stack::openssl, Stack::gnutls}) {
        if (skipped(stack)) continue;
        const Site site, other;
        TlsServer server(stack, site, {});
        ClientOptions options = site.options();
        options.transport.tls.caPem = other.options().transport.tls.caPem;
        CHECK(refusalAt(server, options).code == Errc::certificate_untrusted);
    }
}

TEST_CASE("a certificate that has signed itself [56]") {
    for (const Stack stack : {Stack::openssl, Stack::gnutls}) {
        if (skipped(Stack::openssl) || skipped(stack)) continue;
        const Site site;
        ChildProcess maker(site.home.path(), findProgram("openssl"),
                           {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                            "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                            "key.pem", "-out", "certificate.pem"});
        REQUIRE(eventually([&] { return !maker.running(); }));
        TlsServer server(stack, site, {});
        CHECK(refusalAt(server, site.options()).code == Errc::certificate_untrusted);
    }
}
