// TLS sessions to resume: a handshake that resumes one costs no certificate check and no signature.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace wix::detail {

struct FreeTlsSession {
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using TlsSessionPtr = std::unique_ptr<SSL_SESSION, FreeTlsSession>;

/// When the session was established.
std::time_t sessionTime(const SSL_SESSION* session);

/// What is kept for each origin, which is also the host name that the sessions were verified for. Bounded: the oldest go.
/// Thread-safe. It shares no session with a connection, since OpenSSL changes those of connections that fail.
class TlsSessions {
public:
    static constexpr std::size_t mostPerOrigin = 8;  // TLS 1.3 uses each once, and a pool opens several at a time
    static constexpr std::size_t mostOrigins = 256;
    /// Whom nobody has verified for so long is verified again, however long the server's tickets live.
    static constexpr std::time_t longestUse = 3600;

    /// Keeps a copy.
    void put(const std::string& origin, const SSL_SESSION* session);
    /// The youngest that is good at `now`, or null. TLS 1.3: it is given once, so that nobody can link connections.
    TlsSessionPtr take(const std::string& origin, std::time_t now);
    void forget(const std::string& origin);
    std::size_t size() const;

private:
    struct Kept {
        Kept() = default;
        std::vector<TlsSessionPtr> sessions;  // the youngest last
        std::uint64_t changed = 0;
    };
    mutable std::mutex mutex_;
    std::map<std::string, Kept> origins_;
    std::uint64_t changes_ = 0;
};

}  // namespace wix::detail
