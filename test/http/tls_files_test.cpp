// Whom TLS trusts, and who the client is; and which files and texts are refused, and how.
#include "http/tls_context.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>

#include "storage/temp_directory.hpp"
#include "support/tls_pair.hpp"

using namespace wix;
using namespace wix::test;
using detail::makeTlsContext;
using detail::Origin;
using detail::test::put;
using detail::test::TempDirectory;
using testing::Certificate;
using testing::detail::makeCredentials;
using testing::detail::ServerCredentials;

namespace {

const Origin origin(true, "localhost", 443);

bool accepts(const TlsOptions& options, const ServerCredentials& credentials) {
    const std::string found = handshakeOutcome(options, ServerSetup(credentials));
    CHECK_MESSAGE((found == "TLSv1.3" || found == meaningOf(Errc::certificate_untrusted)), found);
    return found == "TLSv1.3";
}

Failure refusal(const TlsOptions& options) {
    const auto made = makeTlsContext(options);
    REQUIRE(made.has_error());
    return made.error();
}

/// The name that `openssl rehash` gives.
std::string hashedName(const std::string& pem, int number = 0) {
    char name[32];
    std::snprintf(name, sizeof name, "%08lx.%d", X509_subject_name_hash(certificateOf(pem).get()), number);
    return name;
}

std::string encrypted(const std::string& keyPem, bool traditional) {
    const std::shared_ptr<BIO> in(BIO_new_mem_buf(keyPem.data(), -1), BIO_free), out(BIO_new(BIO_s_mem()), BIO_free);
    const std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    unsigned char secret[] = "hunter2";
    const auto write = traditional ? PEM_write_bio_PrivateKey_traditional : PEM_write_bio_PrivateKey;
    REQUIRE(write(out.get(), key.get(), EVP_aes_256_cbc(), secret, 7, nullptr, nullptr) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

// -- Trust -------------------------------------------------------------------------------------------------------------

TEST_CASE("file, directory and text of authorities replace the system's store, together") {
    const ServerCredentials one = makeCredentials(Certificate::valid), two = makeCredentials(Certificate::valid),
                            three = makeCredentials(Certificate::valid), four = makeCredentials(Certificate::valid);
    const TempDirectory directory;
    put(directory / "ca.pem", one.caCertificate);
    std::filesystem::create_directory(directory / "hashed");
    put(directory / ("hashed/" + hashedName(two.caCertificate)), two.caCertificate);
    put(directory / "hashed/README", "not hashed, not read");
    TlsOptions options;
    options.caFile = directory / "ca.pem";
    CHECK(accepts(options, one));
    CHECK_FALSE(accepts(options, two));
    options.caDirectory = directory / "hashed";
    options.caPem = three.caCertificate;
    for (const ServerCredentials* trusted : {&one, &two, &three}) CHECK(accepts(options, *trusted));
    CHECK_FALSE(accepts(options, four));
    options.caFile.clear();
    options.caPem.clear();
    CHECK_FALSE(accepts(options, one));
    CHECK(accepts(options, two));
}

TEST_CASE("a directory is read when the context is made") {
    const ServerCredentials credentials = makeCredentials(Certificate::valid);
    TlsOptions options;
    detail::TlsContextPtr client;
    {
        const TempDirectory directory;
        // Two authorities of one name: the numbers tell them apart.
        const std::string other = makeCredentials(Certificate::valid).caCertificate;
        REQUIRE(hashedName(other) == hashedName(credentials.caCertificate));
        put(directory / hashedName(other, 0), other);
        put(directory / hashedName(credentials.caCertificate, 1), credentials.caCertificate);
        options.caDirectory = directory.path();
        client = *makeTlsContext(options);
    }
    const auto server = serverContext(ServerSetup(credentials));
    CHECK(TlsPair(*client, *server, origin).shake());
}

TEST_CASE("an extra authority is trusted besides the others") {
    const ServerCredentials one = makeCredentials(Certificate::valid), extra = makeCredentials(Certificate::valid);
    TlsOptions options;
    options.caPem = one.caCertificate;
    options.extraCaPem = extra.caCertificate;
    CHECK(accepts(options, one));
    CHECK(accepts(options, extra));
    options.extraCaPem += one.caCertificate;  // twice is no mistake
    CHECK(accepts(options, one));
    options.caPem.clear();  // the system's store, whatever is in it
    options.extraCaPem = extra.caCertificate;
    CHECK(accepts(options, extra));
    CHECK_FALSE(accepts(options, one));
}

TEST_CASE("texts and directories that trust nobody are refused") {
    const std::string good = makeCredentials(Certificate::valid).caCertificate;
    const std::string cut = good.substr(0, good.size() / 2);
    for (const std::string& pem : {std::string(" "), std::string("no certificate"), cut, good + cut}) {
        CAPTURE(pem);
        TlsOptions options;
        options.extraCaPem = pem;
        CHECK(refusal(options).code == Errc::invalid_argument);
        CHECK(refusal(options).context == "TlsOptions::extraCaPem must hold PEM certificates");
    }
    const TempDirectory directory;
    TlsOptions options;
    const auto refusalOfDirectory = [&options](const std::string& path) {
        options.caDirectory = path;
        const Failure failure = refusal(options);
        CHECK(failure.code == Errc::invalid_argument);
        const std::string begin = "TlsOptions::caDirectory \"" + path + "\" must ";
        CHECK(failure.context.starts_with(begin));
        return failure.context.substr(begin.size());
    };
    const std::string empty = "hold PEM certificates with hashed names: run openssl rehash on it";
    CHECK(refusalOfDirectory(directory / "missing").starts_with("be a readable directory"));
    CHECK(refusalOfDirectory(directory.path()) == empty);
    put(directory / "ca.pem", good);
    CHECK(refusalOfDirectory(directory.path()) == empty);
    CHECK(refusalOfDirectory(directory / "ca.pem").starts_with("be a readable directory"));
    for (const char* name : {"0123abcd.r0", "0123ABCD.0", "0123abcd.", "123abcd.0", "0123abcd.0.pem"})
        put(directory / name, good);
    CHECK(refusalOfDirectory(directory.path()) == empty);
    std::filesystem::create_symlink("gone.pem", directory / "0123abcd.0");
    CHECK(refusalOfDirectory(directory.path()).find("and 0123abcd.0 is none") != std::string::npos);
    options.caPem = good;
    CHECK(refusalOfDirectory(directory.path()).find("and 0123abcd.0 is none") != std::string::npos);
}

// -- The client's certificate ------------------------------------------------------------------------------------------

TEST_CASE("a server that asks for it gets the client's certificate") {
    const ServerCredentials credentials = makeCredentials(Certificate::valid),
                            own = makeCredentials(Certificate::valid), foreign = makeCredentials(Certificate::valid);
    const TempDirectory directory;
    put(directory / "own.pem", own.certificate);
    put(directory / "own.key", own.privateKey);
    put(directory / "foreign.pem", foreign.certificate);
    put(directory / "foreign.key", foreign.privateKey);
    TlsOptions with, wrong, without;
    with.caPem = wrong.caPem = without.caPem = credentials.caCertificate;
    with.clientCertificateFile = directory / "own.pem";
    with.clientKeyFile = directory / "own.key";
    wrong.clientCertificateFile = directory / "foreign.pem";
    wrong.clientKeyFile = directory / "foreign.key";
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        ServerSetup setup(credentials);
        setup.maxVersion = version;
        setup.clientCa = own.caCertificate;
        const auto server = serverContext(setup);
        const auto client = *makeTlsContext(with);
        for (const bool resumed : {false, true}) {
            TlsPair pair(*client, *server, origin);
            CHECK(pair.shake());
            CHECK(pair.answer());
            CHECK(pair.resumed() == resumed);
        }
        for (const TlsOptions& options : {wrong, without}) {
            const auto refused = *makeTlsContext(options);
            TlsPair pair(*refused, *server, origin);
            // In TLS 1.3 the client has ended its handshake before the server has looked.
            CHECK(pair.shake() == (version == TLS1_3_VERSION));
            if (version == TLS1_2_VERSION) CHECK(pair.failure().code == Errc::tls_failed);
            if (version == TLS1_3_VERSION) CHECK_FALSE(pair.answer());
            if (version == TLS1_3_VERSION) CHECK(detail::refusesClientCertificate(pair.clientError));
        }
    }
    CHECK_FALSE(detail::refusesClientCertificate(boost::asio::error::eof));
    CHECK_FALSE(detail::refusesClientCertificate(boost::asio::ssl::error::stream_truncated));
}

TEST_CASE("a client's certificate or key that cannot be used is refused, and nobody is asked for a passphrase") {
    const ServerCredentials own = makeCredentials(Certificate::valid), other = makeCredentials(Certificate::valid);
    const TempDirectory directory;
    put(directory / "own.pem", own.certificate);
    put(directory / "own.key", own.privateKey);
    put(directory / "other.key", other.privateKey);
    put(directory / "pkcs8.key", encrypted(own.privateKey, false));
    put(directory / "traditional.key", encrypted(own.privateKey, true));
    put(directory / "garbage", "no key\n");
    const auto why = [&](const std::string& certificate, const std::string& key) {
        TlsOptions options;
        options.caPem = own.caCertificate;
        if (!certificate.empty()) options.clientCertificateFile = directory / certificate;
        if (!key.empty()) options.clientKeyFile = directory / key;
        if (makeTlsContext(options).has_value()) return std::string("accepted");
        CHECK(refusal(options).code == Errc::invalid_argument);
        std::string text = refusal(options).context;
        const std::string place = directory.path().string() + "/";
        if (const auto at = text.find(place); at != std::string::npos) text.erase(at, place.size());
        return text.substr(text.find("::") + 2);
    };
    CHECK(why("own.pem", "own.key") == "accepted");
    CHECK(why("", "own.key") == "clientCertificateFile must be set as well: the certificate of clientKeyFile");
    CHECK(why("own.pem", "") == "clientKeyFile must be set as well: the key of clientCertificateFile");
    const std::string unreadable = " must be a readable file of PEM certificates, the client's first";
    CHECK(why("missing", "own.key") == "clientCertificateFile \"missing\"" + unreadable);
    CHECK(why("garbage", "own.key") == "clientCertificateFile \"garbage\"" + unreadable);
    CHECK(why("own.key", "own.key") == "clientCertificateFile \"own.key\"" + unreadable);
    CHECK(why("own.pem", "missing") == "clientKeyFile \"missing\" must be a readable PEM file of a private key");
    CHECK(why("own.pem", "garbage") == "clientKeyFile \"garbage\" must be a readable PEM file of a private key");
    CHECK(why("own.pem", "own.pem") == "clientKeyFile \"own.pem\" must be a readable PEM file of a private key");
    CHECK(why("own.pem", "pkcs8.key") == "clientKeyFile \"pkcs8.key\" must be a key without a passphrase");
    CHECK(why("own.pem", "traditional.key") == "clientKeyFile \"traditional.key\" must be a key without a passphrase");
    CHECK(why("own.pem", "other.key") ==
          "clientKeyFile \"other.key\" must be the key of the first certificate in clientCertificateFile");
}
