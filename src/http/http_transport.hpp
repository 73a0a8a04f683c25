// The connections of a Transport: the driver of PoolState.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <wix/options.hpp>

#include "http/connection.hpp"
#include "http/pool_state.hpp"
#include "http/tls_context.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// Thread-safe. Waiting happens on one strand, exchanges on the strands of their connections.
class HttpTransport final : public TransportInterface, public ContextBound {
public:
    /// Options are checked. `tls` is null until the system's store is first needed.
    HttpTransport(boost::asio::any_io_executor executor, TransportOptions options, TlsContextPtr tls);

    boost::asio::awaitable<result<HttpReply>> send(WireRequest request, WaitLimits limits) override;
    std::shared_ptr<void> backgroundSlot() override;
    RetryQuotas& retryQuotas() override { return quotas_; }

    /// Ends everything with operation_aborted, now and later.
    void close();
    boost::asio::any_io_executor executor() const { return executor_; }
    std::size_t openConnections() const;

    void contextGone() noexcept override;

private:
    class Lease;
    class InLine;
    struct Pool {
        Pool(const Origin& to, const TransportOptions& options)
            : origin(to), state(options.maxConnectionsPerOrigin, options.maxIdleTime) {}
        const Origin origin;
        PoolState state;
        std::unordered_map<ConnectionId, std::shared_ptr<Connection>> connections;  // all that are open
        std::unordered_map<QueueId, std::shared_ptr<InLine>> queue;
    };

    std::shared_ptr<HttpTransport> self();
    static boost::asio::awaitable<result<HttpReply>> exchange(std::shared_ptr<HttpTransport> self, WireRequest request,
                                                              WaitLimits limits);
    boost::asio::awaitable<result<Lease>> acquire(const WireRequest& request, const WaitLimits& limits);
    std::optional<result<Lease>> tryAcquire(Pool& pool, bool urgent);
    result<Lease> openNew(Pool& pool);
    void release(Pool& pool, ConnectionId id, bool reusable);
    static void takeQueue(Pool& pool, std::vector<std::shared_ptr<InLine>>& into);
    Pool& poolOf(const Origin& origin);
    result<TlsContextPtr> tlsContext();

    const TransportOptions options_;
    RetryQuotas quotas_{options_};
    boost::asio::any_io_executor executor_;
    boost::asio::any_io_executor queueStrand_;
    std::atomic<std::size_t> background_{0};

    mutable std::mutex mutex_;  // guards what follows; never held across an await
    TlsContextPtr tls_;
    std::map<std::string, std::unique_ptr<Pool>> pools_;
    ConnectionId nextConnection_ = 1;
    QueueId nextInLine_ = 1;
    bool closed_ = false;
};

}  // namespace wix::detail
