// The value of X-Wix-Consistent: reading one's own writes. Learned from any answer, sent with every later request, and
// forgotten with the session.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace wix::detail {

class Consistency {
public:
    void learn(std::uint64_t epoch, std::string_view value) {
        const std::lock_guard lock(mutex_);
        if (epoch < epoch_) return;  // a late answer of an earlier session
        epoch_ = epoch;
        value_ = value;
        any_.store(true, std::memory_order_release);
    }
    std::string valueFor(std::uint64_t epoch) const {
        if (!any_.load(std::memory_order_acquire)) return std::string();  // each request asks
        const std::lock_guard lock(mutex_);
        return epoch == epoch_ ? value_ : std::string();
    }

private:
    std::atomic<bool> any_{false};
    mutable std::mutex mutex_;
    std::uint64_t epoch_ = 0;
    std::string value_;
};

}  // namespace wix::detail
