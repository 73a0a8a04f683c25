#include "testing/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <stdexcept>

namespace wix::testing::detail {

namespace {

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;

constexpr long day = 86'400;

void check(bool success, const char* what) {
    if (!success) throw std::runtime_error(std::string("wix::testing: OpenSSL cannot ") + what);
}

Key makeKey() {
    Key key(EVP_EC_gen("P-256"));
    check(key != nullptr, "make a key");
    return key;
}

void addExtension(X509* certificate, X509* issuer, int id, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value));
    check(extension != nullptr, "make an extension");
    check(X509_add_ext(certificate, extension.get(), -1) == 1, "add an extension");
}

// Serial numbers are random: trust stores that hold several fakes' authorities must not mix them up.
void setSerial(X509* certificate) {
    unsigned char bytes[8];
    check(RAND_bytes(bytes, sizeof bytes) == 1, "draw a serial number");
    std::uint64_t number = 0;
    for (const unsigned char byte : bytes) number = (number << 8) | byte;
    check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1) == 1, "set a serial number");
}

void setName(X509_NAME* name, const char* text) {
    check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text), -1, -1,
                                     0) == 1,
          "set a name");
}

X509Ptr makeCertificate(EVP_PKEY* key, const char* name, long notBefore, long notAfter) {
    X509Ptr certificate(X509_new());
    check(certificate != nullptr, "make a certificate");
    check(X509_set_version(certificate.get(), X509_VERSION_3) == 1, "set a version");
    setSerial(certificate.get());
    setName(X509_get_subject_name(certificate.get()), name);
    check(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), notBefore) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(certificate.get()), notAfter) != nullptr,
          "set a validity");
    check(X509_set_pubkey(certificate.get(), key) == 1, "set a public key");
    return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* issuerKey) {
    check(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1, "set an issuer");
    check(X509_sign(certificate, issuerKey, EVP_sha256()) > 0, "sign a certificate");
}

std::string textOf(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<std::size_t>(size));
}

std::string pemOf(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    check(bio != nullptr && PEM_write_bio_X509(bio.get(), certificate) == 1, "write a certificate");
    return textOf(bio.get());
}

std::string pemOf(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    check(bio != nullptr && PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "write a key");
    return textOf(bio.get());
}

/// Signed by another one, or by itself.
struct Authority {
    Authority(const char* name, const Authority* issuer, bool hasAuthoritiesBelow)
        : key(makeKey()), certificate(makeCertificate(key.get(), name, -3 * day, 2 * day)) {
        X509* const signer = issuer ? issuer->certificate.get() : certificate.get();
        addExtension(certificate.get(), signer, NID_basic_constraints,
                     hasAuthoritiesBelow ? "critical,CA:TRUE,pathlen:1" : "critical,CA:TRUE,pathlen:0");
        addExtension(certificate.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign");
        addExtension(certificate.get(), signer, NID_subject_key_identifier, "hash");
        if (issuer) addExtension(certificate.get(), signer, NID_authority_key_identifier, "keyid:always");
        sign(certificate.get(), signer, issuer ? issuer->key.get() : key.get());
    }
    const Key key;
    const X509Ptr certificate;
};

}  // namespace

ServerCredentials makeCredentials(Certificate kind, bool viaIntermediate) {
    const Authority root("wix::testing authority", nullptr, viaIntermediate);
    std::optional<Authority> between;
    if (viaIntermediate) between.emplace("wix::testing intermediate", &root, false);
    const Authority& issuer = between ? *between : root;

    const bool expired = kind == Certificate::expired;
    const Key leafKey = makeKey();
    const X509Ptr leaf =
        makeCertificate(leafKey.get(), "wix::testing server", expired ? -2 * day : -day, expired ? -day : day);
    X509* const ca = issuer.certificate.get();
    addExtension(leaf.get(), ca, NID_basic_constraints, "critical,CA:FALSE");
    addExtension(leaf.get(), ca, NID_key_usage, "critical,digitalSignature");
    addExtension(leaf.get(), ca, NID_ext_key_usage, "serverAuth");
    addExtension(leaf.get(), ca, NID_subject_alt_name,
                 kind == Certificate::wrongHost
                     ? "DNS:other.example"
                     : "DNS:localhost,DNS:www.wixapis.com,DNS:edge.wixapis.com,IP:127.0.0.1,IP:::1");
    addExtension(leaf.get(), ca, NID_subject_key_identifier, "hash");
    addExtension(leaf.get(), ca, NID_authority_key_identifier, "keyid:always");
    sign(leaf.get(), ca, issuer.key.get());

    ServerCredentials credentials;
    credentials.caCertificate = pemOf(root.certificate.get());
    credentials.certificate = pemOf(leaf.get());
    if (between) credentials.certificate += pemOf(ca);
    credentials.privateKey = pemOf(leafKey.get());
    return credentials;
}

}  // namespace wix::testing::detail
