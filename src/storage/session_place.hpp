// Where a session file is, what lies beside it, and how failures speak of it.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include <wix/error.hpp>

#include "storage/file_steps.hpp"

namespace wix::detail {

/// The key that orders the calls for one session file.
inline std::string fileCallKey(const std::filesystem::path& file) { return "file:" + file.string(); }

class SessionPlace {
public:
    explicit SessionPlace(std::filesystem::path path, FileStepHook hook = nullptr);

    bool namesFile() const;
    std::string lockName() const { return "." + name + ".lock"; }
    std::string leaseName() const { return "." + name + ".lease"; }
    /// Another one each time.
    std::string temporaryName() const;
    /// Of which session file this entry of a directory is a temporary; empty if it is none.
    static std::string sessionOfTemporary(std::string_view entry);

    Failure problem(Errc code, const std::string& why) const;
    Failure unavailable(const std::string& what, int error) const;

    /// Opens a lock file, and makes it if there is none. It must be of nobody but us: who can open it can lock us out.
    result<Descriptor> openLockFile(int directory, const std::string& lock) const;
    /// Takes the lock that orders the saves of all processes. It is released with the descriptor. Fails if it is not free
    /// within longestLockWait.
    result<FileLock> takeLock(int directory) const;
    /// The same without waiting: one that is not held if another holds it.
    result<FileLock> tryLock(int directory) const;
    /// Whether the entry `name` of the directory is the open file.
    static bool isEntry(int directory, const std::string& name, const Descriptor& file);
    /// Whether that lock is free now. Lock files stay: without one nobody saves, and none is made.
    bool nobodySaves(int directory) const;

    std::filesystem::path file;
    std::filesystem::path directory;
    std::string name;
    FileStepHook hook;
};

}  // namespace wix::detail
