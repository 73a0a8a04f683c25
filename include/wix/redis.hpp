// Sessions in Redis, for several processes and machines: target wix::redis, on hiredis.
#ifndef WIX_REDIS_HPP
#define WIX_REDIS_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <wix/config.hpp>
#include <wix/options.hpp>
#include <wix/token_storage.hpp>

namespace wix {

/// Everything that can be set, with its default in place.
struct WIX_EXPORT RedisOptions {
    RedisOptions() = default;
    std::string keyPrefix = "wix:session:";  ///< Of all keys; `{key}` follows, so a cluster keeps a session together.
    /// Looking up the name, connecting, the TLS handshake and AUTH together.
    std::chrono::milliseconds connectTimeout{2'000};
    std::chrono::milliseconds commandTimeout{2'000};  ///< Of each command. A slower one is storage_unavailable.
    /// A record is dropped by Redis so long after its last save: the life of the refresh token in it. Wix does not say how
    /// long that is; Redis expires nothing with 0.
    std::chrono::seconds recordLife{std::chrono::hours(24) * 365};
    /// Trust and client certificate for `rediss://`. The files are read by the constructor of the storage.
    TlsOptions tls;
};

/// Keeps sessions in a Redis server (6 or later) that any number of processes share. One connection, opened when it is
/// needed and again after it broke; commands of all sessions share it in pipelines.
///
/// **Erasing** leaves a record of empty tokens and a higher version for a day (no longer than `recordLife`), so that the
/// other processes learn that the session has ended.
/// **Lifetime.** The io_context of `executor` must outlive every operation; the storage may outlive it. An idle
/// connection keeps no work outstanding: `io_context::run()` returns although it is open.
/// **Thread safety.** All functions may be called from any thread.
/// **Errors** are Errc::storage_unavailable (not reachable, slow, full, read-only, credentials refused), storage_damaged
/// (the key holds something else). The text names host, port and reason, never the password.
class WIX_EXPORT RedisTokenStorage final : public TokenStorage {
public:
    /// Opens nothing yet.
    ///
    /// @param url `redis://[[user]:password@]host[:port][/database]`, or `rediss://...` for TLS 1.2 or later. With TLS
    ///   the server's certificate must be trusted (RedisOptions::tls) and be for `host`; nothing is sent to it before.
    /// @throws Error with
    ///   - Errc::invalid_argument: the URL or an option is wrong; the text never repeats the password. Also `rediss://`
    ///     if wix::redis was built without hiredis_ssl, which exists since hiredis 1.0 (Debian 13, not Debian 12): use a
    ///     TLS tunnel such as stunnel then.
    ///   - Errc::certificate_untrusted: `rediss://`, no authority in RedisOptions::tls, and the system has no store.
    RedisTokenStorage(boost::asio::any_io_executor executor, const std::string& url,
                      RedisOptions options = RedisOptions());
    ~RedisTokenStorage() override;

    /// Opens the connection and asks for a sign of life: call it when the program starts, so that a wrong host or password
    /// is told then. Throws Error with Errc::storage_unavailable.
    boost::asio::awaitable<void> connect();

    boost::asio::awaitable<std::optional<StoredTokens>> load(std::string key) override;
    boost::asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override;
    boost::asio::awaitable<void> erase(std::string key) override;
    boost::asio::awaitable<std::optional<RenewalLease>> acquireLease(std::string key,
                                                                     std::chrono::milliseconds ttl) override;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace wix

#endif
