// Where sessions sleep between two runs of a program.
#ifndef WIX_TOKEN_STORAGE_HPP
#define WIX_TOKEN_STORAGE_HPP

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <wix/abi.hpp>
#include <wix/config.hpp>
#include <wix/tokens.hpp>

namespace wix {

/// A record: tokens, and a version that grows with every change of it, also after it was removed and made anew. A client
/// never takes over a record of an older version than it has seen. Version 0 means "no record"; at most 2^53 - 2.
struct WIX_EXPORT StoredTokens {
    StoredTokens() = default;
    StoredTokens(Tokens stored, std::uint64_t number) : tokens(std::move(stored)), version(number) {}
    Tokens tokens;
    std::uint64_t version = 0;
};

/// What became of a save: it was done, or somebody else had changed the record first.
class WIX_EXPORT SaveResult {
public:
    SaveResult() = default;  ///< A conflict with no record.
    /// The record now has `version`.
    static SaveResult saved(std::uint64_t version) { return SaveResult(true, StoredTokens(Tokens(), version)); }
    /// Nothing was written; `current` is what is there, with version 0 if there is no record.
    static SaveResult conflict(StoredTokens current) { return SaveResult(false, std::move(current)); }

    bool isSaved() const noexcept { return saved_; }
    /// After a save the new version, after a conflict the version that is there.
    std::uint64_t version() const noexcept { return current_.version; }
    /// After a conflict: what is there.
    const StoredTokens& current() const noexcept { return current_; }

private:
    SaveResult(bool saved, StoredTokens current) : saved_(saved), current_(std::move(current)) {}
    bool saved_ = false;
    StoredTokens current_;
};

/// The right to renew a session, until it is destroyed or its time is over. Move-only; destroyed on the thread that runs
/// the client.
class WIX_EXPORT RenewalLease {
public:
    /// `hold` is released with the lease.
    explicit RenewalLease(std::shared_ptr<void> hold = nullptr) : hold_(std::move(hold)) {}
    RenewalLease(RenewalLease&&) noexcept = default;
    RenewalLease& operator=(RenewalLease&&) noexcept = default;

private:
    std::shared_ptr<void> hold_;
};

/// Implement this to keep sessions elsewhere. Errors are `wix::Error` with Errc::storage_unavailable, storage_damaged or
/// storage_refused; any other exception counts as unavailable.
///
/// **Threads.** For one session the SDK makes one call at a time, and awaits it on a strand of the client's executor. One
/// object may serve many sessions, and is then called from several threads at once. A call may complete on any thread or
/// executor: the SDK returns to its own strand by itself.
///
/// **Blocking.** A call must not block: it would stop every session of that io_context. Do blocking work on another thread
/// and await it.
///
/// **Time.** A call that takes longer than `Timeouts::storage` counts as Errc::storage_unavailable, and the session
/// continues in memory. The call is not cancelled. Until it has ended, further calls for that session fail at once without
/// reaching the storage. Its late outcome is ignored, whatever it is: a late save shows as a conflict to the next one, and a
/// lease that was granted late is released.
///
/// **Lifetime.** The SDK keeps the object alive until its last call has ended, or the io_context is destroyed; the coroutine
/// of such a call is destroyed then. Each call owns its arguments, but an awaitable starts later than its function was
/// called: capture a shared state, and not `this`, if you call these functions yourself.
///
/// **Keys.** `key` is 1 to 2305 characters of visible ASCII without spaces: the client id, in which `/` is `%2F` and `%` is
/// `%25`, and if there is a session key `/` and the session key. Upper and lower case differ. A key may have any of `/`,
/// `.`, `*`, `:` and quotes: it is no file name, pattern or SQL text, so hash or bind it.
///
/// **Tokens.** save() never gets tokens that are both empty: the end of a session is erase(). One of the two may be empty;
/// each has at most 64 KiB.
///
/// **Versions.** 1 to 2^53 - 2, and greater after each change of a record, erase() included, as long as clients may remember
/// an older one: a client ignores a record whose version is not greater than the last one that it has seen. So a storage
/// must not begin anew at 1 after erase(), also not in a single process, unless each key has only one Client at a time.
/// One count for all keys, kept in the storage, is enough.
///
/// **Several processes.** Clients that share a storage and a key are one visitor. Before one asks the token endpoint it
/// takes the lease and reads the record again: if another has renewed meanwhile it goes on with that. The comparison of
/// versions is the fence: a holder that was too slow finds that the record has changed, and does not write over it.
class WIX_EXPORT TokenStorage {
public:
    TokenStorage() = default;
    TokenStorage(const TokenStorage&) = delete;
    TokenStorage& operator=(const TokenStorage&) = delete;
    virtual ~TokenStorage();

    /// The record of `key`; nothing if there is none. Never nothing because it could not be read.
    virtual boost::asio::awaitable<std::optional<StoredTokens>> load(std::string key) = 0;
    /// Writes the record if its version is still `expectedVersion` (0: there is none). Durable on return.
    virtual boost::asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) = 0;
    /// Removes the tokens, whatever the version. A storage that several processes use leaves an empty record of a higher
    /// version, so that the others learn that the session has ended; no record is no error.
    virtual boost::asio::awaitable<void> erase(std::string key) = 0;
    /// The right to renew the session of `key` for the next `ttl`; nothing if another holds it, in this process or
    /// elsewhere. Whoever holds it may die: it ends with `ttl` at the latest. A storage that cannot say fails as load()
    /// does; the session then goes on without. The default grants it always: for storages that no other process uses.
    virtual boost::asio::awaitable<std::optional<RenewalLease>> acquireLease(std::string key,
                                                                             std::chrono::milliseconds ttl);
};

/// Keeps sessions in memory: they live as long as this object. Thread-safe.
class WIX_EXPORT MemoryTokenStorage final : public TokenStorage {
public:
    MemoryTokenStorage();
    ~MemoryTokenStorage() override;
    boost::asio::awaitable<std::optional<StoredTokens>> load(std::string key) override;
    boost::asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override;
    boost::asio::awaitable<void> erase(std::string key) override;
    boost::asio::awaitable<std::optional<RenewalLease>> acquireLease(std::string key,
                                                                     std::chrono::milliseconds ttl) override;

private:
    struct Records;
    std::shared_ptr<Records> records_;
};

/// Keeps one session in one file, or each session in a file of its own in a directory. Files are readable by their owner
/// only (mode 0600), and hold the JSON of `toJson` with a member `wix` added (key and version). A file without that member,
/// such as one written by a JavaScript program, is read too.
///
/// - A save writes a new file beside it, syncs it and renames it over the old one: after a crash there is the old
///   session or the new one. The directory must exist and be writable.
/// - Any number of processes of one machine may use the same files: `flock` on a file beside them (`.NAME.lock`) orders
///   saves, and on another (`.NAME.lease`) is the renewal lease, which ends with its holder or its time. On network file
///   systems this is as good as their `flock`.
/// - A session at rest has two files: its record and its lock file. A session that has ended leaves a record without tokens.
///   purge() removes sessions by age.
/// - While programs run, remove nothing by hand but whole sessions that no program uses: the record first, then the files
///   beside it. Lock and lease files hold no data.
/// - A backup needs the records alone, and may be made while programs run. A program that has a session in memory ignores a
///   restored record that is older, and writes over it.
/// - Each lease is an open file: a process has at most 64 at a time. For what is beyond, another holds the lease.
/// - A symbolic link, a file that others may read or write, that belongs to another user, or that is the session of
///   another client id is refused (Errc::storage_refused); what is no session is Errc::storage_damaged. Such a file is
///   never changed: move it away, or correct its mode.
/// - File calls run on at most 16 threads, in order for each file. Thread-safe.
class WIX_EXPORT FileTokenStorage final : public TokenStorage {
public:
    /// One session, in `file`.
    explicit FileTokenStorage(std::filesystem::path file);
    /// Any number of sessions, each in a file of `directory` whose name is a hash of its key. The directory must exist;
    /// it is refused if it belongs to another user, or if others may write there.
    static std::shared_ptr<FileTokenStorage> inDirectory(std::filesystem::path directory);
    ~FileTokenStorage() override;
    boost::asio::awaitable<std::optional<StoredTokens>> load(std::string key) override;
    boost::asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override;
    boost::asio::awaitable<void> erase(std::string key) override;
    boost::asio::awaitable<std::optional<RenewalLease>> acquireLease(std::string key,
                                                                     std::chrono::milliseconds ttl) override;
    /// Removes sessions that were written longer than `olderThan` ago: records, ended ones too, and the files beside them.
    ///
    /// A session is written when it begins, at each renewal of its token, and when it changes, so `olderThan` is the time
    /// without visits after which a visitor begins anew. Use days: the cart of a visitor whose session is removed is lost.
    /// Sessions that are being saved or renewed by any process are left alone. Other files are never removed.
    ///
    /// @param olderThan  Seconds, not negative.
    /// @return Number of sessions that were removed.
    ///
    /// @par Thread safety
    /// Sessions are used meanwhile, by this process and by others.
    ///
    /// @par Cancellation
    /// Not cancellable. Takes as long as it takes to look at each file of the directory.
    ///
    /// @throws Error with
    ///   - Errc::invalid_argument: `olderThan` is negative.
    ///   - Errc::storage_unavailable, Errc::storage_refused: the directory cannot be read, or is refused.
    boost::asio::awaitable<std::size_t> purge(std::chrono::seconds olderThan);

private:
    struct Files;
    explicit FileTokenStorage(std::shared_ptr<Files> files);
    std::shared_ptr<Files> files_;
};

}  // namespace wix

#endif
