#include "http/tls_context.hpp"

#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <exception>
#include <utility>

#include "http/net_error.hpp"
#include "http/tls_files.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

// -- What an SSL knows of its connection -------------------------------------------------------------------------------

struct Peer {
    Peer(std::string name, std::shared_ptr<TlsSessions> kept) : origin(std::move(name)), sessions(std::move(kept)) {}
    const std::string origin;
    const std::shared_ptr<TlsSessions> sessions;
};

void freePeer(void*, void* peer, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Peer*>(peer); }

int peerIndex() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, freePeer);
    return index;
}

Peer* peerOf(const SSL* ssl) { return static_cast<Peer*>(SSL_get_ex_data(ssl, peerIndex())); }

bool setPeer(SSL* ssl, std::unique_ptr<Peer> peer) {
    if (peerOf(ssl)) return false;  // a stream is prepared once
    if (SSL_set_ex_data(ssl, peerIndex(), peer.get()) != 1) return false;
    static_cast<void>(peer.release());
    return true;
}

// -- Called by OpenSSL: nothing may be thrown --------------------------------------------------------------------------

/// A session can be resumed from now on: in TLS 1.3 that is while the first answer is read. 0: it stays OpenSSL's.
int sessionMade(SSL* ssl, SSL_SESSION* session) {
    const Peer* peer = peerOf(ssl);
    if (!peer || SSL_get_verify_result(ssl) != X509_V_OK) return 0;
    try {
        peer->sessions->put(peer->origin, session);
    } catch (const std::exception&) {  // out of memory: then it is not resumed
    }
    return 0;
}

/// Whether an authority above the end of the verified chain is pinned. The chain ends at the first certificate that is
/// trusted. The authority that has signed that one may be trusted, and pinned, as well.
bool pinnedAbove(X509_STORE_CTX* verification, const TlsPins& pins) {
    constexpr int longestChain = 10;
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(verification);
    const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> above(
        sk_X509_new_null(), [](STACK_OF(X509) * all) { sk_X509_pop_free(all, X509_free); });
    X509* top = chain && sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1) : nullptr;
    for (int i = 0; above && top && i < longestChain && X509_self_signed(top, 0) != 1; ++i) {
        X509* issuer = nullptr;
        if (X509_STORE_CTX_get1_issuer(&issuer, verification, top) != 1) break;
        if (sk_X509_push(above.get(), issuer) == 0) {
            X509_free(issuer);
            break;
        }
        top = issuer;
    }
    ERR_clear_error();
    return above && pins.match(above.get());
}

/// After the usual verification. Its failure is one of the handshake, so that no byte of a request leaves.
int verifyWithPins(X509_STORE_CTX* verification, void* pins) {
    const int verdict = X509_verify_cert(verification);
    if (verdict != 1) return verdict;
    const auto& pinned = *static_cast<const TlsPins*>(pins);
    if (pinned.match(X509_STORE_CTX_get0_chain(verification)) || pinnedAbove(verification, pinned)) return 1;
    X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

}  // namespace

TlsContext::TlsContext(TlsPins pins)
    : pins_(std::move(pins)), sessions_(std::make_shared<TlsSessions>()), context_(asio::ssl::context::tls_client) {
    SSL_CTX* native = context_.native_handle();
    context_.set_verify_mode(asio::ssl::verify_peer);
    // A certificate that is trusted ends the chain, also if another authority has signed it.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_PARTIAL_CHAIN);
    // A session that is resumed shows no chain; these same pins were there when it was made.
    if (!pins_.empty()) SSL_CTX_set_cert_verify_callback(native, verifyWithPins, const_cast<TlsPins*>(&pins_));
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(native, sessionMade);
}

result<TlsContextPtr> makeTlsContext(const TlsOptions& options) {
    auto pins = TlsPins::parse(options.pins);
    if (pins.has_error()) return std::move(pins).error();
    auto context = std::make_shared<TlsContext>(std::move(*pins));
    const bool only13 = options.minVersion == TlsVersion::tls1_3;
    if (SSL_CTX_set_min_proto_version(context->native().native_handle(), only13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
        return Failure(Errc::tls_failed, "this OpenSSL cannot require TLS 1.2 or 1.3");
    if (auto failure = loadTrust(context->native(), options)) return std::move(*failure);
    if (auto failure = loadClientCertificate(context->native(), options)) return std::move(*failure);
    return context;
}

bool namesFilesOrPins(const TlsOptions& options) noexcept {
    return !options.caFile.empty() || !options.caDirectory.empty() || !options.caPem.empty() ||
           !options.extraCaPem.empty() || !options.clientCertificateFile.empty() || !options.clientKeyFile.empty() ||
           !options.pins.empty();
}

bool TlsContext::prepare(void* handle, const Origin& origin) {
    SSL* ssl = static_cast<SSL*>(handle);
    X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
    if (origin.isIpLiteral()) {
        if (X509_VERIFY_PARAM_set1_ip_asc(expected, origin.host.c_str()) != 1) return false;
    } else {
        X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (X509_VERIFY_PARAM_set1_host(expected, origin.host.c_str(), origin.host.size()) != 1 ||
            SSL_set_tlsext_host_name(ssl, origin.host.c_str()) != 1)
            return false;
    }
    const std::string name = origin.toString();
    if (!setPeer(ssl, std::make_unique<Peer>(name, sessions_))) return true;  // without sessions, then
    if (const TlsSessionPtr session = sessions_->take(name, std::time(nullptr))) SSL_set_session(ssl, session.get());
    return true;
}

void TlsContext::opened(void* ssl) noexcept {
    if (SSL_session_reused(static_cast<SSL*>(ssl)) == 1) ++resumed_;
}

Failure TlsContext::handshakeFailure(void* handle, const boost::system::error_code& ec, std::string what) {
    const SSL* ssl = static_cast<SSL*>(handle);
    // A server that breaks over a session instead of refusing it must not do so again.
    if (const Peer* peer = peerOf(ssl)) sessions_->forget(peer->origin);
    const long verdict = SSL_get_verify_result(ssl);
    const auto because = [&](Errc code) {
        return Failure(code, what + " (" + X509_verify_cert_error_string(verdict) + ")");
    };
    switch (verdict) {
        case X509_V_OK:
            return netFailure(ec, what);  // a peer that hung up in the middle of it may be there for the next one
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return because(Errc::certificate_expired);
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return because(Errc::certificate_wrong_host);
        case X509_V_ERR_APPLICATION_VERIFICATION:
            return Failure(Errc::certificate_not_pinned, std::move(what));
        default:
            return because(Errc::certificate_untrusted);
    }
}

bool refusesClientCertificate(const boost::system::error_code& ec) noexcept {
    if (ec.category() != asio::error::get_ssl_category()) return false;
    switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value()))) {
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
            return true;
        default:
            return false;
    }
}

}  // namespace wix::detail
