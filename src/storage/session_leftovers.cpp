// The temporaries of saves that crashed.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "base/descriptors.hpp"
#include "storage/session_file.hpp"
#include "storage/session_name.hpp"

namespace wix::detail {
namespace {

void removeLeftover(int directory, const char* entry, const SessionPlace& session) {
    struct stat status {};
    if (::fstatat(directory, entry, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) return;
    // Whoever writes a temporary holds the lock. If it is free, whoever wrote this one is gone.
    if (session.nobodySaves(directory)) ::unlinkat(directory, entry, 0);
}

}  // namespace

void removeLeftovers(int directory, const SessionPlace& place, std::string_view only) {
    const int number =
        withDescriptors([directory] { return ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (number < 0) return;
    DIR* const opened = ::fdopendir(number);
    if (!opened) {
        ::close(number);
        return;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(opened, &::closedir);
    while (const dirent* entry = ::readdir(entries.get())) {
        const std::string session = SessionPlace::sessionOfTemporary(entry->d_name);
        if (session.empty()) continue;
        if (only.empty() ? isSessionFileName(session) : session == only)
            removeLeftover(directory, entry->d_name, SessionPlace(place.directory / session));
    }
}

}  // namespace wix::detail
