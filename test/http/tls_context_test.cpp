// Which versions and keys of servers are accepted.
#include "http/tls_context.hpp"

#include <doctest/doctest.h>

#include "support/tls_pair.hpp"

using namespace wix;
using namespace wix::test;
using detail::makeTlsContext;
using detail::Origin;
using testing::Certificate;
using testing::detail::makeCredentials;
using testing::detail::ServerCredentials;

namespace {

const Origin origin(true, "localhost", 443);

Failure refusal(const TlsOptions& options) {
    const auto made = makeTlsContext(options);
    REQUIRE(made.has_error());
    return made.error();
}

}  // namespace

// -- Versions ----------------------------------------------------------------------------------------------------------

TEST_CASE("the oldest version that is accepted") {
    const ServerCredentials credentials = makeCredentials(Certificate::valid);
    ServerSetup old(credentials);
    old.maxVersion = TLS1_2_VERSION;
    TlsOptions options;
    options.caPem = credentials.caCertificate;
    CHECK(handshakeOutcome(options, old) == "TLSv1.2");
    CHECK(handshakeOutcome(options, ServerSetup(credentials)) == "TLSv1.3");
    options.minVersion = TlsVersion::tls1_3;
    CHECK(handshakeOutcome(options, old) == meaningOf(Errc::tls_failed));
    CHECK(handshakeOutcome(options, ServerSetup(credentials)) == "TLSv1.3");
}

// -- Pins --------------------------------------------------------------------------------------------------------------

TEST_CASE("a pin is the key of any certificate in the verified chain") {
    const ServerCredentials credentials = makeCredentials(Certificate::valid);
    const std::string foreign = pinOf(makeCredentials(Certificate::valid).certificate);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        ServerSetup server(credentials);
        server.maxVersion = version;
        TlsOptions options;
        options.caPem = credentials.caCertificate;
        const std::string accepted = handshakeOutcome(options, server);
        options.pins = {pinOf(credentials.certificate)};
        CHECK(handshakeOutcome(options, server) == accepted);
        options.pins = {"sha256/" + foreign, "sha256/" + pinOf(credentials.caCertificate)};
        CHECK(handshakeOutcome(options, server) == accepted);
        options.pins = {foreign};
        CHECK(handshakeOutcome(options, server) == meaningOf(Errc::certificate_not_pinned));
    }
}

TEST_CASE("pins come after the usual verification, not instead of it") {
    for (const Certificate kind : {Certificate::valid, Certificate::expired, Certificate::wrongHost}) {
        const ServerCredentials credentials = makeCredentials(kind);
        TlsOptions options;
        options.caPem = kind == Certificate::valid ? makeCredentials(kind).caCertificate : credentials.caCertificate;
        options.pins = {pinOf(credentials.certificate)};
        const Errc expected = kind == Certificate::valid     ? Errc::certificate_untrusted
                              : kind == Certificate::expired ? Errc::certificate_expired
                                                             : Errc::certificate_wrong_host;
        CHECK(handshakeOutcome(options, ServerSetup(credentials)) == meaningOf(expected));
    }
}

TEST_CASE("pinned sessions are resumed, and a refused connection leaves none") {
    const ServerCredentials credentials = makeCredentials(Certificate::valid);
    const auto server = serverContext(ServerSetup(credentials));
    TlsOptions options;
    options.caPem = credentials.caCertificate;
    options.pins = {pinOf(credentials.certificate)};
    const auto client = *makeTlsContext(options);
    for (const bool resumed : {false, true, true}) {
        TlsPair pair(*client, *server, origin);
        CHECK(pair.shake());
        CHECK(pair.answer());
        CHECK(pair.resumed() == resumed);
    }
    options.pins = {pinOf(makeCredentials(Certificate::valid).certificate)};
    const auto strict = *makeTlsContext(options);
    for (int i = 0; i < 3; ++i) {
        TlsPair pair(*strict, *server, origin);
        CHECK_FALSE(pair.shake());
        CHECK_FALSE(pair.resumed());
    }
}

TEST_CASE("a pin as other tools compute it") {
    const std::string pem = R"(-----BEGIN CERTIFICATE-----
MIIBeDCCAR+gAwIBAgIUKyBTUzP726Jb/Uc+Yb6aFtIKk48wCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGcGlubmVkMCAXDTI2MTEyNDE5NTIzMFoYDzIxMjYxMDMxMTk1
MjMwWjARMQ8wDQYDVQQDDAZwaW5uZWQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARr4bvPGlPGGMWJyaYCpqTpqj5qEnAalTHhE/5fOIdb6UoFoRtR6bWYOMZKjd6O
hpPreeQL66xTdMF4AoMwnvfQo1MwUTAdBgNVHQ4EFgQU0+pVcAuyvAeHr05pD3ka
n8IjXAswHwYDVR0jBBgwFoAU0+pVcAuyvAeHr05pD3kan8IjXAswDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiByTmboN5wnzJ6kaAptoPMUK0fJmqd6
Z2O54dpgQgkI3AIgGPHhLrCDeZJXvo3bP1ILaVYueD6bKpeDmO/82FyQ2X8=
-----END CERTIFICATE-----
)";
    const std::string pin = "9XdS65EdW3A4uEDjj2g0pB1/vlK/s9VawODjesD//eo=";
    const auto certificate = certificateOf(pem);
    const std::shared_ptr<STACK_OF(X509)> chain(sk_X509_new_null(), [](STACK_OF(X509) * all) { sk_X509_free(all); });
    CHECK_FALSE(detail::TlsPins::parse({pin})->match(chain.get()));
    sk_X509_push(chain.get(), certificate.get());
    CHECK(detail::TlsPins::parse({pin})->match(chain.get()));
    CHECK(detail::TlsPins::parse({"sha256/" + pin})->match(chain.get()));
    CHECK_FALSE(detail::TlsPins::parse({})->match(chain.get()));
}

TEST_CASE("malformed pins are refused") {
    const std::string good = "9XdS65EdW3A4uEDjj2g0pB1/vlK/s9VawODjesD//eo=";
    for (const std::string& pin :
         {std::string(), std::string("sha256/"), "sha256//" + good, "SHA256/" + good, "sha1/" + good, good + "=",
          good.substr(0, 43), " " + good.substr(1), good.substr(0, 43) + "A", good.substr(0, 42) + "p=",
          good.substr(0, 42) + "==", std::string(44, '='), std::string(44, '*'), std::string(64, 'a')}) {
        CAPTURE(pin);
        TlsOptions options;
        options.pins = {good, pin};
        CHECK(refusal(options).code == Errc::invalid_argument);
        CHECK(refusal(options).context.starts_with("TlsOptions::pins must each be"));
    }
}
