// One session in one file: the blocking half of FileTokenStorage. POSIX calls, no executor, no exceptions.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <wix/error.hpp>
#include <wix/token_storage.hpp>

#include "storage/session_place.hpp"

namespace wix::detail {

/// Whose directory it is in.
enum class SessionDirectory {
    anybodys,    ///< Any: the file protects itself.
    ofSessions,  ///< One that holds nothing else: it must belong to us, and others must not be able to write there.
};

/// Keeps the rules of FileTokenStorage (see there). Thread-safe: what changes a file holds its lock, which excludes other
/// threads and other processes. Reading needs none, since a file is replaced as a whole. Texts name the file and what to
/// do, never its content.
class SessionFile {
public:
    explicit SessionFile(std::filesystem::path file, FileStepHook hook = nullptr,
                         SessionDirectory kind = SessionDirectory::anybodys);

    result<std::optional<StoredTokens>> load(std::string_view key);
    result<SaveResult> save(std::string_view key, const Tokens& tokens, std::uint64_t expectedVersion);
    result<void> erase(std::string_view key);
    /// Nothing if another holds it. See session_lease.cpp.
    result<std::optional<RenewalLease>> acquireLease(std::chrono::milliseconds ttl);
    /// Removes the record and what lies beside it if it was written longer ago than `age` and is not in use. Returns whether
    /// it did. See session_purge.cpp.
    result<bool> removeIfOlderThan(std::chrono::seconds age) const;
    /// The same of all session files in its directory. Returns how many.
    result<std::size_t> removeAllOlderThan(std::chrono::seconds age) const;
    /// Of all session files in its directory. Once for each storage: it looks at every file there.
    void removeAllLeftovers() const;

private:
    result<std::optional<StoredTokens>> read(int directory, std::string_view key) const;
    result<std::optional<StoredTokens>> readOpen(const Descriptor& file, std::string_view key) const;
    result<StoredTokens> decode(std::string_view text, std::string_view key, std::uint64_t unmarkedVersion) const;
    std::optional<Failure> checkKind(const struct stat& status) const;
    result<Descriptor> openDirectory() const;
    void lookForLeftovers(int directory);
    result<SaveResult> replace(int directory, std::string_view key, const Tokens& tokens, std::uint64_t present);
    std::optional<Failure> writeTemporary(int directory, const std::string& name, const std::string& text) const;
    std::optional<Failure> syncDirectory(int directory) const;

    const SessionPlace place_;
    const SessionDirectory kind_;
    std::atomic<std::uint64_t> newestVersion_{
        0};  // also of a file that somebody has removed: its number is not used again
    std::atomic<bool> lookedForLeftovers_{false};
};

/// Removes the temporaries of saves that crashed: they hold tokens. Of the session file `only`, or if that is empty, of
/// all session files of a directory of sessions. Makes no file.
void removeLeftovers(int directory, const SessionPlace& place, std::string_view only);

/// The lease of a session; see acquireLease(). Not thread-safe, but whoever has a lease may let go of it at any time.
result<std::optional<RenewalLease>> takeLease(int directory, const SessionPlace& place, std::chrono::milliseconds ttl);

}  // namespace wix::detail
