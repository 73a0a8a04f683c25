// A Redis server with TLS.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis/redis_server.hpp"
#include "testing/certificate.hpp"

namespace wix::test {

/// Returns whether there is no Redis server, or no TLS in wix::redis, and skips the test case if so.
inline bool noRedisTls() {
    if (noRedis()) return true;
    boost::asio::io_context io;
    try {
        RedisTokenStorage storage(io.get_executor(), "rediss://localhost");
    } catch (const Error& error) {
        if (error.failure().context.find("hiredis_ssl") == std::string::npos) return false;
        skip("wix::redis was built without hiredis_ssl (Debian 13: libhiredis-dev)");
        return true;
    }
    return false;
}

/// PEM of a key and of a certificate that it has signed itself, which a client can show.
inline std::pair<std::string, std::string> makeClientCredentials() {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("client"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const auto pem = [](const auto& write) {
        const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
        REQUIRE(write(bio.get()) == 1);
        char* text = nullptr;
        const long size = BIO_get_mem_data(bio.get(), &text);
        return std::string(text, static_cast<std::size_t>(size));
    };
    return {
        pem([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }),
        pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); })};
}

/// A Redis server that speaks TLS at one port, and nothing else at another, for the commands of a test.
class TlsRedis {
public:
    explicit TlsRedis(std::vector<std::string> more = {"--tls-auth-clients", "no"},
                      testing::Certificate kind = testing::Certificate::valid)
        : credentials_(testing::detail::makeCredentials(kind)) {
        writeFile(files_ / "certificate.pem", credentials_.certificate);
        writeFile(files_ / "key.pem", credentials_.privateKey);
        writeFile(files_ / "ca.pem", credentials_.caCertificate);
        const auto client = makeClientCredentials();
        writeFile(files_ / "client.key", client.first);
        writeFile(files_ / "client.pem", client.second);
        std::vector<std::string> arguments{
            "--tls-port",     std::to_string(port_), "--tls-cert-file",    path("certificate.pem"),
            "--tls-key-file", path("key.pem"),       "--tls-ca-cert-file", path("client.pem")};
        arguments.insert(arguments.end(), more.begin(), more.end());
        plain.emplace(arguments);
    }

    std::uint16_t port() const { return port_; }
    std::string where() const { return "localhost:" + std::to_string(port_); }
    std::string url(const std::string& who = std::string()) const { return "rediss://" + who + where(); }
    std::string path(const std::string& name) const { return (files_ / name).string(); }
    RedisOptions options() const {
        RedisOptions options;
        options.tls.caFile = path("ca.pem");
        return options;
    }

    std::optional<RedisServer> plain;

private:
    const detail::test::TempDirectory files_;
    const testing::detail::ServerCredentials credentials_;
    const std::uint16_t port_ = freePort();
};

}  // namespace wix::test
