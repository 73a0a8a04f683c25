// A gate for threads of the code under test.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace wix::test {

/// Blocks the threads that pass it until it is opened, for 60 s at most.
class Gate {
public:
    void pass() {
        std::unique_lock lock(mutex_);
        ++arrived_;
        changed_.notify_all();
        changed_.wait_for(lock, std::chrono::seconds(60), [this] { return open_; });
        --arrived_;
        ++passed_;
        changed_.notify_all();
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    /// Whether `number` threads are held at the gate, now or within 20 s.
    bool holds(int number) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return arrived_ >= number; });
    }
    /// Whether `number` threads have passed, now or within 20 s.
    bool hasLetPass(int number) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return passed_ >= number; });
    }
    int held() {
        const std::lock_guard lock(mutex_);
        return arrived_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int arrived_ = 0;
    int passed_ = 0;
};

}  // namespace wix::test
