#include "testing/gate.hpp"

#include <algorithm>
#include <utility>

namespace wix::testing::detail {

void Gate::hold(std::string_view endpoint, HoldPoint at) {
    const std::lock_guard lock(mutex_);
    holds_.insert_or_assign(std::string(endpoint), at);
}

void Gate::release(std::string_view endpoint) {
    const std::lock_guard lock(mutex_);
    holds_.erase(std::string(endpoint));
    wakeIf([&](const std::string& key) { return key == endpoint; });
}

void Gate::releaseAll() {
    const std::lock_guard lock(mutex_);
    holds_.clear();
    wakeIf([](const std::string&) { return true; });
}

bool Gate::waitUntilHeld(std::string_view endpoint, std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] {
        const auto held = std::count_if(waiters_.begin(), waiters_.end(), [&](const auto& entry) {
            return endpoint == "*" || entry.second.endpoint == endpoint;
        });
        return static_cast<std::size_t>(held) >= count;
    });
}

Gate::Id Gate::enter(std::string_view endpoint, HoldPoint at, std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    auto found = holds_.find(endpoint);
    if (found == holds_.end()) found = holds_.find("*");
    if (found == holds_.end() || found->second != at) return 0;
    Waiter waiter;
    waiter.endpoint = endpoint;
    waiter.key = found->first;
    waiter.wake = std::move(wake);
    waiters_.emplace(++lastId_, std::move(waiter));
    changed_.notify_all();
    return lastId_;
}

void Gate::leave(Id id) {
    // Destroyed after the lock is gone: what it holds may be the last of a connection.
    std::function<void()> wake;
    const std::lock_guard lock(mutex_);
    const auto found = waiters_.find(id);
    if (found == waiters_.end()) return;
    wake = std::move(found->second.wake);
    waiters_.erase(found);
}

// A waiter that is woken counts as held no longer, although it leaves a moment later.
void Gate::wakeIf(const std::function<bool(const std::string&)>& released) {
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        if (!released(waiter->second.key)) {
            ++waiter;
            continue;
        }
        waiter->second.wake();
        waiter = waiters_.erase(waiter);
    }
}

}  // namespace wix::testing::detail
