// Removal of sessions that have not been written for long.
//
// The record goes first and the lock file last: whoever opened the lock file meanwhile finds that it has no name any more,
// and makes another. A crash in between leaves a lock file without a record, which the next purge removes.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/descriptors.hpp"
#include "storage/session_file.hpp"
#include "storage/session_name.hpp"

namespace wix::detail {
namespace {

/// Whether `name` is a regular file of this user that was written longer ago than `age`.
bool isOlderThan(int directory, const std::string& name, std::chrono::seconds age) {
    struct stat status {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) return false;
    // In seconds: an age, or a time of a file, may be beyond what nanoseconds can express.
    const std::int64_t now =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()).time_since_epoch().count();
    const std::int64_t written = status.st_mtim.tv_sec;
    return written <= now && static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(written) >
                                 static_cast<std::uint64_t>(age.count());
}

bool isLeased(int directory, const SessionPlace& place) {
    const std::string name = place.leaseName();
    const Descriptor lease(
        withDescriptors([&] { return ::openat(directory, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC); }));
    if (lease.get() < 0) return errno != ENOENT;
    if (::flock(lease.get(), LOCK_EX | LOCK_NB) != 0) return true;
    ::flock(lease.get(), LOCK_UN);
    return false;
}

/// Whether a session was removed.
result<bool> removeOld(int directory, const SessionPlace& place, std::chrono::seconds age) {
    if (!isOlderThan(directory, place.name, age)) return false;
    const auto lock = place.tryLock(directory);
    if (!lock) return lock.error();
    if (!lock->isHeld() || isLeased(directory, place) || !isOlderThan(directory, place.name, age)) return false;
    if (::unlinkat(directory, place.name.c_str(), 0) != 0) return place.unavailable("cannot remove it", errno);
    ::unlinkat(directory, place.leaseName().c_str(), 0);
    ::unlinkat(directory, place.lockName().c_str(), 0);
    return true;
}

/// The session of a lock file; empty if it is none.
std::string sessionOfLock(std::string_view entry) {
    constexpr std::string_view end = ".lock";
    if (!entry.starts_with('.') || !entry.ends_with(end)) return std::string();
    return std::string(entry.substr(1, entry.size() - 1 - end.size()));
}

/// A lock file without a record: of a session that was never saved, or of a purge that did not end.
void removeOldLock(int directory, const SessionPlace& place, std::chrono::seconds age) {
    struct stat status {};
    if (::fstatat(directory, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) return;
    if (!isOlderThan(directory, place.lockName(), age)) return;
    const auto lock = place.tryLock(directory);
    if (!lock || !lock->isHeld() || isLeased(directory, place)) return;
    if (::fstatat(directory, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return;
    ::unlinkat(directory, place.leaseName().c_str(), 0);
    ::unlinkat(directory, place.lockName().c_str(), 0);
}

}  // namespace

result<bool> SessionFile::removeIfOlderThan(std::chrono::seconds age) const {
    const auto directory = openDirectory();
    if (!directory) return directory.error();
    return removeOld(directory->get(), place_, age);
}

result<std::size_t> SessionFile::removeAllOlderThan(std::chrono::seconds age) const {
    const auto directory = openDirectory();
    if (!directory) return directory.error();
    const int number =
        withDescriptors([&] { return ::openat(directory->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (number < 0) return place_.unavailable("cannot read its directory", errno);
    DIR* const opened = ::fdopendir(number);
    if (!opened) {
        const int error = errno;
        ::close(number);
        return place_.unavailable("cannot read its directory", error);
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(opened, &::closedir);
    std::size_t count = 0;
    std::optional<Failure> first;
    while (const dirent* entry = ::readdir(entries.get())) {
        if (isSessionFileName(entry->d_name)) {
            const auto removed =
                removeOld(directory->get(), SessionPlace(place_.directory / entry->d_name, place_.hook), age);
            if (!removed && !first) first = removed.error();
            if (removed && *removed) ++count;
        } else if (const std::string session = sessionOfLock(entry->d_name); isSessionFileName(session)) {
            removeOldLock(directory->get(), SessionPlace(place_.directory / session, place_.hook), age);
        }
    }
    if (first) {
        first->context += "; " + std::to_string(count) + " other sessions were removed";
        return *first;
    }
    return count;
}

}  // namespace wix::detail
