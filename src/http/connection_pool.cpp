#include "http/connection_pool.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <utility>

#include "http/connection_pool_waits.hpp"
#include "http/proxy_rules.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

Failure closedFailure() { return Failure(asio::error::operation_aborted, "the transport was closed"); }

PoolLimits limitsOf(const TransportOptions& options) {
    PoolLimits limits;
    limits.perOrigin = options.maxConnectionsPerOrigin;
    limits.total = options.maxConnections;
    limits.idlePerOrigin = options.maxIdlePerOrigin;
    limits.urgent = options.maxTokenRequests;
    limits.idleTime = options.maxIdleTime;
    limits.age = options.maxConnectionAge;
    return limits;
}

}  // namespace

ConnectionPool::ConnectionPool(asio::any_io_executor executor, const TransportOptions& options, TlsContextPtr tls,
                               NameLookupFactory lookup, const Clock& clock)
    : ContextBound(executor),
      clock_(clock),
      tlsOptions_(options.tls),
      proxy_(std::make_shared<ProxyOptions>(options.proxy)),
      lookup_(std::move(lookup)),
      executor_(executor),
      queueStrand_(asio::make_strand(executor)),
      state_(limitsOf(options)),
      tls_(std::move(tls)) {}

// -- Taking ------------------------------------------------------------------------------------------------------------

ConnectionPool::Lease ConnectionPool::tryTake(const WireRequest& request) {
    Connections ended;  // destroyed without the mutex
    const std::lock_guard lock(mutex_);
    if (closed_) return Lease();
    const OriginId origin = idOf(request.origin);
    for (;;) {
        const Acquired decision = state_.reuse(origin, now(), request.priority, request.idempotent);
        end(decision.close, ended);
        if (decision.kind != Acquired::Kind::reuse) return Lease();
        if (auto lease = reuse(decision, ended)) return lease;
    }
}

/// With the mutex held. Nothing if it has died.
ConnectionPool::Lease ConnectionPool::reuse(const Acquired& decision, Connections& ended) {
    const std::shared_ptr<Connection>& connection = connections_.at(decision.connection);
    if (connection->looksAlive(decision.look)) return Lease(self(), decision.connection, connection);
    end({decision.connection}, ended);
    state_.dropped(decision.connection);
    return Lease();
}

ConnectionPool::Waiting ConnectionPool::acquire(const WireRequest& request, const WaitLimits& limits) {
    std::shared_ptr<InLine> waiting;  // null: the context has gone, and everything with it
    if (const ContextUse use(*this); use) waiting = std::make_shared<InLine>(queueStrand(), self(), request, limits);
    return run(std::move(waiting));
}

std::optional<ConnectionPool::Lease> ConnectionPool::acquireAhead(const Origin& to) {
    Connections ended;  // destroyed without the mutex
    const std::lock_guard lock(mutex_);
    if (closed_) return std::nullopt;
    const OriginId origin = idOf(to);
    for (;;) {
        const Acquired decision = state_.acquireAhead(origin, now());
        end(decision.close, ended);
        if (decision.kind == Acquired::Kind::wait) return std::nullopt;
        if (decision.kind == Acquired::Kind::open) {
            auto lease = openNew(origin, decision.connection);
            if (lease.has_value()) return std::move(*lease);
            state_.dropped(decision.connection);
            return std::nullopt;
        }
        if (connections_.at(decision.connection)->looksAlive()) return std::nullopt;
        end({decision.connection}, ended);
        state_.dropped(decision.connection);
    }
}

OriginId ConnectionPool::idOf(const Origin& origin) {  // with the mutex held
    const auto found = std::find(origins_.begin(), origins_.end(), origin);
    if (found != origins_.end()) return static_cast<OriginId>(found - origins_.begin());
    // Redirects may lead to ever new ones: those that nobody is connected to, or waits for, make room.
    constexpr std::size_t many = 256;
    for (OriginId id = 0; origins_.size() >= many && id < origins_.size(); ++id) {
        if (state_.open(id) > 0 || state_.hasWaiters(id)) continue;
        origins_[id] = origin;
        return id;
    }
    origins_.push_back(origin);
    return origins_.size() - 1;
}

/// With the mutex held. Nothing: stand in line.
std::optional<result<ConnectionPool::Lease>> ConnectionPool::tryAcquire(OriginId origin, Priority priority,
                                                                        Connections& ended) {
    if (closed_) return result<Lease>(closedFailure());
    for (;;) {
        const Acquired decision = state_.acquire(origin, now(), priority);
        end(decision.close, ended);
        if (decision.kind == Acquired::Kind::wait) return std::nullopt;
        if (decision.kind == Acquired::Kind::open) {
            auto lease = openNew(origin, decision.connection);
            if (lease.has_error()) state_.dropped(decision.connection);
            return lease;
        }
        if (auto lease = reuse(decision, ended)) return result<Lease>(std::move(lease));
    }
}

/// With the mutex held; its place in the pool is taken already.
result<ConnectionPool::Lease> ConnectionPool::openNew(OriginId origin, ConnectionId id) {
    try {
        ConnectionSetup setup;
        setup.origin = origins_[origin];
        setup.lookup = lookup_;
        if (goesThroughProxy(*proxy_, setup.origin)) setup.proxy = proxy_;
        if (setup.origin.tls) {
            auto tls = tlsContext();
            if (tls.has_error()) return std::move(tls).error();
            setup.tls = std::move(*tls);
        }
        const auto connection = Connection::make(executor_, std::move(setup));
        connections_.emplace(id, connection);
        return Lease(self(), id, connection);
    } catch (const std::exception&) {  // out of memory or descriptors: the place must not be lost with it
        return Failure(Errc::connection_lost, "no connection can be made now");
    }
}

result<TlsContextPtr> ConnectionPool::tlsContext() {
    if (tls_) return tls_;
    auto made = makeTlsContext(tlsOptions_);
    if (made.has_value()) tls_ = *made;
    return made;
}

// -- Giving back -------------------------------------------------------------------------------------------------------

void ConnectionPool::release(ConnectionId id, bool reusable, std::optional<std::chrono::seconds> idleTime) {
    Connections ended;  // destroyed without the mutex, like what follows
    std::vector<std::pair<std::shared_ptr<InLine>, result<Lease>>> served;
    std::vector<std::shared_ptr<Drain>> drained;
    {
        const std::lock_guard lock(mutex_);
        const std::shared_ptr<Connection> connection = connections_.at(id);
        // An idle one is looked at when it is taken; one that may be handed over, now.
        const bool again =
            reusable && !closed_ && (!state_.hasWaiters(state_.originOf(id)) || connection->looksAlive());
        Released decision = state_.released(id, again, now(), idleTime);
        end(decision.close, ended);
        while (!decision.served.empty()) {
            const Served one = decision.served.back();
            decision.served.pop_back();
            auto lease = one.open               ? openNew(one.origin, one.connection)
                         : one.connection == id ? result<Lease>(Lease(self(), id, connection))
                                                : handOver(one, ended);
            // Its place goes to the next one, who will hear the same.
            if (lease.has_error()) {
                const Released more = state_.released(one.connection, false, now());
                end(more.close, ended);
                decision.served.insert(decision.served.end(), more.served.begin(), more.served.end());
            }
            served.emplace_back(std::move(waiters_.extract(one.waiter).mapped()), std::move(lease));
        }
        if (closed_ && state_.open() == 0) drained.swap(drains_);
    }
    for (const auto& connection : ended) connection->abort();
    for (auto& [waiter, lease] : served) waiter->give(std::move(lease));
    for (const auto& waiter : drained) waiter->end();
}

/// With the mutex held. One that was idle may have died: another one takes its place.
result<ConnectionPool::Lease> ConnectionPool::handOver(const Served& one, Connections& ended) {
    const std::shared_ptr<Connection> connection = connections_.at(one.connection);
    if (connection->looksAlive()) return Lease(self(), one.connection, connection);
    end({one.connection}, ended);
    return openNew(one.origin, one.connection);
}

/// With the mutex held.
void ConnectionPool::end(const std::vector<ConnectionId>& ids, Connections& ended) {
    for (const ConnectionId id : ids)
        if (auto found = connections_.extract(id)) ended.push_back(std::move(found.mapped()));
}

// -- The whole ---------------------------------------------------------------------------------------------------------

ConnectionPool::Waiters ConnectionPool::takeWaiters() {  // with the mutex held
    Waiters taken;
    for (auto& [id, waiter] : waiters_) {
        state_.leave(id);
        taken.push_back(std::move(waiter));
    }
    waiters_.clear();
    return taken;
}

void ConnectionPool::refuse() {
    Connections ended;
    Waiters waiting;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        end(state_.takeIdle(), ended);
        waiting = takeWaiters();
    }
    for (const auto& operation : waiting) operation->requestStop(StopReason::cancelled);
}

std::size_t ConnectionPool::closeIdle() noexcept {
    const ContextUse use(*this);
    if (!use || forkGuard_.isInChild()) return 0;
    Connections ended;  // destroyed without the mutex, and at once: the caller is about to try again
    const std::lock_guard lock(mutex_);
    end(state_.takeIdle(), ended);
    return ended.size();
}

void ConnectionPool::abort() {
    Connections inUse;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, connection] : connections_) inUse.push_back(connection);
    }
    for (const auto& connection : inUse) connection->abort();
}

asio::awaitable<std::optional<Failure>> ConnectionPool::drained(WaitLimits limits) {
    std::shared_ptr<Drain> drain;
    if (const ContextUse use(*this); use) drain = std::make_shared<Drain>(queueStrand(), self(), std::move(limits));
    if (!drain) co_return std::nullopt;  // the context has gone, and everything with it
    co_return co_await run(std::move(drain));
}

asio::any_io_executor ConnectionPool::queueStrand() const {
    const std::lock_guard lock(mutex_);
    return queueStrand_;
}

asio::any_io_executor ConnectionPool::executor() const {
    const std::lock_guard lock(mutex_);
    return executor_;
}

std::size_t ConnectionPool::open() const {
    const std::lock_guard lock(mutex_);
    return state_.open();
}

void ConnectionPool::contextGone() noexcept {
    Waiters waiting;
    std::vector<std::shared_ptr<Drain>> drains;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        waiting = takeWaiters();
        drains.swap(drains_);
        state_.takeIdle();
        executor_ = asio::any_io_executor();
        queueStrand_ = asio::any_io_executor();
    }
}

}  // namespace wix::detail
