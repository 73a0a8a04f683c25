// The session files of one FileTokenStorage: one file, or a directory with a file for each session.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "storage/session_file.hpp"

namespace wix::detail {

/// The calls of SessionFile, for the file that the key leads to. Used on the file thread only.
class SessionFiles {
public:
    enum class Kind { one, directory };
    SessionFiles(std::filesystem::path path, Kind kind);

    result<std::optional<StoredTokens>> load(std::string_view key);
    result<SaveResult> save(std::string_view key, const Tokens& tokens, std::uint64_t expectedVersion);
    result<void> erase(std::string_view key);
    result<std::optional<RenewalLease>> acquireLease(std::string_view key, std::chrono::milliseconds ttl);

private:
    SessionFile fileOf(std::string_view key) const;

    const std::filesystem::path directory_;
    std::optional<SessionFile> one_;
    bool lookedForLeftovers_ = false;
};

}  // namespace wix::detail
