// A command that a coroutine waits for.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "async/home_operation.hpp"
#include "redis/redis_connection.hpp"

namespace wix::detail {

/// Waits for the connection and for the reply, in both together no longer than its deadline. Cancelled, it lets the
/// command take its course: what has been sent cannot be taken back.
class RedisCall final : public HomeOperation<result<RedisReply>> {
    using Base = HomeOperation<result<RedisReply>>;

public:
    RedisCall(std::shared_ptr<RedisConnection> connection, boost::asio::any_io_executor home, RedisCommand command,
              bool repeatable)
        : Base(std::move(home), WaitLimits(MonotonicClock::now() + connection->longestCall(), std::stop_token())),
          connection_(std::move(connection)),
          command_(std::move(command)),
          repeatable_(repeatable) {}

    const RedisCommand& command() const noexcept { return command_; }
    using Base::isDone;
    /// Whether it may be sent again after its answer was lost: once, and only if a second time does no harm.
    bool mayRepeat() noexcept { return repeatable_ && !std::exchange(repeated_, true); }

    /// Becomes true when it is sent. It is read on the connection's strand. To be asked for before the call starts.
    std::shared_ptr<const bool> tellWhenSent() { return wasSent_ = std::make_shared<bool>(false); }
    void isSent() noexcept {
        if (wasSent_) *wasSent_ = true;
    }

    void replied(RedisReply reply) {
        reply.asksAgain = repeated_;
        finish(std::move(reply));
    }
    void failed(Failure failure) { finish(std::move(failure)); }

private:
    void onStart() override { connection_->submit(std::static_pointer_cast<RedisCall>(shared_from_this())); }
    void onStop(StopReason why) override {
        if (why == StopReason::deadline) return failed(connection_->noAnswer());
        failed(stopFailure(why, connection_->describe("waiting for an answer")));
    }

    const std::shared_ptr<RedisConnection> connection_;
    const RedisCommand command_;
    const bool repeatable_;
    bool repeated_ = false;
    std::shared_ptr<bool> wasSent_;  // null if nobody wants to know
};

}  // namespace wix::detail
