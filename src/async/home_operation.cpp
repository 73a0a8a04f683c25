#include "async/home_operation.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// The scan comes up to 100 ms late; a deadline nearer than this gets a timer of its own.
constexpr std::chrono::milliseconds nearDeadline{1000};

}  // namespace

Failure stopFailure(StopReason why, std::string what) {
    if (why != StopReason::deadline) return Failure(asio::error::operation_aborted, std::move(what));
    return Failure(Errc::timeout, std::move(what));
}

HomeOperationBase::HomeOperationBase(asio::any_io_executor home, WaitLimits limits)
    : ContextBound(home), home_(std::move(home)), limits_(std::move(limits)) {}

void HomeOperationBase::begin() {
    // Before the post: from then on the home strand may reset it. A token that has stopped already stops us here.
    if (limits_.stop.stop_possible())
        onStopRequest_.emplace(limits_.stop, OnStop(weak_from_this(), StopReason::cancelled));
    if (limits_.stopUnsent.stop_possible())
        onDropRequest_.emplace(limits_.stopUnsent, OnStop(weak_from_this(), StopReason::dropped));
    auto self = std::static_pointer_cast<HomeOperationBase>(shared_from_this());
    asio::post(home_, [self] {
        if (self->done_ || self->stopped_) return;
        // What is late already must not begin: its request would be on the wire before any timer fires.
        if (MonotonicClock::now() >= self->limits_.deadline) return self->stop(StopReason::deadline);
        self->setPhaseDeadline(SteadyTime::max());
        self->onStart();
    });
}

void HomeOperationBase::OnStop::operator()() const noexcept {
    if (auto alive = operation.lock()) static_cast<HomeOperationBase&>(*alive).requestStop(why);
}

void HomeOperationBase::requestStop(StopReason why) noexcept {
    auto self = std::static_pointer_cast<HomeOperationBase>(shared_from_this());
    asio::post(home_, [self, why] { self->stop(why); });
}

void HomeOperationBase::stop(StopReason why) {
    if (done_ || stopped_) return;
    // The scan may have seen the deadline of a phase that has ended since.
    if (why == StopReason::deadline && MonotonicClock::now() < std::min(limits_.deadline, phaseDeadline_))
        return;
    if (why == StopReason::dropped && hasDeparted()) return;
    stopped_ = true;
    onStop(why);
}

void HomeOperationBase::setPhaseDeadline(SteadyTime deadline) {
    phaseDeadline_ = deadline;
    const SteadyTime next = std::min(limits_.deadline, deadline);
    if (next == SteadyTime::max()) return unwatch();
    if (next - MonotonicClock::now() > nearDeadline) return watch(next);
    unwatch();
    if (!shortTimer_) shortTimer_.emplace(home_);
    shortTimer_->expires_at(next);
    shortTimer_->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        if (ec) return;
        if (auto alive = weak.lock()) static_cast<HomeOperationBase&>(*alive).stop(StopReason::deadline);
    });
}

bool HomeOperationBase::end() {
    if (done_) return false;
    done_ = true;
    unwatch();
    shortTimer_.reset();
    onStopRequest_.reset();
    onDropRequest_.reset();
    return true;
}

void HomeOperationBase::contextGone() noexcept {
    done_ = true;
    shortTimer_.reset();
    onStopRequest_.reset();
    onDropRequest_.reset();
    dropHandler();
    home_ = asio::any_io_executor();
}

}  // namespace wix::detail
