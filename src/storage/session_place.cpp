#include "storage/session_place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>

namespace wix::detail {
namespace {

constexpr std::string_view temporaryEnd = ".wix-tmp";
constexpr std::size_t temporaryDigits = 16;
constexpr std::string_view hexDigits = "0123456789abcdef";
constexpr timespec lockPause{0, 1'000'000};

}  // namespace

SessionPlace::SessionPlace(std::filesystem::path path, FileStepHook stepHook)
    : file(std::move(path)), directory(file.parent_path()), name(file.filename().string()), hook(stepHook) {
    if (directory.empty()) directory = ".";
}

bool SessionPlace::namesFile() const {
    return !name.empty() && name != "." && name != ".." && file.string().find('\0') == std::string::npos;
}

std::string SessionPlace::temporaryName() const {
    // Where locks do not work after all, two processes do not write into one file: each takes a name of its own.
    std::array<unsigned char, temporaryDigits / 2> random{};
    // Without randomness the name is taken at worst, and O_EXCL notices.
    static_cast<void>(::getrandom(random.data(), random.size(), GRND_NONBLOCK));
    std::string text = "." + name + ".";
    for (unsigned char byte : random) {
        text += hexDigits[byte >> 4];
        text += hexDigits[byte & 15];
    }
    return text.append(temporaryEnd);
}

std::string SessionPlace::sessionOfTemporary(std::string_view entry) {
    constexpr std::size_t rest = 1 + temporaryDigits + temporaryEnd.size();
    if (entry.size() < 1 + 1 + rest || entry[0] != '.' || !entry.ends_with(temporaryEnd)) return std::string();
    const std::string_view tail = entry.substr(entry.size() - rest);
    if (tail[0] != '.' || tail.substr(1, temporaryDigits).find_first_not_of(hexDigits) != tail.npos)
        return std::string();
    return std::string(entry.substr(1, entry.size() - rest - 1));
}

Failure SessionPlace::problem(Errc code, const std::string& why) const {
    return Failure(code, "session file " + file.string() + ": " + why);
}

Failure SessionPlace::unavailable(const std::string& what, int error) const {
    return problem(Errc::storage_unavailable, what + ": " + std::generic_category().message(error));
}

result<Descriptor> SessionPlace::openLockFile(int where, const std::string& lock) const {
    const std::string what = "its lock file " + (directory / lock).string() + " ";
    const auto refused = [&](const std::string& why) { return problem(Errc::storage_refused, what + why); };
    Descriptor opened(attempt(hook, FileStep::openLock, [&] {
        return ::openat(where, lock.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    }));
    const int error = errno;
    struct stat status {};
    // Of one that cannot be opened, what it is may be the reason.
    if (opened.get() >= 0 ? ::fstat(opened.get(), &status) != 0
                          : ::fstatat(where, lock.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return unavailable("cannot open its lock file", error);
    if (S_ISLNK(status.st_mode)) return refused("is a symbolic link; remove it");
    if (!S_ISREG(status.st_mode)) return refused("is not a regular file; remove it");
    if (status.st_uid != ::geteuid()) return refused("belongs to another user; remove it, or choose another directory");
    if ((status.st_mode & 077) != 0)
        return refused("may be used by others; run: chmod 600 " + (directory / lock).string());
    if (opened.get() < 0) return unavailable("cannot open its lock file", error);
    if ((status.st_mode & 0777) != 0600) ::fchmod(opened.get(), 0600);  // the umask took more
    return opened;
}

bool SessionPlace::isEntry(int where, const std::string& entry, const Descriptor& file) {
    struct stat mine {
    }, present{};
    return ::fstat(file.get(), &mine) == 0 && ::fstatat(where, entry.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_ino == present.st_ino && mine.st_dev == present.st_dev;
}

result<FileLock> SessionPlace::tryLock(int where) const {
    const std::string lock = lockName();
    auto opened = openLockFile(where, lock);
    if (!opened) return opened.error();
    if (attempt(hook, FileStep::takeLock, [&] { return ::flock(opened->get(), LOCK_EX | LOCK_NB); }) != 0) {
        if (errno == EWOULDBLOCK) return FileLock(Descriptor(-1));
        return unavailable("cannot lock its lock file", errno);
    }
    // The file that was opened may have been removed: its lock protects nothing.
    if (!isEntry(where, lock, *opened)) return FileLock(Descriptor(-1));
    return FileLock(std::move(*opened));
}

result<FileLock> SessionPlace::takeLock(int where) const {
    const auto limit = std::chrono::steady_clock::now() + longestLockWait.load();
    do {
        auto lock = tryLock(where);
        if (!lock || lock->isHeld()) return lock;
        // flock() could wait by itself, but not for a limited time; and other sessions need this thread.
        ::nanosleep(&lockPause, nullptr);
    } while (std::chrono::steady_clock::now() < limit);
    return problem(Errc::storage_unavailable, "another process holds the lock " + (directory / lockName()).string() +
                                                  " for seconds; if it has been stopped or hangs, end it");
}

bool SessionPlace::nobodySaves(int where) const {
    struct stat status {};
    if (::fstatat(where, lockName().c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
    const auto lock = tryLock(where);
    return lock && lock->isHeld();
}

}  // namespace wix::detail
