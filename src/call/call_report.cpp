#include "call/call_report.hpp"

#include <string>

#include "http/header_lookup.hpp"

namespace wix::detail {
namespace {

template <class Event>
void describe(Event& event, const WireRequest& request, const result<HttpReply>& outcome, std::string_view reason) {
    event.request = request.describe();
    event.reason = reason;
    if (outcome.has_value())
        event.status = outcome->status;
    else
        event.error = outcome.error().code;
}

}  // namespace

template <class Told>
void CallReport::tell(void (Observer::*callback)(const Told&), const Told& event) noexcept {
    try {
        ((*observer_).*callback)(event);
    } catch (...) {
    }
}

void CallReport::retried(const WireRequest& request, const result<HttpReply>& outcome, std::string_view reason,
                         std::chrono::milliseconds delay) noexcept {
    if (!observer_) return;
    try {
        RequestRetried event;
        describe(event, request, outcome, reason);
        event.attempt = attempts_;
        event.delay = delay;
        tell(&Observer::requestRetried, event);
    } catch (...) {  // out of memory: the call matters more than its report
    }
}

void CallReport::finished(const WireRequest& request, const result<HttpReply>& outcome,
                          std::string_view reason) noexcept {
    if (!observer_ || attempts_ == 0) return;
    try {
        RequestFinished event;
        describe(event, request, outcome, reason);
        event.attempts = attempts_;
        if (outcome.has_value())
            event.requestId =
                std::string(findHeader(outcome->headers, "x-wix-request-id").value_or(std::string_view()));
        else
            event.requestId = outcome.error().requestId;
        event.duration = MonotonicClock::now() - begun_;
        tell(&Observer::requestFinished, event);
    } catch (...) {
    }
}

void CallReport::threw(const WireRequest& request) noexcept {
    if (!observer_) return;
    try {
        Failure failure;
        try {
            failure = currentFailure();
        } catch (...) {  // it is no system_error: there is no code for it
        }
        finished(request, failure, "an exception ended it");
    } catch (...) {
    }
}

}  // namespace wix::detail
