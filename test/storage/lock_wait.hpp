// How long saves wait for a lock, for one test.
#pragma once

#include <chrono>

#include "storage/file_steps.hpp"

namespace wix::detail::test {

/// Saves wait at most `longest` for the lock of another process while this exists.
class LockWait {
public:
    explicit LockWait(std::chrono::milliseconds longest) { longestLockWait = longest; }
    ~LockWait() { longestLockWait = before_; }
    LockWait(const LockWait&) = delete;
    LockWait& operator=(const LockWait&) = delete;

private:
    const std::chrono::milliseconds before_ = longestLockWait;
};

}  // namespace wix::detail::test
