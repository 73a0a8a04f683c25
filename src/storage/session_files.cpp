#include "storage/session_files.hpp"

#include <utility>

#include "storage/session_name.hpp"

namespace wix::detail {

SessionFiles::SessionFiles(std::filesystem::path path, Kind kind) : directory_(std::move(path)) {
    if (kind == Kind::one) one_.emplace(directory_);
}

/// Made for each call: of a hundred thousand sessions nothing is kept in memory.
SessionFile SessionFiles::fileOf(std::string_view key) const {
    // Without a directory, or without a hash, the path names no file, and each call says so.
    const std::string name = directory_.empty() ? std::string() : sessionFileName(key);
    return SessionFile(name.empty() ? std::filesystem::path() : directory_ / name, nullptr,
                       SessionDirectory::ofSessions);
}

result<std::optional<StoredTokens>> SessionFiles::load(std::string_view key) {
    return one_ ? one_->load(key) : fileOf(key).load(key);
}

result<SaveResult> SessionFiles::save(std::string_view key, const Tokens& tokens, std::uint64_t expectedVersion) {
    if (one_) return one_->save(key, tokens, expectedVersion);
    SessionFile file = fileOf(key);
    if (!std::exchange(lookedForLeftovers_, true)) file.removeAllLeftovers();
    return file.save(key, tokens, expectedVersion);
}

result<void> SessionFiles::erase(std::string_view key) {
    if (one_) return one_->erase(key);
    SessionFile file = fileOf(key);
    if (!std::exchange(lookedForLeftovers_, true)) file.removeAllLeftovers();
    return file.erase(key);
}

result<std::optional<RenewalLease>> SessionFiles::acquireLease(std::string_view key, std::chrono::milliseconds ttl) {
    return one_ ? one_->acquireLease(ttl) : fileOf(key).acquireLease(ttl);
}

}  // namespace wix::detail
