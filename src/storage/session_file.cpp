#include "storage/session_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <utility>

#include "storage/record_version.hpp"
#include "storage/session_record.hpp"

namespace wix::detail {
namespace {

constexpr std::size_t maxFileSize = std::size_t{1} << 20;

/// Never the same moment twice in a process, even if its clock is set back.
std::int64_t microsecondsSince1970() {
    static constinit std::atomic<std::int64_t> latest{0};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t time = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    std::int64_t before = latest.load();
    while (!latest.compare_exchange_weak(before, std::max(before + 1, time))) {
    }
    return std::max(before + 1, time);
}

}  // namespace

SessionFile::SessionFile(std::filesystem::path file, FileStepHook hook, SessionDirectory kind)
    : place_(std::move(file), hook), kind_(kind) {}

std::optional<Failure> SessionFile::checkKind(const struct stat& status) const {
    const auto refused = [&](const std::string& why) { return place_.problem(Errc::storage_refused, why); };
    if (S_ISLNK(status.st_mode)) return refused("it is a symbolic link; give the path of the file itself");
    if (!S_ISREG(status.st_mode)) return refused("it is not a regular file; choose another path");
    if (status.st_uid != ::geteuid()) return refused("it belongs to another user; choose another path, or chown it");
    if ((status.st_mode & 077) != 0)
        return refused("others may use it; if nobody has, run: chmod 600 " + place_.file.string());
    return std::nullopt;
}

result<Descriptor> SessionFile::openDirectory() const {
    if (!place_.namesFile())
        return place_.problem(Errc::storage_refused, "the path does not name a file; choose another");
    Descriptor directory(attempt(place_.hook, FileStep::openDirectory, [this] {
        return ::open(place_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }));
    // Without its directory the record is out of reach, not absent: a volume that is not mounted yet, say.
    if (directory.get() < 0) return place_.unavailable("cannot open its directory", errno);
    if (kind_ == SessionDirectory::anybodys) return directory;
    struct stat status {};
    if (::fstat(directory.get(), &status) != 0) return place_.unavailable("cannot look at its directory", errno);
    if (status.st_uid != ::geteuid())
        return place_.problem(Errc::storage_refused,
                              "its directory belongs to another user; choose another, or chown it");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return place_.problem(
            Errc::storage_refused,
            "others may write in its directory; if nobody has, run: chmod go-w " + place_.directory.string());
    return directory;
}

result<std::optional<StoredTokens>> SessionFile::read(int directory, std::string_view key) const {
    const char* const name = place_.name.c_str();
    const Descriptor file(attempt(place_.hook, FileStep::openFile, [&] {
        return ::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }));
    if (file.get() >= 0) return readOpen(file, key);
    const int error = errno;
    if (error == ENOENT) return std::optional<StoredTokens>();
    struct stat status {};
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        if (auto failure = checkKind(status)) return std::move(*failure);
    return place_.unavailable("cannot open it", error);
}

result<std::optional<StoredTokens>> SessionFile::readOpen(const Descriptor& file, std::string_view key) const {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return place_.unavailable("cannot look at it", errno);
    if (auto failure = checkKind(status)) return std::move(*failure);
    std::string text;
    std::array<char, 4096> part;
    for (;;) {
        const ssize_t size =
            attempt(place_.hook, FileStep::readFile, [&] { return ::read(file.get(), part.data(), part.size()); });
        if (size < 0) return place_.unavailable("cannot read it", errno);
        if (size == 0) break;
        text.append(part.data(), static_cast<std::size_t>(size));
        if (text.size() > maxFileSize) return place_.problem(Errc::storage_damaged, "it is larger than 1 MiB");
    }
    const std::int64_t written = status.st_mtim.tv_sec * std::int64_t{1'000'000} + status.st_mtim.tv_nsec / 1'000;
    auto record = decode(text, key, unmarkedRecordVersion(written));
    if (!record) return record.error();
    return std::optional<StoredTokens>(std::move(*record));
}

result<StoredTokens> SessionFile::decode(std::string_view text, std::string_view key,
                                         std::uint64_t unmarkedVersion) const {
    auto record = readSessionRecord(text, key, unmarkedVersion);
    if (!record) return place_.problem(Errc(record.error().code.value()), record.error().context);
    return record;
}

std::optional<Failure> SessionFile::writeTemporary(int directory, const std::string& name,
                                                   const std::string& text) const {
    Descriptor file(attempt(place_.hook, FileStep::createTemporary, [&] {
        return ::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }));
    if (file.get() < 0) return place_.unavailable("cannot create a file beside it", errno);
    const auto giveUp = [&](const char* what) {
        const int error = errno;
        ::unlinkat(directory, name.c_str(), 0);
        return place_.unavailable(what, error);
    };
    // Whatever the umask was.
    if (attempt(place_.hook, FileStep::protectTemporary, [&] { return ::fchmod(file.get(), 0600); }) != 0)
        return giveUp("cannot set the mode of its new version");
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t size = attempt(place_.hook, FileStep::writeTemporary,
                                     [&] { return ::write(file.get(), text.data() + done, text.size() - done); });
        if (size < 0) return giveUp("cannot write its new version");
        done += static_cast<std::size_t>(size);
    }
    if (attempt(place_.hook, FileStep::syncTemporary, [&] { return ::fsync(file.get()); }) != 0)
        return giveUp("cannot sync its new version");
    const int closeError = place_.hook ? place_.hook(FileStep::closeTemporary) : 0;
    if (file.close() != 0 || (errno = closeError) != 0) return giveUp("cannot close its new version");
    const auto rename = [&] { return ::renameat(directory, name.c_str(), directory, place_.name.c_str()); };
    if (attempt(place_.hook, FileStep::rename, rename) != 0) return giveUp("cannot replace it");
    return std::nullopt;
}

std::optional<Failure> SessionFile::syncDirectory(int directory) const {
    if (attempt(place_.hook, FileStep::syncDirectory, [&] { return ::fsync(directory); }) == 0) return std::nullopt;
    if (errno == EINVAL || errno == ENOTSUP) return std::nullopt;  // this file system has no such thing
    return place_.unavailable("cannot sync its directory", errno);
}

/// Before the first change, and after it is known that the file may be changed.
void SessionFile::lookForLeftovers(int directory) {
    if (kind_ == SessionDirectory::anybodys && !lookedForLeftovers_.exchange(true))
        removeLeftovers(directory, place_, place_.name);
}

result<std::optional<StoredTokens>> SessionFile::load(std::string_view key) {
    auto directory = openDirectory();
    if (!directory) return directory.error();
    return read(directory->get(), key);
}

result<SaveResult> SessionFile::save(std::string_view key, const Tokens& tokens, std::uint64_t expectedVersion) {
    auto directory = openDirectory();
    if (!directory) return directory.error();
    // What cannot be read, or has changed, is found out first, without a trace; and then once more, with the lock.
    std::optional<FileLock> locked;
    for (;;) {
        auto present = read(directory->get(), key);
        if (!present) return present.error();
        const std::uint64_t version = *present ? (*present)->version : 0;
        if (version != expectedVersion) return SaveResult::conflict(*present ? std::move(**present) : StoredTokens());
        if (locked) return replace(directory->get(), key, tokens, version);
        lookForLeftovers(directory->get());
        auto taken = place_.takeLock(directory->get());
        if (!taken) return taken.error();
        locked.emplace(std::move(*taken));
    }
}

result<SaveResult> SessionFile::replace(int directory, std::string_view key, const Tokens& tokens,
                                        std::uint64_t present) {
    const std::uint64_t version = nextRecordVersion(present, newestVersion_, microsecondsSince1970());
    const std::string text = writeSessionRecord(tokens, key, version);
    // What could not be read back, such as a key that is not UTF-8, would lock the session up for good.
    const auto readBack = decode(text, key, 1);
    if (!readBack || readBack->tokens.accessToken.value != tokens.accessToken.value ||
        readBack->tokens.refreshToken != tokens.refreshToken || text.size() > maxFileSize)
        return place_.problem(Errc::invalid_argument, "these tokens, or this key, cannot be written as JSON");
    if (auto failure = writeTemporary(directory, place_.temporaryName(), text)) return std::move(*failure);
    newestVersion_ = version;
    if (auto failure = syncDirectory(directory)) return std::move(*failure);
    return SaveResult::saved(version);
}

result<void> SessionFile::erase(std::string_view key) {
    auto directory = openDirectory();
    if (!directory) return directory.error();
    std::optional<FileLock> locked;
    for (;;) {
        const auto present = read(directory->get(), key);
        if (!present) return present.error();
        // Also without a record: a save that crashed may have left tokens.
        lookForLeftovers(directory->get());
        if (!*present || (*present)->tokens.empty()) return {};
        if (locked) {
            // Not removed: other processes would take a session that has ended for one that was never saved.
            const auto ended = replace(directory->get(), key, Tokens(), (*present)->version);
            if (!ended) return ended.error();
            return {};
        }
        auto taken = place_.takeLock(directory->get());
        if (!taken) return taken.error();
        locked.emplace(std::move(*taken));
    }
}

void SessionFile::removeAllLeftovers() const {
    const auto directory = openDirectory();
    if (directory) removeLeftovers(directory->get(), place_, std::string_view());
}

result<std::optional<RenewalLease>> SessionFile::acquireLease(std::chrono::milliseconds ttl) {
    auto directory = openDirectory();
    if (!directory) return directory.error();
    return takeLease(directory->get(), place_, ttl);
}

}  // namespace wix::detail
