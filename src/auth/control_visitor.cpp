#include "auth/control_visitor.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <utility>

#include "base/monotonic_clock.hpp"

namespace asio = boost::asio;

namespace wix::detail {

/// A session that asks. It does not own the visitor, which owns it while the request is in flight.
class ControlVisitor::Wait final : public HomeOperation<ControlOutcome> {
public:
    Wait(std::weak_ptr<ControlVisitor> visitor, const asio::any_io_executor& strand, WaitLimits limits)
        : HomeOperation(strand, std::move(limits)), visitor_(std::move(visitor)) {}

    using HomeOperation::finish;
    using HomeOperation::home;

    void onStart() override {
        const auto self = std::static_pointer_cast<Wait>(shared_from_this());
        if (const auto visitor = visitor_.lock())
            visitor->enter(self);
        else
            finish(ControlOutcome());
    }
    void onStop(StopReason) override {
        if (const auto visitor = visitor_.lock()) visitor->leave(*this);
        finish(ControlOutcome());
    }

private:
    std::weak_ptr<ControlVisitor> visitor_;
};

/// The request ends also if its coroutine is destroyed, with the io_context that it runs on. The waits end with it, too.
class ControlVisitor::Completion {
public:
    explicit Completion(std::shared_ptr<ControlVisitor> visitor) : visitor_(std::move(visitor)) {}
    ~Completion() {
        if (visitor_) visitor_->abandon();
    }
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;
    void finish(ControlState::Next last) { std::exchange(visitor_, nullptr)->complete(last); }

private:
    std::shared_ptr<ControlVisitor> visitor_;
};

ControlVisitor::ControlVisitor(std::weak_ptr<TransportInterface> transport, WireRequest request, std::string clientId,
                               const Clock& clock)
    : transport_(std::move(transport)), request_(std::move(request)), clientId_(std::move(clientId)), clock_(clock) {}

ControlVisitor::Operation ControlVisitor::ask(const asio::any_io_executor& home, WaitLimits limits) {
    return detail::run(std::make_shared<Wait>(weak_from_this(), home, std::move(limits)));
}

bool ControlVisitor::isForgettable() const {
    const std::lock_guard lock(mutex_);
    return state_.isForgettable(clock_.boot());
}

void ControlVisitor::enter(const std::shared_ptr<Wait>& wait) {
    ControlState::Next next = ControlState::Next::failed;
    std::optional<std::chrono::milliseconds> retryAfter;
    {
        const std::lock_guard lock(mutex_);
        next = state_.ask(clock_.boot());
        retryAfter = state_.retryAfter();
        if (next != ControlState::Next::succeeded && next != ControlState::Next::failed) waits_.push_back(wait);
    }
    if (next == ControlState::Next::join) return;
    if (next == ControlState::Next::succeeded || next == ControlState::Next::failed) {
        wait->finish(ControlOutcome(next == ControlState::Next::succeeded, retryAfter));
        return;
    }
    try {
        asio::co_spawn(wait->home(), run(shared_from_this(), next), asio::detached);
    } catch (...) {  // out of memory, say: a session that has joined meanwhile waits for its deadline
        abandon();
        leave(*wait);
        wait->finish(ControlOutcome());
    }
}

void ControlVisitor::leave(const Wait& wait) {
    std::shared_ptr<Wait> left;  // destroyed without the lock
    const std::lock_guard lock(mutex_);
    for (auto& each : waits_) {
        if (each.get() != &wait) continue;
        left = std::exchange(each, waits_.back());
        waits_.pop_back();
        return;
    }
}

void ControlVisitor::abandon() noexcept {
    const std::lock_guard lock(mutex_);
    state_.abandoned(clock_.boot());
}

void ControlVisitor::complete(ControlState::Next last) noexcept {
    std::vector<std::shared_ptr<Wait>> waits;
    ControlOutcome outcome;
    {
        const std::lock_guard lock(mutex_);
        waits = std::exchange(waits_, {});
        outcome = ControlOutcome(last == ControlState::Next::succeeded, state_.retryAfter());
    }
    for (const auto& wait : waits) {
        if (!wait->home()) continue;  // its context has gone
        try {
            asio::post(wait->home(), [wait, outcome] { wait->finish(outcome); });
        } catch (...) {  // out of memory: the deadline of its flight ends it
        }
    }
}

std::shared_ptr<WireRequest> ControlVisitor::makeRequest(ControlState::Next next) {
    const bool grants = next == ControlState::Next::grant;
    auto made = std::make_shared<WireRequest>(request_);
    const std::lock_guard lock(mutex_);
    made->body = tokenRequestBody(grants ? Grant::anonymous : Grant::refreshToken, clientId_,
                                  grants ? std::string() : state_.refreshToken());
    made->idempotent = grants;
    made->priority = Priority::urgent;  // sessions wait for it
    return made;
}

ControlState::Next ControlVisitor::answered(const TokenAnswer& answer) {
    const std::lock_guard lock(mutex_);
    return state_.answered(answer, clock_.boot());
}

asio::awaitable<void> ControlVisitor::run(std::shared_ptr<ControlVisitor> self, ControlState::Next next) {
    Completion completion(self);
    const SteadyTime deadline = MonotonicClock::now() + self->request_.timeouts.tokenExchange;
    while (next == ControlState::Next::grant || next == ControlState::Next::refresh) {
        TokenAnswer answer = noTokenAnswer(Failure(Errc::token_unavailable, "the control could not be sent"));
        try {
            if (const auto transport = self->transport_.lock()) {
                const auto request = self->makeRequest(next);
                result<HttpReply> reply = co_await transport->send(request, WaitLimits(deadline, std::stop_token()));
                if (reply.has_value())
                    answer = readTokenAnswer(*reply, self->clock_.wall());
                else
                    answer = noTokenAnswer(std::move(reply).error());
            }
        } catch (...) {  // out of memory, say: the control fails
        }
        // A replay after the deadline would go out with nobody there to read its response.
        if (MonotonicClock::now() >= deadline && answer.verdict == TokenVerdict::lost)
            answer.verdict = TokenVerdict::transient;
        next = self->answered(answer);
    }
    completion.finish(next);
}

}  // namespace wix::detail
