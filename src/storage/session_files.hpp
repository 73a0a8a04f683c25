// The session files of one FileTokenStorage: one file, or a directory with a file for each session.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "storage/session_file.hpp"

namespace wix::detail {

/// The calls of SessionFile, for the file that the key leads to. Thread-safe.
class SessionFiles {
public:
    enum class Kind { one, directory };
    SessionFiles(std::filesystem::path path, Kind kind);

    /// The file of a session. Without a directory, or without a hash, it names no file, and each call says so.
    std::filesystem::path pathOf(std::string_view key) const;

    // `file` is pathOf(key).
    result<std::optional<StoredTokens>> load(const std::filesystem::path& file, std::string_view key);
    result<SaveResult> save(const std::filesystem::path& file, std::string_view key, const Tokens& tokens,
                            std::uint64_t expectedVersion);
    result<void> erase(const std::filesystem::path& file, std::string_view key);
    result<std::optional<RenewalLease>> acquireLease(const std::filesystem::path& file, std::string_view key,
                                                     std::chrono::milliseconds ttl);

    /// Removes the sessions that were written longer ago than that. Returns how many.
    result<std::size_t> purge(std::chrono::seconds olderThan);
    const std::filesystem::path& path() const noexcept { return path_; }

    result<std::optional<StoredTokens>> load(std::string_view key) { return load(pathOf(key), key); }
    result<SaveResult> save(std::string_view key, const Tokens& tokens, std::uint64_t expectedVersion) {
        return save(pathOf(key), key, tokens, expectedVersion);
    }
    result<void> erase(std::string_view key) { return erase(pathOf(key), key); }
    result<std::optional<RenewalLease>> acquireLease(std::string_view key, std::chrono::milliseconds ttl) {
        return acquireLease(pathOf(key), key, ttl);
    }

private:
    SessionFile fileAt(const std::filesystem::path& file) const;
    void removeLeftoversOnce(const SessionFile& file);

    const std::filesystem::path path_;
    std::optional<SessionFile> one_;
    std::atomic<bool> lookedForLeftovers_{false};
};

}  // namespace wix::detail
