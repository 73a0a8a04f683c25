#include "http/http_transport.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/strand.hpp>

#include <utility>

#include "http/content_decoder.hpp"
#include "http/header_lookup.hpp"
#include "http/resend_rule.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// A server that restarts closes all idle connections at once; whoever meets a third one should hear of it.
constexpr int mostResends = 2;

constexpr QueueId notUrgent = QueueId{1} << 62;

Failure closedFailure() { return Failure(asio::error::operation_aborted, "the transport was closed"); }

/// Takes the content coding off; a failure names the request and keeps the request id.
result<HttpReply> decoded(HttpReply reply, const WireRequest& request) {
    const auto coding = findHeader(reply.headers, "content-encoding");
    if (!coding) return reply;
    auto content = decodeContent(*coding, std::move(reply.body), request.maxBodyBytes);
    if (content.has_error()) {
        Failure failure = std::move(content).error();
        failure.context = request.describe() + ": " + failure.context;
        failure.requestId = std::string(findHeader(reply.headers, "x-wix-request-id").value_or(std::string_view()));
        failure.maybeSent = true;
        return failure;
    }
    reply.body = std::move(*content);
    return reply;
}

}  // namespace

/// The right to use a connection; it goes back when this is destroyed, wherever that is.
class HttpTransport::Lease {
public:
    Lease(std::shared_ptr<HttpTransport> transport, Pool& pool, ConnectionId id, std::shared_ptr<Connection> connection)
        : transport_(std::move(transport)),
          pool_(&pool),
          id_(id),
          connection_(std::move(connection)),
          reused_(connection_->isOpen()),
          reusable_(reused_) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
        if (transport_) transport_->release(*pool_, id_, reusable_);
    }

    Connection& operator*() const noexcept { return *connection_; }
    Connection* operator->() const noexcept { return connection_.get(); }
    bool reused() const noexcept { return reused_; }
    void setReusable(bool yes) noexcept { reusable_ = yes; }

private:
    std::shared_ptr<HttpTransport> transport_;
    Pool* pool_;
    ConnectionId id_;
    std::shared_ptr<Connection> connection_;
    bool reused_;
    bool reusable_;
};

/// A request that waits for a connection, on the transport's strand.
class HttpTransport::InLine final : public HomeOperation<result<Lease>> {
public:
    InLine(std::shared_ptr<HttpTransport> transport, Pool& pool, std::string what, bool urgent, WaitLimits limits)
        : HomeOperation(transport->queueStrand_, std::move(limits)),
          transport_(std::move(transport)),
          pool_(pool),
          what_(std::move(what)),
          urgent_(urgent) {}

    /// From any thread: what it waited for has come.
    void give(result<Lease> lease) {
        asio::post(home(), Give(std::static_pointer_cast<InLine>(shared_from_this()), std::move(lease)));
    }

private:
    struct Give {
        Give(std::shared_ptr<InLine> op, result<Lease> lease) : operation(std::move(op)), given(std::move(lease)) {}
        void operator()() { operation->finish(std::move(given)); }
        std::shared_ptr<InLine> operation;
        result<Lease> given;
    };

    void onStart() override {
        std::unique_lock lock(transport_->mutex_);
        if (auto lease = transport_->tryAcquire(pool_, urgent_)) {
            lock.unlock();
            finish(std::move(*lease));
            return;
        }
        // The smallest is served first.
        id_ = transport_->nextInLine_++ + (urgent_ ? 0 : notUrgent);
        pool_.state.enqueue(id_);
        pool_.queue.emplace(id_, std::static_pointer_cast<InLine>(shared_from_this()));
    }

    void onStop(StopReason why) override {
        std::shared_ptr<InLine> keep;
        {
            const std::lock_guard lock(transport_->mutex_);
            pool_.state.leave(id_);
            if (const auto found = pool_.queue.find(id_); found != pool_.queue.end()) {
                keep = std::move(found->second);
                pool_.queue.erase(found);
            }
        }
        finish(stopFailure(why, what_ + ", waiting for a connection"));
    }

    std::shared_ptr<HttpTransport> transport_;
    Pool& pool_;
    std::string what_;
    bool urgent_;
    QueueId id_ = 0;
};

HttpTransport::HttpTransport(asio::any_io_executor executor, TransportOptions options, TlsContextPtr tls)
    : ContextBound(executor),
      options_(std::move(options)),
      executor_(executor),
      queueStrand_(asio::make_strand(executor)),
      tls_(std::move(tls)) {}

std::shared_ptr<HttpTransport> HttpTransport::self() {
    return std::static_pointer_cast<HttpTransport>(shared_from_this());
}

// -- Requests ----------------------------------------------------------------------------------------------------------

asio::awaitable<result<HttpReply>> HttpTransport::send(WireRequest request, WaitLimits limits) {
    return exchange(self(), std::move(request), std::move(limits));
}

asio::awaitable<result<HttpReply>> HttpTransport::exchange(std::shared_ptr<HttpTransport> self, WireRequest request,
                                                           WaitLimits limits) {
    for (int resent = 0;; ++resent) {
        result<Lease> acquired = co_await self->acquire(request, limits);
        if (acquired.has_error()) co_return std::move(acquired).error();
        Lease lease = std::move(*acquired);
        if (!lease->isOpen()) {
            std::optional<Failure> failure = co_await lease->open(request.timeouts, limits);
            if (failure) {
                failure->context = request.describe() + ": " + failure->context;
                co_return std::move(*failure);
            }
        }
        lease.setReusable(false);
        ExchangeOutcome outcome = co_await lease->exchange(request, limits);
        lease.setReusable(outcome.reusable);
        if (outcome.reply.has_value()) co_return decoded(std::move(*outcome.reply), request);
        Failure failure = std::move(outcome.reply).error();
        if (resent < mostResends && resendAtOnce(failure, lease.reused(), outcome.sawAnswer, request.idempotent))
            continue;
        co_return asSeenByCaller(std::move(failure), request.idempotent);
    }
}

asio::awaitable<result<HttpTransport::Lease>> HttpTransport::acquire(const WireRequest& request,
                                                                     const WaitLimits& limits) {
    Pool* pool = nullptr;
    {
        const std::lock_guard lock(mutex_);
        pool = &poolOf(request.origin);
        if (auto lease = tryAcquire(*pool, request.urgent)) co_return std::move(*lease);
    }
    auto inLine = std::make_shared<InLine>(self(), *pool, request.describe(), request.urgent, limits);
    co_return co_await run(std::move(inLine));
}

/// With the mutex held. Nothing: stand in line.
std::optional<result<HttpTransport::Lease>> HttpTransport::tryAcquire(Pool& pool, bool urgent) {
    if (closed_) return result<Lease>(closedFailure());
    for (;;) {
        const Acquired decision = pool.state.acquire(std::chrono::steady_clock::now(), urgent);
        for (const ConnectionId old : decision.tooOld) pool.connections.erase(old);
        if (decision.kind == Acquired::Kind::wait) return std::nullopt;
        if (decision.kind == Acquired::Kind::open) return openNew(pool);
        const std::shared_ptr<Connection> connection = pool.connections.at(decision.connection);
        if (connection->looksAlive()) return Lease(self(), pool, decision.connection, connection);
        pool.connections.erase(decision.connection);
        pool.state.dropped();
    }
}

/// With the mutex held; its place in the pool is taken already.
result<HttpTransport::Lease> HttpTransport::openNew(Pool& pool) {
    try {
        std::shared_ptr<Connection> connection;
        if (pool.origin.tls) {
            auto tls = tlsContext();
            if (tls.has_error()) {
                pool.state.dropped();
                return std::move(tls).error();
            }
            connection = Connection::makeTls(executor_, pool.origin, std::move(*tls));
        } else {
            connection = Connection::makePlain(executor_, pool.origin);
        }
        const ConnectionId id = nextConnection_++;
        pool.connections.emplace(id, connection);
        return Lease(self(), pool, id, std::move(connection));
    } catch (const std::exception&) {  // out of memory: the place must not be lost with it
        pool.state.dropped();
        return Failure(Errc::connection_lost, "no connection can be made now");
    }
}

void HttpTransport::release(Pool& pool, ConnectionId id, bool reusable) {
    std::shared_ptr<Connection> ended;  // destroyed without the mutex
    std::shared_ptr<InLine> next;
    std::vector<std::shared_ptr<InLine>> others;
    std::optional<result<Lease>> lease;
    {
        const std::lock_guard lock(mutex_);
        const auto found = pool.connections.find(id);
        // An idle one is looked at when it is taken; one that is handed over, now.
        const bool again = reusable && !closed_ && (pool.queue.empty() || found->second->looksAlive());
        const Released decision = pool.state.released(id, again, std::chrono::steady_clock::now());
        if (decision.kind == Released::Kind::handOver || decision.kind == Released::Kind::replace) {
            next = std::move(pool.queue.at(decision.next));
            pool.queue.erase(decision.next);
        }
        if (decision.kind == Released::Kind::handOver) lease.emplace(Lease(self(), pool, id, found->second));
        if (decision.kind == Released::Kind::close || decision.kind == Released::Kind::replace) {
            ended = std::move(found->second);
            pool.connections.erase(found);
        }
        if (decision.kind == Released::Kind::replace) lease.emplace(openNew(pool));
        // What kept this one from opening keeps the others too: nobody would wake them.
        if (lease && lease->has_error()) takeQueue(pool, others);
    }
    for (const auto& other : others) other->give(lease->error());
    if (next) next->give(std::move(*lease));
}

HttpTransport::Pool& HttpTransport::poolOf(const Origin& origin) {
    auto& pool = pools_[origin.toString()];
    if (!pool) pool = std::make_unique<Pool>(origin, options_);
    return *pool;
}

result<TlsContextPtr> HttpTransport::tlsContext() {
    if (tls_) return tls_;
    auto made = makeTlsContext(options_.tls);
    if (made.has_value()) tls_ = *made;
    return made;
}

// -- The whole ---------------------------------------------------------------------------------------------------------

std::shared_ptr<void> HttpTransport::backgroundSlot() {
    if (background_.fetch_add(1) >= options_.maxBackgroundRenewals) {
        --background_;
        return nullptr;
    }
    return std::shared_ptr<void>(this, [keep = self()](void*) { --keep->background_; });
}

void HttpTransport::close() {
    std::vector<std::shared_ptr<Connection>> connections;
    std::vector<std::shared_ptr<InLine>> waiting;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        for (auto& [name, pool] : pools_) {
            for (const ConnectionId idle : pool->state.takeIdle()) {
                connections.push_back(std::move(pool->connections.at(idle)));
                pool->connections.erase(idle);
            }
            for (auto& [id, connection] : pool->connections) connections.push_back(connection);
            takeQueue(*pool, waiting);
        }
    }
    for (const auto& operation : waiting) operation->requestStop(StopReason::cancelled);
    for (const auto& connection : connections) connection->abort();
}

/// With the mutex held: nobody is in line any more, so that no connection that comes back is handed on.
void HttpTransport::takeQueue(Pool& pool, std::vector<std::shared_ptr<InLine>>& into) {
    for (auto& [id, operation] : pool.queue) {
        pool.state.leave(id);
        into.push_back(std::move(operation));
    }
    pool.queue.clear();
}

std::size_t HttpTransport::openConnections() const {
    const std::lock_guard lock(mutex_);
    std::size_t open = 0;
    for (const auto& [name, pool] : pools_) open += pool->state.open();
    return open;
}

void HttpTransport::contextGone() noexcept {
    std::vector<std::shared_ptr<InLine>> waiting;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        for (auto& [name, pool] : pools_) {
            takeQueue(*pool, waiting);
            pool->state.takeIdle();
        }
    }
    executor_ = asio::any_io_executor();
    queueStrand_ = asio::any_io_executor();
}

}  // namespace wix::detail
