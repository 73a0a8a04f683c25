#include <wix/observer.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <deque>
#include <mutex>
#include <utility>
#include <variant>

#include "async/context_registry.hpp"

namespace asio = boost::asio;

namespace wix {

std::string_view reasonName(RenewalReason reason) noexcept {
    switch (reason) {
        case RenewalReason::noSession:
            return "noSession";
        case RenewalReason::sessionLost:
            return "sessionLost";
        case RenewalReason::ahead:
            return "ahead";
        case RenewalReason::expired:
            return "expired";
        case RenewalReason::unauthorized:
            return "unauthorized";
        case RenewalReason::requested:
            return "requested";
    }
    return "unknown";
}

Observer::~Observer() = default;
void Observer::renewalStarted(const RenewalStarted&) {}
void Observer::renewalFinished(const RenewalFinished&) {}
void Observer::renewalFailed(const RenewalFailed&) {}
void Observer::renewalAdopted(const RenewalAdopted&) {}
void Observer::sessionLost(const SessionLost&) {}
void Observer::saveFailed(const SaveFailed&) {}
void Observer::requestRetried(const RequestRetried&) {}
void Observer::requestFinished(const RequestFinished&) {}

/// Outlives the wrapper while an event is on its way, and lets go of its executor when that one's context ends.
class QueuedObserver::Queue final : public detail::ContextBound {
public:
    using Event = std::variant<RenewalStarted, RenewalFinished, RenewalFailed, RenewalAdopted, SessionLost, SaveFailed,
                               RequestRetried, RequestFinished>;

    Queue(std::shared_ptr<Observer> slow, asio::any_io_executor executor, std::size_t limit)
        : ContextBound(executor), slow_(std::move(slow)), executor_(std::move(executor)), limit_(limit) {}

    void push(Event event) {
        const std::lock_guard lock(mutex_);
        if (!executor_ || waiting_.size() >= limit_) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        waiting_.push_back(std::move(event));
        if (!delivering_) postDelivery();
    }

    void contextGone() noexcept override {
        const std::lock_guard lock(mutex_);
        executor_ = asio::any_io_executor();
        drop();
    }

    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    /// With the mutex held. What an executor does not take is dropped: the next event tries again.
    void postDelivery() noexcept {
        try {
            asio::post(executor_, [self = std::static_pointer_cast<Queue>(shared_from_this())] { self->deliver(); });
            delivering_ = true;
        } catch (...) {
            delivering_ = false;
            drop();
        }
    }
    void drop() noexcept {
        dropped_.fetch_add(waiting_.size(), std::memory_order_relaxed);
        waiting_.clear();
    }

    /// One event at a time, so that whatever else runs there has its turn.
    void deliver() {
        std::optional<Event> event;
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty()) return;
            event.emplace(std::move(waiting_.front()));
            waiting_.pop_front();
        }
        try {
            std::visit([this](const auto& what) { tell(what); }, *event);
        } catch (...) {  // as any observer's
        }
        const std::lock_guard lock(mutex_);
        delivering_ = false;
        if (!waiting_.empty() && executor_) postDelivery();
    }
    void tell(const RenewalStarted& event) { slow_->renewalStarted(event); }
    void tell(const RenewalFinished& event) { slow_->renewalFinished(event); }
    void tell(const RenewalFailed& event) { slow_->renewalFailed(event); }
    void tell(const RenewalAdopted& event) { slow_->renewalAdopted(event); }
    void tell(const SessionLost& event) { slow_->sessionLost(event); }
    void tell(const SaveFailed& event) { slow_->saveFailed(event); }
    void tell(const RequestRetried& event) { slow_->requestRetried(event); }
    void tell(const RequestFinished& event) { slow_->requestFinished(event); }

    const std::shared_ptr<Observer> slow_;
    std::mutex mutex_;
    asio::any_io_executor executor_;
    const std::size_t limit_;
    std::deque<Event> waiting_;
    bool delivering_ = false;
    std::atomic<std::uint64_t> dropped_{0};
};

QueuedObserver::QueuedObserver(std::shared_ptr<Observer> slow, asio::any_io_executor executor, std::size_t limit) {
    if (!slow) throw Error(Errc::invalid_argument, "queued(): the observer must not be null");
    if (!executor) throw Error(Errc::invalid_argument, "queued(): the executor must not be empty");
    if (limit == 0) throw Error(Errc::invalid_argument, "queued(): the limit must be at least 1");
    queue_ = std::make_shared<Queue>(std::move(slow), std::move(executor), limit);
}
QueuedObserver::~QueuedObserver() = default;

void QueuedObserver::renewalStarted(const RenewalStarted& event) { queue_->push(event); }
void QueuedObserver::renewalFinished(const RenewalFinished& event) { queue_->push(event); }
void QueuedObserver::renewalFailed(const RenewalFailed& event) { queue_->push(event); }
void QueuedObserver::renewalAdopted(const RenewalAdopted& event) { queue_->push(event); }
void QueuedObserver::sessionLost(const SessionLost& event) { queue_->push(event); }
void QueuedObserver::saveFailed(const SaveFailed& event) { queue_->push(event); }
void QueuedObserver::requestRetried(const RequestRetried& event) { queue_->push(event); }
void QueuedObserver::requestFinished(const RequestFinished& event) { queue_->push(event); }
std::uint64_t QueuedObserver::dropped() const noexcept { return queue_->dropped(); }

std::shared_ptr<QueuedObserver> queued(std::shared_ptr<Observer> slow, asio::any_io_executor executor,
                                       std::size_t limit) {
    return std::make_shared<QueuedObserver>(std::move(slow), std::move(executor), limit);
}

}  // namespace wix
