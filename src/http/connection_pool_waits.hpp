// What waits for a ConnectionPool, on its queue's strand. Included by its source.
#pragma once

#include <boost/asio/post.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "http/connection_pool.hpp"

namespace wix::detail {

/// A request that waits for a connection.
class ConnectionPool::InLine final : public HomeOperation<result<Lease>> {
public:
    InLine(boost::asio::any_io_executor strand, std::shared_ptr<ConnectionPool> pool, const WireRequest& request,
           WaitLimits limits)
        : HomeOperation(SameContextAs(*pool), std::move(strand), std::move(limits)),
          pool_(std::move(pool)),
          origin_(request.origin),
          what_(request.describe()),
          priority_(request.priority) {}

    /// From any thread: what it waited for has come.
    void give(result<Lease> lease) {
        auto self = std::static_pointer_cast<InLine>(shared_from_this());
        const ContextUse use(*this);
        if (use) boost::asio::post(home(), Give(std::move(self), std::move(lease)));
    }

private:
    struct Give {
        Give(std::shared_ptr<InLine> op, result<Lease> lease) : operation(std::move(op)), given(std::move(lease)) {}
        void operator()() { operation->finish(std::move(given)); }
        std::shared_ptr<InLine> operation;
        result<Lease> given;
    };

    void onStart() override {
        Connections ended;
        std::unique_lock lock(pool_->mutex_);
        // Only now: an origin that nobody is connected to, or waits for, may lose its id.
        const OriginId origin = pool_->idOf(origin_);
        if (auto lease = pool_->tryAcquire(origin, priority_, ended)) {
            lock.unlock();
            finish(std::move(*lease));
            return;
        }
        id_ = pool_->state_.enqueue(origin, priority_);
        pool_->waiters_.emplace(id_, std::static_pointer_cast<InLine>(shared_from_this()));
    }

    void onStop(StopReason why) override {
        std::shared_ptr<InLine> keep;
        {
            const std::lock_guard lock(pool_->mutex_);
            pool_->state_.leave(id_);
            if (const auto found = pool_->waiters_.find(id_); found != pool_->waiters_.end()) {
                keep = std::move(found->second);
                pool_->waiters_.erase(found);
            }
        }
        finish(stopFailure(why, what_ + ", waiting for a connection"));
    }

    std::shared_ptr<ConnectionPool> pool_;
    Origin origin_;
    std::string what_;
    Priority priority_;
    QueueId id_ = 0;
};

/// A close that waits for the requests in flight.
class ConnectionPool::Drain final : public HomeOperation<std::optional<Failure>> {
public:
    Drain(boost::asio::any_io_executor strand, std::shared_ptr<ConnectionPool> pool, WaitLimits limits)
        : HomeOperation(SameContextAs(*pool), std::move(strand), std::move(limits)), pool_(std::move(pool)) {}

    /// From any thread.
    void end() {
        auto self = std::static_pointer_cast<Drain>(shared_from_this());
        const ContextUse use(*this);
        if (use) boost::asio::post(home(), [self = std::move(self)] { self->finish(std::nullopt); });
    }

private:
    void onStart() override {
        const std::lock_guard lock(pool_->mutex_);
        if (pool_->state_.open() == 0) return end();
        pool_->drains_.push_back(std::static_pointer_cast<Drain>(shared_from_this()));
    }
    void onStop(StopReason why) override { finish(stopFailure(why, "waiting for the requests in flight")); }

    std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace wix::detail
