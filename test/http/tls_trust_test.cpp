// Which certificates end a chain.
#include <doctest/doctest.h>

#include "support/tls_pair.hpp"

using namespace wix;
using namespace wix::test;
using detail::makeTlsContext;
using testing::Certificate;
using testing::detail::makeCredentials;
using testing::detail::ServerCredentials;

namespace {

/// The certificates of a server that an intermediate authority has signed, apart.
struct Chain {
    explicit Chain(Certificate kind = Certificate::valid) : credentials(makeCredentials(kind, true)) {
        const std::string end = "-----END CERTIFICATE-----\n";
        const std::size_t split = credentials.certificate.find(end) + end.size();
        leaf = credentials.certificate.substr(0, split);
        issuing = credentials.certificate.substr(split);
        root = credentials.caCertificate;
    }
    std::string outcome(const TlsOptions& options) const { return handshakeOutcome(options, ServerSetup(credentials)); }

    ServerCredentials credentials;
    std::string leaf, issuing, root;
};

TlsOptions trusting(std::string pem) {
    TlsOptions options;
    options.caPem = std::move(pem);
    return options;
}

const std::string accepted = "TLSv1.3";

}  // namespace

TEST_CASE("a trusted certificate ends the chain: root, issuing authority or the server's own [C13]") {
    const Chain chain;
    CHECK(chain.outcome(trusting(chain.root)) == accepted);
    CHECK(chain.outcome(trusting(chain.issuing)) == accepted);
    CHECK(chain.outcome(trusting(chain.leaf)) == accepted);
    CHECK(chain.outcome(trusting(chain.issuing + chain.root)) == accepted);
    TlsOptions extra = trusting(makeCredentials(Certificate::valid).caCertificate);
    CHECK(chain.outcome(extra) == meaningOf(Errc::certificate_untrusted));
    extra.extraCaPem = chain.issuing;
    CHECK(chain.outcome(extra) == accepted);
    extra.extraCaPem = chain.leaf;
    CHECK(chain.outcome(extra) == accepted);
}

TEST_CASE("a server that sends its own certificate alone is trusted through the issuing authority [C13]") {
    Chain chain;
    chain.credentials.certificate = chain.leaf;
    CHECK(chain.outcome(trusting(chain.issuing)) == accepted);
    CHECK(chain.outcome(trusting(chain.leaf)) == accepted);
    CHECK(chain.outcome(trusting(chain.root)) == meaningOf(Errc::certificate_untrusted));
}

TEST_CASE("trust in another authority or another server is none in this one [C13]") {
    const Chain chain, other;
    for (const std::string& pem : {other.root, other.issuing, other.leaf})
        CHECK(chain.outcome(trusting(pem)) == meaningOf(Errc::certificate_untrusted));
}

TEST_CASE("dates and host are checked whatever ends the chain [C13]") {
    for (const Certificate kind : {Certificate::expired, Certificate::wrongHost}) {
        const Chain chain(kind);
        const Errc expected = kind == Certificate::expired ? Errc::certificate_expired : Errc::certificate_wrong_host;
        for (const std::string& pem : {chain.root, chain.issuing, chain.leaf})
            CHECK(chain.outcome(trusting(pem)) == meaningOf(expected));
    }
}

TEST_CASE("pins match any certificate up to the highest that is trusted [C13]") {
    const Chain chain;
    const std::string both = chain.issuing + chain.root;
    struct Case {
        std::string trusted, pinned;
        bool matches;
    };
    for (const Case& one : {Case{chain.issuing, chain.leaf, true}, Case{chain.issuing, chain.issuing, true},
                            Case{chain.issuing, chain.root, false}, Case{chain.leaf, chain.leaf, true},
                            Case{chain.leaf, chain.root, false}, Case{both, chain.leaf, true},
                            Case{both, chain.issuing, true}, Case{both, chain.root, true},
                            Case{chain.leaf + both, chain.root, true}, Case{chain.root, chain.root, true}}) {
        CAPTURE(one.matches);
        TlsOptions options = trusting(one.trusted);
        options.pins = {pinOf(one.pinned)};
        CHECK(chain.outcome(options) == (one.matches ? accepted : meaningOf(Errc::certificate_not_pinned)));
    }
    TlsOptions foreign = trusting(both);
    foreign.pins = {pinOf(Chain().root)};
    CHECK(chain.outcome(foreign) == meaningOf(Errc::certificate_not_pinned));
}
