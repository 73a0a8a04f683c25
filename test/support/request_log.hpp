// What a client reported of its calls, a word for each event.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <wix/observer.hpp>

namespace wix::test {

/// `retried(503)`, `finished(200)`; `retried(error 23)` by the number of the error if there was no answer.
class RequestLog final : public Observer {
public:
    void requestRetried(const RequestRetried& event) override {
        note("retried", event.status, event.error, event.request, event.reason);
    }
    void requestFinished(const RequestFinished& event) override {
        note("finished", event.status, event.error, event.request, event.reason);
        last_ = event;
    }

    /// The events since the last time.
    std::vector<std::string> take() {
        const std::lock_guard lock(mutex_);
        reasons_.clear();
        requests_.clear();
        return std::exchange(events_, {});
    }
    std::vector<std::string> events() const { return copyOf(events_); }
    std::vector<std::string> reasons() const { return copyOf(reasons_); }
    std::vector<std::string> requests() const { return copyOf(requests_); }
    RequestFinished last() const {
        const std::lock_guard lock(mutex_);
        return last_;
    }

private:
    void note(const char* what, int status, const boost::system::error_code& error, const std::string& request,
              std::string_view reason) {
        const std::lock_guard lock(mutex_);
        const std::string outcome = status != 0 ? std::to_string(status) : "error " + std::to_string(error.value());
        events_.push_back(what + ("(" + outcome + ")"));
        reasons_.emplace_back(reason);
        requests_.push_back(request);
    }
    std::vector<std::string> copyOf(const std::vector<std::string>& lines) const {
        const std::lock_guard lock(mutex_);
        return lines;
    }

    mutable std::mutex mutex_;
    std::vector<std::string> events_, reasons_, requests_;
    RequestFinished last_;
};

}  // namespace wix::test
