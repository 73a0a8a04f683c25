#include "http/tls_context.hpp"

#include <boost/asio/buffer.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>

#include "http/net_error.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

int trustedCertificates(asio::ssl::context& context) {
    return sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context.native_handle())));
}

/// OpenSSL's own directory is read on demand, so that an empty store does not show until a handshake fails.
bool systemStoreIsEmpty(asio::ssl::context& context) {
    if (trustedCertificates(context) > 0) return false;
    const char* set = std::getenv(X509_get_default_cert_dir_env());
    std::error_code ec;
    const std::filesystem::directory_iterator files(set ? set : X509_get_default_cert_dir(), ec);
    return ec || files == std::filesystem::directory_iterator();
}

std::optional<Failure> trust(asio::ssl::context& context, const TlsOptions& options) {
    boost::system::error_code ec;
    if (!options.caFile.empty()) {
        context.load_verify_file(options.caFile, ec);
        if (ec)
            return Failure(Errc::invalid_argument, "TlsOptions::caFile \"" + options.caFile +
                                                       "\" must be a readable file of PEM certificates (" +
                                                       ec.message() + ")");
    }
    if (!options.caPem.empty()) {
        context.add_certificate_authority(asio::buffer(options.caPem), ec);
        if (ec || trustedCertificates(context) == 0)
            return Failure(Errc::invalid_argument, "TlsOptions::caPem must hold PEM certificates");
    }
    if (!options.caFile.empty() || !options.caPem.empty()) return std::nullopt;
    context.set_default_verify_paths(ec);
    if (ec || systemStoreIsEmpty(context))
        return Failure(Errc::certificate_untrusted,
                       "the system has no CA certificates: install ca-certificates or set TlsOptions::caFile");
    return std::nullopt;
}

}  // namespace

result<TlsContextPtr> makeTlsContext(const TlsOptions& options) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1)
        return Failure(Errc::tls_failed, "this OpenSSL cannot require TLS 1.2");
    context->set_verify_mode(asio::ssl::verify_peer);
    if (auto failure = trust(*context, options)) return std::move(*failure);
    return context;
}

bool expectHost(void* handle, const Origin& origin) {
    SSL* ssl = static_cast<SSL*>(handle);
    X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
    if (origin.isIpLiteral()) return X509_VERIFY_PARAM_set1_ip_asc(expected, origin.host.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(expected, origin.host.c_str(), origin.host.size()) == 1 &&
           SSL_set_tlsext_host_name(ssl, origin.host.c_str()) == 1;
}

Failure handshakeFailure(void* handle, const boost::system::error_code& ec, std::string what) {
    const long verdict = SSL_get_verify_result(static_cast<SSL*>(handle));
    const auto because = [&](Errc code) {
        return Failure(code, what + " (" + X509_verify_cert_error_string(verdict) + ")");
    };
    switch (verdict) {
        case X509_V_OK: {
            Failure failure = netFailure(ec, what);
            // The peer hung up in the middle of it: nothing of the request has left.
            if (failure.code == Errc::connection_lost) failure.code = Errc::tls_failed;
            return failure;
        }
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return because(Errc::certificate_expired);
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return because(Errc::certificate_wrong_host);
        default:
            return because(Errc::certificate_untrusted);
    }
}

}  // namespace wix::detail
