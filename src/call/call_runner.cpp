#include "call/call_runner.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>

#include <optional>
#include <utility>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// A pause between two attempts. Ends early only with a failure.
class Pause final : public HomeOperation<std::optional<Failure>> {
public:
    Pause(const asio::any_io_executor& executor, std::chrono::milliseconds delay, WaitLimits limits)
        : HomeOperation(asio::make_strand(executor), std::move(limits)), delay_(delay) {}

    void contextGone() noexcept override {
        timer_.reset();
        HomeOperation::contextGone();
    }

private:
    void onStart() override {
        timer_.emplace(home(), delay_);
        // The timer's handler owns the pause: nobody else does.
        timer_->async_wait([self = std::static_pointer_cast<Pause>(shared_from_this())](
                               const boost::system::error_code&) { self->finish(std::nullopt); });
    }
    void onStop(StopReason why) override {
        timer_.reset();
        finish(stopFailure(why, "waiting to try again"));
    }

    std::optional<MonotonicTimer> timer_;
    std::chrono::milliseconds delay_;
};

/// An answer as it is.
class PlainCall {
public:
    using Result = result<HttpReply>;
    PlainCall(const CallEnvironment& environment, std::shared_ptr<WireRequest> request, WaitLimits limits,
              int maxRedirects)
        : environment_(environment),
          request_(std::move(request)),
          limits_(std::move(limits)),
          maxRedirects_(maxRedirects) {}
    Call begin() { return Call(environment_, std::move(request_), std::move(limits_), maxRedirects_); }
    Result end(result<HttpReply> reply) { return reply; }

private:
    CallEnvironment environment_;
    std::shared_ptr<WireRequest> request_;
    WaitLimits limits_;
    int maxRedirects_;
};

}  // namespace

asio::awaitable<bool> waitForToken(Call& call, result<HttpReply>& reply) {
    call.openAhead();
    result<SnapshotPtr> usable = co_await call.tokens().usable(call.limits());
    if (usable.has_value()) {
        call.setToken(std::move(*usable));
        co_return true;
    }
    reply = std::move(usable).error();
    call.end(reply, "there is no token");
    co_return false;
}

asio::awaitable<bool> carryOut(Call& call, CallDecision decision, result<HttpReply>& reply) {
    using Action = CallDecision::Action;
    switch (decision.action) {
        case Action::finish:
            break;
        case Action::renewOnly:
            call.tokens().afterUnauthorized(call.token()->generation, WaitLimits())(asio::detached);
            break;
        case Action::renew: {
            const std::uint64_t refused = call.token()->generation;
            result<SnapshotPtr> newer = co_await call.tokens().afterUnauthorized(refused, call.limits());
            if (newer.has_error()) {
                reply = std::move(newer).error();
                decision.reason = "there is no token";
                break;
            }
            if ((*newer)->generation == refused) {
                decision.reason = "there is no newer token";
                break;
            }
            call.retried(reply, decision);
            call.replayWith(std::move(*newer));
            co_return true;
        }
        case Action::wait: {
            call.retried(reply, decision);
            // Pauses are the caller's own: an executor that were kept would have to end before its context does.
            const asio::any_io_executor caller = co_await asio::this_coro::executor;
            auto pause = std::make_shared<Pause>(caller, decision.delay, call.limits());
            std::optional<Failure> stopped = co_await run(std::move(pause));
            if (stopped) {
                reply = std::move(*stopped);
                decision.reason = "was not to wait any longer";
                break;
            }
            call.setToken(nullptr);
            co_return true;
        }
        case Action::follow:
            call.follow();
            co_return true;
    }
    call.end(reply, decision.reason);
    co_return false;
}

asio::awaitable<result<HttpReply>> runCall(CallEnvironment environment, std::shared_ptr<WireRequest> request,
                                           WaitLimits limits, int maxRedirects) {
    return perform(PlainCall(environment, std::move(request), std::move(limits), maxRedirects));
}

}  // namespace wix::detail
