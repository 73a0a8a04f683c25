// Both ends of a TLS connection in memory: handshakes without sockets, threads and waiting.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "http/tls_context.hpp"
#include "testing/certificate.hpp"

namespace wix::test {

/// What a server shows and wants. A context made from it has ticket keys of its own.
struct ServerSetup {
    ServerSetup() = default;
    explicit ServerSetup(testing::detail::ServerCredentials shown) : credentials(std::move(shown)) {}
    testing::detail::ServerCredentials credentials;
    int maxVersion = TLS1_3_VERSION;
    bool resumes = true;   ///< False: no tickets and no ids, each handshake is a full one.
    std::string clientCa;  ///< If set, clients need a certificate of this authority, of any purpose.
};

inline std::shared_ptr<boost::asio::ssl::context> serverContext(const ServerSetup& setup) {
    namespace asio = boost::asio;
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    context->use_certificate_chain(asio::buffer(setup.credentials.certificate));
    context->use_private_key(asio::buffer(setup.credentials.privateKey), asio::ssl::context::pem);
    SSL_CTX_set_max_proto_version(context->native_handle(), setup.maxVersion);
    if (setup.maxVersion < TLS1_2_VERSION) {
        SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_VERSION);
        SSL_CTX_set_security_level(context->native_handle(), 0);
    }
    if (!setup.resumes) {
        SSL_CTX_set_num_tickets(context->native_handle(), 0);
        SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
        SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
    }
    if (!setup.clientCa.empty()) {
        context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        context->add_certificate_authority(asio::buffer(setup.clientCa));
        SSL_CTX_set_purpose(context->native_handle(), X509_PURPOSE_ANY);
        const unsigned char id[] = "clients";  // without it OpenSSL resumes no session of a verified client
        SSL_CTX_set_session_id_context(context->native_handle(), id, sizeof id - 1);
    }
    return context;
}

inline std::shared_ptr<X509> certificateOf(const std::string& pem) {
    const std::shared_ptr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    return std::shared_ptr<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
}

/// The pin of a certificate in PEM.
inline std::string pinOf(const std::string& pem) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificateOf(pem).get()), &der);
    unsigned char digest[32], text[45];
    EVP_Digest(der, static_cast<std::size_t>(size), digest, nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    EVP_EncodeBlock(text, digest, sizeof digest);
    return reinterpret_cast<const char*>(text);
}

class TlsPair {
public:
    TlsPair(detail::TlsContext& client, boost::asio::ssl::context& server, const detail::Origin& origin)
        : context_(client),
          client_(SSL_new(client.native().native_handle()), SSL_free),
          server_(SSL_new(server.native_handle()), SSL_free) {
        BIO *ours = nullptr, *theirs = nullptr;
        BIO_new_bio_pair(&ours, 0, &theirs, 0);
        SSL_set_bio(client_.get(), ours, ours);
        SSL_set_bio(server_.get(), theirs, theirs);
        SSL_set_connect_state(client_.get());
        SSL_set_accept_state(server_.get());
        prepared = client.prepare(client_.get(), origin);
    }

    /// Whether the client's side of the handshake succeeds.
    bool shake() {
        for (int flight = 0; flight < 8; ++flight) {
            const int done = step(client_.get(), clientError);
            boost::system::error_code ignored;
            step(server_.get(), ignored);
            if (clientError) return false;
            if (done == 1 && flight > 0) {
                context_.opened(client_.get());
                return true;
            }
        }
        return false;
    }
    /// Whether the client gets one byte, and TLS 1.3's tickets before it.
    bool answer() {
        SSL_write(server_.get(), "x", 1);
        char byte = 0;
        ERR_clear_error();
        if (SSL_read(client_.get(), &byte, 1) == 1) return true;
        clientError = lastError();
        return false;
    }
    bool resumed() const { return SSL_session_reused(server_.get()) == 1 && SSL_session_reused(client_.get()) == 1; }
    Failure failure() { return context_.handshakeFailure(client_.get(), clientError, "handshake"); }
    std::string version() const { return SSL_get_version(client_.get()); }

    bool prepared = false;
    boost::system::error_code clientError;

private:
    static boost::system::error_code lastError() {
        return boost::system::error_code(static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category());
    }
    static int step(SSL* ssl, boost::system::error_code& error) {
        ERR_clear_error();
        const int done = SSL_do_handshake(ssl);
        if (done != 1 && SSL_get_error(ssl, done) == SSL_ERROR_SSL) error = lastError();
        ERR_clear_error();
        return done;
    }

    detail::TlsContext& context_;
    std::shared_ptr<SSL> client_, server_;
};

/// What a client with `options` makes of `server` at localhost: the version, or the failure's meaning.
inline std::string handshakeOutcome(const TlsOptions& options, const ServerSetup& server) {
    const auto client = detail::makeTlsContext(options);
    if (client.has_error()) return client.error().context;
    const auto context = serverContext(server);
    TlsPair pair(**client, *context, detail::Origin(true, "localhost", 443));
    return pair.shake() ? pair.version() : pair.failure().code.message();
}
inline std::string meaningOf(Errc code) { return make_error_code(code).message(); }

}  // namespace wix::test
