// TLS on a connection of hiredis: rediss://. Trust, host name, SNI and versions are those of TlsOptions.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/tls_context.hpp"

struct redisAsyncContext;

namespace wix::detail {

/// Whether wix::redis was built with hiredis_ssl, which exists since hiredis 1.0.
bool hasRedisTls() noexcept;

/// One connection. The handshake is driven here, so that neither a password nor a command is sent before the server's
/// certificate has been verified.
class RedisTls {
public:
    enum class Step { done, wantsRead, wantsWrite, failed };

    RedisTls(TlsContextPtr context, Origin origin);
    ~RedisTls();
    RedisTls(const RedisTls&) = delete;
    RedisTls& operator=(const RedisTls&) = delete;

    /// Begins the handshake. hiredis encrypts everything that follows. The TCP connection must be established.
    Step begin(redisAsyncContext& context);
    /// Continues the handshake when the socket has become ready.
    Step advance();
    /// Why the handshake failed.
    const std::string& failure() const noexcept { return failure_; }

    /// To be called before hiredis reads or writes, so that endReason() sees its errors only.
    static void clearErrors() noexcept;
    /// Whether OpenSSL holds decrypted bytes that hiredis has not read.
    bool hasPending() const;
    /// Reads what has arrived, such as session tickets. Returns false if it is data, an alert or the end.
    bool isQuiet();
    /// Why hiredis could not read or write; nothing if it was not TLS that failed.
    std::optional<std::string> endReason();

private:
    struct Free {
        void operator()(void* ssl) const noexcept;
    };
    Step failed(std::string why);
    Step stepAfter(int returned);
    std::optional<std::string> lastProblem() const;

    const TlsContextPtr context_;
    const Origin origin_;
    std::unique_ptr<void, Free> ssl_;  // an SSL, also owned by hiredis
    std::string failure_;
};

}  // namespace wix::detail
