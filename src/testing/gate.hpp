// Where requests are held until a test lets them go. Thread-safe.
#ifndef WIX_TESTING_GATE_HPP
#define WIX_TESTING_GATE_HPP

#include <wix/testing/fake_wix.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace wix::testing::detail {

class Gate {
public:
    using Id = std::uint64_t;

    void hold(std::string_view endpoint, HoldPoint at);
    void release(std::string_view endpoint);
    void releaseAll();
    /// The holds in effect, by endpoint.
    std::map<std::string, HoldPoint, std::less<>> holds() const {
        const std::lock_guard lock(mutex_);
        return holds_;
    }
    bool waitUntilHeld(std::string_view endpoint, std::size_t count, std::chrono::milliseconds timeout) const;

    /// 0: pass. Else the request is held, and `wake` is called once, on the thread that releases it: it must not
    /// block nor call the gate.
    Id enter(std::string_view endpoint, HoldPoint at, std::function<void()> wake);
    /// The request waits no longer, woken or not. `wake` is forgotten.
    void leave(Id id);

private:
    struct Waiter {
        std::string endpoint;
        std::string key;  // of the hold: the endpoint or `*`
        std::function<void()> wake;
    };
    void wakeIf(const std::function<bool(const std::string&)>& released);

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::map<std::string, HoldPoint, std::less<>> holds_;
    std::map<Id, Waiter> waiters_;
    Id lastId_ = 0;
};

}  // namespace wix::testing::detail

#endif
