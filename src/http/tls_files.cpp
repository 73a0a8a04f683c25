#include "http/tls_files.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace wix::detail {
namespace {

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

/// Without a callback of ours OpenSSL would ask the terminal.
int noPassphrase(char*, int, int, void* wasAsked) {
    if (wasAsked) *static_cast<bool*>(wasAsked) = true;
    return -1;
}

Failure wants(const char* option, const std::string& what) {
    ERR_clear_error();
    return Failure(Errc::invalid_argument, "TlsOptions::" + std::string(option) + " must " + what);
}
Failure wants(const char* option, const std::string& path, const std::string& what) {
    return wants((std::string(option) + " \"" + path + "\"").c_str(), what);
}

int trustedCertificates(asio::ssl::context& context) {
    return sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context.native_handle())));
}

/// OpenSSL's own directory is read on demand, so that an empty store does not show until a handshake fails.
bool nobodyIsTrusted(asio::ssl::context& context) {
    if (trustedCertificates(context) > 0) return false;
    const char* set = std::getenv(X509_get_default_cert_dir_env());
    std::error_code ec;
    const fs::directory_iterator files(set ? set : X509_get_default_cert_dir(), ec);
    return ec || files == fs::directory_iterator();
}

bool addPem(asio::ssl::context& context, const std::string& pem) {
    X509_STORE* store = SSL_CTX_get_cert_store(context.native_handle());
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1u << 30))));
    if (!bio) return false;
    int found = 0;
    for (;; ++found) {
        const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, noPassphrase, nullptr));
        if (!certificate) break;
        if (X509_STORE_add_cert(store, certificate.get()) != 1) return false;
    }
    const bool atEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return found > 0 && atEnd;
}

/// What `openssl rehash` makes: eight hexadecimal digits, a dot and a number.
bool isHashedName(std::string_view name) {
    const auto allOf = [](std::string_view text, std::string_view chars) {
        return !text.empty() && text.find_first_not_of(chars) == text.npos;
    };
    return name.size() > 9 && name[8] == '.' && allOf(name.substr(0, 8), "0123456789abcdef") &&
           allOf(name.substr(9), "0123456789");
}

/// OpenSSL would read it while it shakes hands; what is wrong with it is to be told now.
std::optional<Failure> addDirectory(asio::ssl::context& context, const std::string& path) {
    std::error_code ec;
    std::vector<fs::path> files;
    for (fs::directory_iterator at(path, ec), end; !ec && at != end; at.increment(ec))
        if (isHashedName(at->path().filename().string())) files.push_back(at->path());
    if (ec) return wants("caDirectory", path, "be a readable directory (" + ec.message() + ")");
    if (files.empty())
        return wants("caDirectory", path, "hold PEM certificates with hashed names: run openssl rehash on it");
    for (const fs::path& file : files) {
        boost::system::error_code error;
        context.load_verify_file(file.string(), error);
        if (error)
            return wants("caDirectory", path,
                         "hold readable PEM certificates, and " + file.filename().string() + " is none (" +
                             error.message() + "); run openssl rehash on it");
    }
    return std::nullopt;
}

}  // namespace

std::optional<Failure> loadTrust(asio::ssl::context& context, const TlsOptions& options) {
    boost::system::error_code ec;
    if (!options.caFile.empty()) {
        context.load_verify_file(options.caFile, ec);
        if (ec) return wants("caFile", options.caFile, "be a readable file of PEM certificates (" + ec.message() + ")");
    }
    if (!options.caDirectory.empty())
        if (auto failure = addDirectory(context, options.caDirectory)) return failure;
    if (!options.caPem.empty() && !addPem(context, options.caPem)) return wants("caPem", "hold PEM certificates");
    if (!options.extraCaPem.empty() && !addPem(context, options.extraCaPem))
        return wants("extraCaPem", "hold PEM certificates");
    if (!options.caFile.empty() || !options.caDirectory.empty() || !options.caPem.empty()) return std::nullopt;
    context.set_default_verify_paths(ec);
    if (ec || nobodyIsTrusted(context))
        return Failure(Errc::certificate_untrusted,
                       "the system has no CA certificates: install ca-certificates or set TlsOptions::caFile");
    return std::nullopt;
}

std::optional<Failure> loadClientCertificate(asio::ssl::context& context, const TlsOptions& options) {
    const std::string &chainFile = options.clientCertificateFile, &keyFile = options.clientKeyFile;
    if (chainFile.empty() && keyFile.empty()) return std::nullopt;
    if (keyFile.empty()) return wants("clientKeyFile", "be set as well: the key of clientCertificateFile");
    if (chainFile.empty()) return wants("clientCertificateFile", "be set as well: the certificate of clientKeyFile");

    SSL_CTX* native = context.native_handle();
    SSL_CTX_set_default_passwd_cb(native, noPassphrase);
    if (SSL_CTX_use_certificate_chain_file(native, chainFile.c_str()) != 1)
        return wants("clientCertificateFile", chainFile, "be a readable file of PEM certificates, the client's first");

    const Bio file(BIO_new_file(keyFile.c_str(), "re"));
    bool isEncrypted = false;
    const Key key(file ? PEM_read_bio_PrivateKey(file.get(), nullptr, noPassphrase, &isEncrypted) : nullptr);
    if (isEncrypted) return wants("clientKeyFile", keyFile, "be a key without a passphrase");
    if (!key) return wants("clientKeyFile", keyFile, "be a readable PEM file of a private key");
    if (SSL_CTX_use_PrivateKey(native, key.get()) != 1 || SSL_CTX_check_private_key(native) != 1)
        return wants("clientKeyFile", keyFile, "be the key of the first certificate in clientCertificateFile");
    return std::nullopt;
}

}  // namespace wix::detail
