#include "async/home_operation.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>

#include "base/deadline_check.hpp"

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
HomeOperationBase::HomeOperationBase(SameContextAs other, asio::any_io_executor home, WaitLimits limits)
    : ContextBound(other), home_(std::move(home)), limits_(std::move(limits)) {}

void HomeOperationBase::begin() {
    auto self = std::static_pointer_cast<HomeOperationBase>(shared_from_this());
    if (isBrief())
        home_.execute([self = std::move(self)] { self->start(); });
    else
        asio::post(home_, [self = std::move(self)] { self->start(); });
}

void HomeOperationBase::start() {
    if (done_ || stopped_) return;
    if (limits_.stop.stop_requested()) return stop(StopReason::cancelled);
    if (limits_.stopUnsent.stop_requested()) return stop(StopReason::dropped);
    // What is late already must not begin: its request would be on the wire before any timer fires.
    startedAt_ = MonotonicClock::now();
    if (startedAt_ >= limits_.deadline && !(isFurtherStep() && isPostponed(startedAt_)))
        return stop(StopReason::deadline);
    onStopRequest_ = listenTo(limits_.stop, StopReason::cancelled);
    onDropRequest_ = listenTo(limits_.stopUnsent, StopReason::dropped);
    setPhaseDeadline(SteadyTime::max(), startedAt_);
    onStart();
}

HomeOperationBase::StopListener HomeOperationBase::listenTo(const std::stop_token& token, StopReason why) {
    if (!token.stop_possible()) return nullptr;
    return std::make_unique<std::stop_callback<OnStop>>(token, OnStop(weak_from_this(), why));
}

void HomeOperationBase::OnStop::operator()() const noexcept {
    if (auto alive = operation.lock()) static_cast<HomeOperationBase&>(*alive).requestStop(why);
}

void HomeOperationBase::requestStop(StopReason why) noexcept {
    auto self = std::static_pointer_cast<HomeOperationBase>(shared_from_this());
    const ContextUse use(*this);
    if (use) asio::post(home_, [self, why] { self->stop(why); });
}

void HomeOperationBase::stop(StopReason why) {
    if (done_ || stopped_) return;
    // The scan may have seen the deadline of a phase that has ended since.
    if (why == StopReason::deadline && MonotonicClock::now() < std::min(limits_.deadline, phaseDeadline_)) return;
    if (why == StopReason::dropped && hasDeparted()) return;
    stopped_ = true;
    onStop(why);
}

void HomeOperationBase::setPhaseDeadline(SteadyTime deadline, SteadyTime now) {
    phaseDeadline_ = deadline;
    const SteadyTime next = std::min(limits_.deadline, deadline);
    if (next == SteadyTime::max()) return unwatch();
    // What has passed already is left to the scan, which knows whether it counts.
    if (next <= now || next - now > nearDeadline) {
        if (shortTimer_) shortTimer_->cancel();
        return watch(next);
    }
    unwatch();
    if (!shortTimer_) shortTimer_ = std::make_unique<MonotonicTimer>(home_);
    shortTimer_->expires_at(next);
    shortTimer_->async_wait([weak = weak_from_this(), next](const boost::system::error_code& ec) {
        if (ec) return;
        if (auto alive = weak.lock()) static_cast<HomeOperationBase&>(*alive).nearDeadlinePassed(next);
    });
}

void HomeOperationBase::nearDeadlinePassed(SteadyTime planned) {
    if (done_) return;
    DeadlineCheck check;
    check.plan(planned);
    const SteadyTime now = MonotonicClock::now();
    if (check.run(now)) return stop(StopReason::deadline);
    watch(now + DeadlineCheck::grace);
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
