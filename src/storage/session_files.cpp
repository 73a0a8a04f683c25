#include "storage/session_files.hpp"

#include <utility>

#include "storage/session_name.hpp"

namespace wix::detail {

SessionFiles::SessionFiles(std::filesystem::path path, Kind kind) : path_(std::move(path)) {
    if (kind == Kind::one) one_.emplace(path_, defaultStepHook.load());
}

std::filesystem::path SessionFiles::pathOf(std::string_view key) const {
    if (one_) return path_;
    const std::string name = path_.empty() ? std::string() : sessionFileName(key);
    return name.empty() ? std::filesystem::path() : path_ / name;
}

/// Made for each call: of a hundred thousand sessions nothing is kept in memory.
SessionFile SessionFiles::fileAt(const std::filesystem::path& file) const {
    return SessionFile(file, defaultStepHook.load(), SessionDirectory::ofSessions);
}

void SessionFiles::removeLeftoversOnce(const SessionFile& file) {
    if (!lookedForLeftovers_.exchange(true)) file.removeAllLeftovers();
}

result<std::optional<StoredTokens>> SessionFiles::load(const std::filesystem::path& file, std::string_view key) {
    return one_ ? one_->load(key) : fileAt(file).load(key);
}

result<SaveResult> SessionFiles::save(const std::filesystem::path& file, std::string_view key, const Tokens& tokens,
                                      std::uint64_t expectedVersion) {
    if (one_) return one_->save(key, tokens, expectedVersion);
    SessionFile session = fileAt(file);
    removeLeftoversOnce(session);
    return session.save(key, tokens, expectedVersion);
}

result<void> SessionFiles::erase(const std::filesystem::path& file, std::string_view key) {
    if (one_) return one_->erase(key);
    SessionFile session = fileAt(file);
    removeLeftoversOnce(session);
    return session.erase(key);
}

result<std::optional<RenewalLease>> SessionFiles::acquireLease(const std::filesystem::path& file, std::string_view,
                                                               std::chrono::milliseconds ttl) {
    return one_ ? one_->acquireLease(ttl) : fileAt(file).acquireLease(ttl);
}

result<std::size_t> SessionFiles::purge(std::chrono::seconds olderThan) {
    if (!one_) return fileAt(path_ / "any").removeAllOlderThan(olderThan);
    const result<bool> removed = one_->removeIfOlderThan(olderThan);
    if (!removed) return removed.error();
    return std::size_t{*removed ? 1u : 0u};
}

}  // namespace wix::detail
