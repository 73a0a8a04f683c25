#include "call/call_runner.hpp"

#include <boost/asio/strand.hpp>

#include "base/backoff.hpp"
#include "call/api_error.hpp"
#include "call/call_state.hpp"
#include "http/header_lookup.hpp"

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

WireRequest authorized(const WireRequest& request, const TokenSnapshot& token, const Consistency& consistency) {
    WireRequest made = request;
    made.headers.emplace_back("Authorization", token.tokens.accessToken.value);
    if (std::string value = consistency.valueFor(token.epoch); !value.empty())
        made.headers.emplace_back(std::string(Consistency::headerName), std::move(value));
    return made;
}

/// What a server sends goes out again with the next request: it passes the same rules as a caller's header.
void learnConsistency(Consistency& consistency, const HttpReply& reply, std::uint64_t epoch) {
    const auto value = findHeader(reply.headers, Consistency::headerName);
    if (value && !value->empty() && value->size() <= 8192 && !checkHeader(Consistency::headerName, *value))
        consistency.learn(epoch, *value);
}

ReplyFacts factsOf(const HttpReply& reply, const Clock& clock) {
    ReplyFacts facts;
    facts.status = reply.status;
    facts.tokenExpired = meansExpiredToken(reply.status, reply.body);
    if (const auto after = findHeader(reply.headers, "retry-after")) {
        // A date is read against the answer's own, whatever this machine's clock shows.
        const auto date = findHeader(reply.headers, "date");
        facts.retryAfter = parseRetryAfter(*after, (date ? parseHttpDate(*date) : std::nullopt).value_or(clock.wall()));
    }
    return facts;
}

}  // namespace

asio::awaitable<result<HttpReply>> runCall(CallEnvironment environment, WireRequest request, WaitLimits limits) {
    const Clock& clock = *environment.clock;
    CallState state(environment.retry, request.idempotent);
    SnapshotPtr token;
    for (;;) {
        if (!token) token = environment.tokens->fresh();
        if (!token) {
            result<SnapshotPtr> usable = co_await environment.tokens->usable(limits);
            if (usable.has_error()) co_return std::move(usable).error();
            token = std::move(*usable);
        }
        WireRequest sent = authorized(request, *token, *environment.consistency);
        result<HttpReply> reply = co_await environment.transport->send(std::move(sent), limits);
        if (reply.has_value()) learnConsistency(*environment.consistency, *reply, token->epoch);

        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(limits.deadline - MonotonicClock::now());
        const CallDecision decision = reply.has_value() ? state.replied(factsOf(*reply, clock), clock.random(), left)
                                                        : state.failed(reply.error(), clock.random(), left);
        if (decision.action == CallDecision::Action::finish) co_return reply;
        if (decision.action == CallDecision::Action::renew) {
            result<SnapshotPtr> newer = co_await environment.tokens->afterUnauthorized(token->generation, limits);
            if (newer.has_error()) co_return std::move(newer).error();
            if ((*newer)->generation == token->generation) co_return reply;
            token = std::move(*newer);
            continue;
        }
        auto pause = std::make_shared<Pause>(environment.executor, decision.delay, limits);
        const std::optional<Failure> stopped = co_await run(std::move(pause));
        if (stopped) co_return *stopped;
        token.reset();
    }
}

}  // namespace wix::detail
