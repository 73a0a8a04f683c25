#include "redis/redis_tls.hpp"

#include <boost/asio/ssl/error.hpp>

#include <async.h>
#include <hiredis.h>
#ifdef WIX_REDIS_TLS
#include <hiredis_ssl.h>
#endif
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <utility>

namespace wix::detail {
namespace {

SSL* asSsl(void* ssl) { return static_cast<SSL*>(ssl); }

/// The last error of TLS; 0 if there is none. Newer versions of OpenSSL queue errors of the system as well.
boost::system::error_code lastError() {
    const unsigned long error = ERR_peek_last_error();
    return {ERR_SYSTEM_ERROR(error) ? 0 : static_cast<int>(error), boost::asio::error::get_ssl_category()};
}

/// The advice that belongs to a handshake's failure; empty if there is none.
std::string adviceFor(const Failure& failure, const std::string& host) {
    if (failure.code == Errc::certificate_untrusted)
        return "; set RedisOptions::tls.caFile to the certificates of its authority";
    if (failure.code == Errc::certificate_wrong_host)
        return "; the certificate is not for " + host + ": use a host of the certificate in the URL";
    if (failure.code == Errc::certificate_not_pinned)
        return ": no key of the server's chain is in RedisOptions::tls.pins";
    return std::string();
}

/// What the server sends if it does not speak TLS, or another version of it.
std::optional<std::string> versionProblem(const boost::system::error_code& error) {
    switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
        case SSL_R_HTTP_REQUEST:
            return "the server does not speak TLS at this port; without TLS the URL begins with redis://";
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_UNSUPPORTED_PROTOCOL:
            return "the server speaks no TLS version that RedisOptions::tls.minVersion allows";
        default:
            return std::nullopt;
    }
}

}  // namespace

bool hasRedisTls() noexcept {
#ifdef WIX_REDIS_TLS
    return true;
#else
    return false;
#endif
}

void RedisTls::Free::operator()(void* ssl) const noexcept { SSL_free(asSsl(ssl)); }

RedisTls::RedisTls(TlsContextPtr context, Origin origin) : context_(std::move(context)), origin_(std::move(origin)) {}
RedisTls::~RedisTls() = default;

RedisTls::Step RedisTls::begin(redisAsyncContext& context) {
#ifdef WIX_REDIS_TLS
    ERR_clear_error();
    ssl_.reset(SSL_new(context_->native().native_handle()));
    if (!ssl_ || !context_->prepare(ssl_.get(), origin_)) return failed("TLS could not be set up");
    SSL_up_ref(asSsl(ssl_.get()));  // hiredis frees one, also after a handshake that has failed later
    if (::redisInitiateSSL(&context.c, asSsl(ssl_.get())) != REDIS_OK) {
        SSL_free(asSsl(ssl_.get()));
        return stepAfter(-1);
    }
    return advance();
#else
    static_cast<void>(context);
    return failed("this wix::redis was built without TLS");
#endif
}

RedisTls::Step RedisTls::advance() {
    ERR_clear_error();
    errno = 0;
    return stepAfter(SSL_do_handshake(asSsl(ssl_.get())));
}

RedisTls::Step RedisTls::stepAfter(int returned) {
    if (returned == 1) {
        context_->opened(ssl_.get());
        return Step::done;
    }
    const int systemError = errno;
    switch (SSL_get_error(asSsl(ssl_.get()), returned)) {
        case SSL_ERROR_WANT_READ:
            return Step::wantsRead;
        case SSL_ERROR_WANT_WRITE:
            return Step::wantsWrite;
        case SSL_ERROR_SYSCALL:
            if (lastError().value() == 0)
                return failed(systemError == 0 ? "the server has closed the connection"
                                               : boost::system::system_category().message(systemError));
            break;
        default:
            break;
    }
    const boost::system::error_code error = lastError();
    if (auto problem = versionProblem(error)) return failed(std::move(*problem));
    if (auto problem = lastProblem()) return failed(std::move(*problem));
    std::string what = "the TLS handshake failed";
    if (SSL_get_verify_result(asSsl(ssl_.get())) == X509_V_OK) what += " (" + error.message() + ")";
    const Failure failure = context_->handshakeFailure(ssl_.get(), error, what);
    return failed(failure.context + adviceFor(failure, origin_.host));
}

RedisTls::Step RedisTls::failed(std::string why) {
    ERR_clear_error();
    failure_ = std::move(why);
    return Step::failed;
}

void RedisTls::clearErrors() noexcept { ERR_clear_error(); }

bool RedisTls::hasPending() const { return ssl_ && SSL_pending(asSsl(ssl_.get())) > 0; }

bool RedisTls::isQuiet() {
    if (!ssl_) return false;
    ERR_clear_error();
    char byte;
    const int returned = SSL_peek(asSsl(ssl_.get()), &byte, 1);
    const bool quiet = returned <= 0 && SSL_get_error(asSsl(ssl_.get()), returned) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return quiet;
}

std::optional<std::string> RedisTls::endReason() {
    if (auto problem = lastProblem()) return problem;
    // A write that failed hides the alert that explains it. It may still be there to be read.
    ERR_clear_error();
    char byte;
    static_cast<void>(SSL_peek(asSsl(ssl_.get()), &byte, 1));
    return lastProblem();
}

std::optional<std::string> RedisTls::lastProblem() const {
    const boost::system::error_code error = lastError();
    if (error.value() == 0) return std::nullopt;
    if (refusesClientCertificate(error))
        return "the server refuses the client's certificate, or requires one (" + error.message() +
               "); see RedisOptions::tls.clientCertificateFile";
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return "the server has closed the connection";
    return SSL_is_init_finished(asSsl(ssl_.get())) ? std::optional("TLS failed: " + error.message()) : std::nullopt;
}

}  // namespace wix::detail
