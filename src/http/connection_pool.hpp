// The connections of a Transport, and who waits for one: the driver of PoolState.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include <wix/options.hpp>

#include "base/descriptors.hpp"
#include "base/fork_guard.hpp"
#include "http/connection.hpp"
#include "http/pool_state.hpp"

namespace wix::detail {

/// Thread-safe. Who waits for a connection waits on one strand.
class ConnectionPool final : public ContextBound, public IdleDescriptors {
public:
    /// Options are checked. `tls` is null until the system's store is first needed.
    ConnectionPool(boost::asio::any_io_executor executor, const TransportOptions& options, TlsContextPtr tls,
                   NameLookupFactory lookup, const Clock& clock);

    /// The right to use a connection; it goes back when this is destroyed, wherever that is.
    class Lease {
    public:
        Lease(std::shared_ptr<ConnectionPool> pool, ConnectionId id, std::shared_ptr<Connection> connection)
            : pool_(std::move(pool)), id_(id), connection_(std::move(connection)), reused_(connection_->isOpen()) {}
        Lease() = default;  ///< To nothing.
        Lease(Lease&&) noexcept = default;
        Lease& operator=(Lease&& other) noexcept {
            std::swap(pool_, other.pool_);
            std::swap(id_, other.id_);
            std::swap(connection_, other.connection_);
            std::swap(reused_, other.reused_);
            std::swap(reusable_, other.reusable_);
            std::swap(idleTime_, other.idleTime_);
            return *this;
        }
        ~Lease() {
            if (pool_) pool_->release(id_, reusable_, idleTime_);
        }

        explicit operator bool() const noexcept { return connection_ != nullptr; }
        Connection& operator*() const noexcept { return *connection_; }
        Connection* operator->() const noexcept { return connection_.get(); }
        bool reused() const noexcept { return reused_; }
        /// False at the start: what was interrupted is not used again.
        void setReusable(bool yes) noexcept { reusable_ = yes; }
        /// The server closes it when it was idle for so long.
        void setIdleTime(std::chrono::seconds longest) noexcept { idleTime_ = longest; }

    private:
        std::shared_ptr<ConnectionPool> pool_;
        ConnectionId id_ = 0;
        std::shared_ptr<Connection> connection_;
        bool reused_ = false;
        bool reusable_ = false;
        std::optional<std::chrono::seconds> idleTime_;
    };

    /// An open connection for `request`, if one is idle.
    Lease tryTake(const WireRequest& request);
    using Waiting = HomeOperation<result<Lease>>::Deferred;
    /// The same, or one to be opened; it may have to stand in line.
    Waiting acquire(const WireRequest& request, const WaitLimits& limits);
    /// A connection to be opened ahead of need; nothing if one is idle or being opened so, or none may be opened.
    std::optional<Lease> acquireAhead(const Origin& origin);

    /// From now on nobody gets a connection; who waits for one, and idle connections, end now.
    void refuse();
    /// Ends all that is in flight.
    void abort();
    /// When refused: ends when no connection is in use any more.
    boost::asio::awaitable<std::optional<Failure>> drained(WaitLimits limits);

    /// Closes the idle connections: the process has no descriptor left.
    std::size_t closeIdle() noexcept override;

    std::size_t open() const;
    /// None once its context has gone.
    boost::asio::any_io_executor executor() const;
    void contextGone() noexcept override;

private:
    class InLine;
    class Drain;
    using Waiters = std::vector<std::shared_ptr<InLine>>;
    using Connections = std::vector<std::shared_ptr<Connection>>;

    boost::asio::any_io_executor queueStrand() const;
    std::shared_ptr<ConnectionPool> self() { return std::static_pointer_cast<ConnectionPool>(shared_from_this()); }
    OriginId idOf(const Origin& origin);
    std::optional<result<Lease>> tryAcquire(OriginId origin, Priority priority, Connections& ended);
    Lease reuse(const Acquired& decision, Connections& ended);
    result<Lease> openNew(OriginId origin, ConnectionId id);
    result<Lease> handOver(const Served& one, Connections& ended);
    void release(ConnectionId id, bool reusable, std::optional<std::chrono::seconds> idleTime);
    void end(const std::vector<ConnectionId>& ids, Connections& ended);
    Waiters takeWaiters();
    result<TlsContextPtr> tlsContext();

    PoolTime now() const { return clock_.boot(); }

    const Clock& clock_;
    const ForkGuard forkGuard_;
    const TlsOptions tlsOptions_;
    const std::shared_ptr<const ProxyOptions> proxy_;
    const NameLookupFactory lookup_;

    mutable std::mutex mutex_;  // guards what follows; never held across an await
    boost::asio::any_io_executor executor_;
    boost::asio::any_io_executor queueStrand_;
    PoolState state_;
    TlsContextPtr tls_;
    std::vector<Origin> origins_;
    std::unordered_map<ConnectionId, std::shared_ptr<Connection>> connections_;  // all that are open
    std::unordered_map<QueueId, std::shared_ptr<InLine>> waiters_;
    std::vector<std::shared_ptr<Drain>> drains_;
    bool closed_ = false;
};

}  // namespace wix::detail
