// The system calls of the session files, one by one, so that tests can make each of them fail.
#pragma once

#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/descriptors.hpp"

namespace wix::detail {

/// The system calls that a test can make fail, or stop the program at.
enum class FileStep {
    openDirectory,
    openFile,
    readFile,
    openLock,  ///< Of the lock file, or the lease file.
    takeLock,
    createTemporary,
    protectTemporary,
    writeTemporary,
    syncTemporary,
    closeTemporary,
    rename,
    syncDirectory,
    writeLease,
};

/// Called before each step; anything but 0 is the errno that the step fails with.
using FileStepHook = int (*)(FileStep);

/// The hook of FileTokenStorage. Tests set it before they make one.
inline constinit std::atomic<FileStepHook> defaultStepHook{nullptr};

/// How long a save waits for the lock of another process. The lock is held for one write, which takes seconds on a disk that
/// is busy; a holder beyond that does not run. Below Timeouts::storage, so that the caller sees the reason.
inline constinit std::atomic<std::chrono::milliseconds> longestLockWait{std::chrono::milliseconds(3'000)};

/// Makes the call of a step, again if it was interrupted, or if there was no descriptor for it and idle connections could
/// be closed. As with the call itself, -1 is failure, and errno tells why.
template <class Call>
auto attempt(FileStepHook hook, FileStep step, Call call) {
    using Value = decltype(call());
    for (bool isFirst = true;; isFirst = false) {
        const int error = hook ? hook(step) : 0;
        const Value value = error == 0 ? call() : Value{-1};
        if (error != 0) errno = error;
        if (value >= 0) return value;
        const bool helped = isFirst && isShortOfDescriptors(errno) && closeIdleDescriptors();
        if (errno != EINTR && !helped) return value;
    }
}

/// A file descriptor that is closed with it.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const noexcept { return number_; }
    /// Linux has closed it even if this fails.
    int close() noexcept { return ::close(std::exchange(number_, -1)); }

private:
    int number_;
};

/// A lock file that is locked with flock(). Unlocks: closing is not enough, as a child of a fork may have the file open.
class FileLock {
public:
    explicit FileLock(Descriptor file) : file_(std::move(file)) {}
    FileLock(FileLock&&) noexcept = default;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock() {
        if (isHeld()) ::flock(file_.get(), LOCK_UN);
    }
    bool isHeld() const noexcept { return file_.get() >= 0; }

private:
    Descriptor file_;
};

}  // namespace wix::detail
