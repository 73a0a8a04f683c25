// What an observer hears of one call.
#pragma once

#include <memory>
#include <string_view>

#include <wix/observer.hpp>

#include "base/monotonic_clock.hpp"
#include "http/http_reply.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// Counts the requests of a call, and tells. Whatever an observer throws is its own affair.
class CallReport {
public:
    explicit CallReport(std::shared_ptr<Observer> observer)
        : observer_(std::move(observer)), begun_(observer_ ? MonotonicClock::now() : MonotonicTime()) {}

    /// Another request goes out. Gives its number, from 1.
    int sending() noexcept { return ++attempts_; }

    void retried(const WireRequest& request, const result<HttpReply>& outcome, std::string_view reason,
                 std::chrono::milliseconds delay) noexcept;
    /// The call ends, with an answer or a failure. Not told if nothing has gone out.
    void finished(const WireRequest& request, const result<HttpReply>& outcome, std::string_view reason) noexcept;
    /// The call ends with the exception that is being handled.
    void threw(const WireRequest& request) noexcept;

private:
    template <class Told>
    void tell(void (Observer::*callback)(const Told&), const Told& event) noexcept;

    std::shared_ptr<Observer> observer_;
    MonotonicTime begun_;
    int attempts_ = 0;
};

}  // namespace wix::detail
