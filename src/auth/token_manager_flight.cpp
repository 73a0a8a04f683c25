// The exchange of a TokenManager: its beginning, its request and its end.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <utility>

#include "auth/token_manager_work.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {
constexpr std::chrono::seconds refusedPause{1};

/// Thousands of new visitors do not delay those that have been here before.
Priority priorityOf(const ExchangeAction& action) noexcept {
    if (action.grant == Grant::anonymous) return Priority::elevated;
    return action.background ? Priority::background : Priority::urgent;
}

}  // namespace

void TokenManager::perform(ExchangeAction& action) {
    if (action.background && !work_->flightSlot && !takeSlot()) return refuseBackground();
    if (!action.replay) observe(&Observer::renewalStarted, action.flight);
    try {
        work_->abortFlight = std::stop_source();  // for this flight, not for one that was stopped before it
        work_->dropUnsent = std::stop_source();
        if (!action.replay) work_->flightDeadline = MonotonicClock::now() + setup().request.timeouts.tokenExchange;
        asio::co_spawn(work_->strand, exchange(self(), std::move(action)), asio::detached);
    } catch (...) {  // out of memory, say: the flight has ended, and the next one may start
        const Moment now = setup().clock->now();
        work_->state.exchanged(
            noTokenAnswer(Failure(Errc::token_unavailable, "POST /oauth2/token could not be started")), now.boot, now);
    }
}

void TokenManager::perform(RequestControlAction&) {
    try {
        work_->abortFlight = std::stop_source();
        work_->dropUnsent = std::stop_source();
        asio::co_spawn(work_->strand, askControl(self()), asio::detached);
    } catch (...) {  // out of memory, say
        work_->state.controlled(ControlOutcome(), setup().clock->now());
    }
}

/// The right to renew ahead of need. Nobody waits for that: what goes wrong here is a refusal.
bool TokenManager::takeSlot() noexcept {
    try {
        work_->flightSlot = setup().transport->backgroundSlot();
        return work_->flightSlot != nullptr;
    } catch (...) {
        return false;
    }
}

void TokenManager::refuseBackground() {
    const Moment now = setup().clock->now();
    refusedUntil_ = now.boot + refusedPause;
    work_->state.backgroundRefused(now);
}

/// No flight is under way, because it has ended or was not worth it: the next one ahead of need may be asked for.
void TokenManager::landed() {
    work_->flightSlot.reset();
    work_->lease.reset();
    if (!work_->state.isPausing()) work_->pauseTimer.cancel();
    aheadNotBefore_ = std::max(refusedUntil_, work_->state.nextAttempt()).time_since_epoch().count();
    ahead_ = false;
}

asio::awaitable<void> TokenManager::exchange(std::shared_ptr<TokenManager> self, ExchangeAction action) {
    const Clock& clock = *self->setup().clock;
    const BootTime started = clock.boot();
    TokenAnswer answer;
    bool reachedEndpoint = false;
    try {
        const auto request = std::make_shared<WireRequest>(self->setup().request);
        request->body = tokenRequestBody(action.grant, self->setup().strategy.clientId, action.refreshToken);
        // One visitor more that nobody knows of does no harm: an idle connection that has died costs no error.
        request->idempotent = action.grant == Grant::anonymous;
        request->priority = priorityOf(action);
        WaitLimits limits(self->work_->flightDeadline, self->work_->abortFlight.get_token());
        limits.stopUnsent = self->work_->dropUnsent.get_token();
        result<HttpReply> reply = co_await self->setup().transport->send(request, std::move(limits));
        reachedEndpoint = reply.has_value();
        answer = reply.has_value() ? readTokenAnswer(*reply, clock.wall()) : noTokenAnswer(std::move(reply).error());
        if (reachedEndpoint && answer.verdict != TokenVerdict::granted)
            answer.failure.context += " (" + self->setup().request.describe() + ")";
    } catch (...) {  // out of memory, say: the flight ends all the same
        answer = noTokenAnswer(Failure(Errc::token_unavailable, "POST /oauth2/token could not be sent"));
    }
    // A replay after the flight's deadline would go out with nobody there to read its answer.
    if (answer.verdict == TokenVerdict::lost && MonotonicClock::now() >= self->work_->flightDeadline)
        answer.verdict = TokenVerdict::transient;
    self->work_->state.exchanged(std::move(answer), started, clock.now());
    self->perform();
}

asio::awaitable<void> TokenManager::askControl(std::shared_ptr<TokenManager> self) {
    ControlOutcome outcome;
    try {
        std::shared_ptr<ControlVisitor> control;
        if (self->setup().control) control = self->setup().control();
        if (control) {
            WaitLimits limits(self->work_->flightDeadline, self->work_->abortFlight.get_token());
            limits.stopUnsent = self->work_->dropUnsent.get_token();
            auto asking = control->ask(self->work_->strand, std::move(limits));
            outcome = co_await std::move(asking);
        }
    } catch (...) {  // out of memory, say: the experiment ends without a verdict
        outcome = ControlOutcome();
    }
    self->work_->state.controlled(outcome, self->setup().clock->now());
    self->perform();
}

}  // namespace wix::detail
