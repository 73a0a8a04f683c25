// Requests over pooled connections: what a Transport is.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include <wix/options.hpp>

#include "base/shared_objects.hpp"
#include "http/connection_pool.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// Thread-safe. Exchanges happen on the strands of their connections.
class HttpTransport final : public TransportInterface, public std::enable_shared_from_this<HttpTransport> {
public:
    /// Options are checked. `tls` is null until the system's store is first needed.
    HttpTransport(boost::asio::any_io_executor executor, const TransportOptions& options, TlsContextPtr tls,
                  NameLookupFactory lookup = systemLookup, const Clock& clock = Clock::system());

    boost::asio::awaitable<result<HttpReply>> send(WireRequestPtr request, WaitLimits limits) override;
    std::shared_ptr<void> backgroundSlot() override;
    std::shared_ptr<void> openAhead(const WireRequest& request) override;
    RetryQuotas& retryQuotas() override { return quotas_; }

    /// Ends everything with operation_aborted, now and later.
    void close();
    /// Lets requests in flight go on until `limits`, and refuses others; then as close().
    static boost::asio::awaitable<void> drain(std::shared_ptr<HttpTransport> self, WaitLimits limits);
    boost::asio::any_io_executor executor() const { return pool_->executor(); }
    /// What is used from threads that do not run the executor's context: see ContextUse.
    const ContextBound& context() const noexcept { return *pool_; }
    std::size_t openConnections() const { return pool_->open(); }

    /// Thread-safe. They must not keep this transport.
    SharedObjects& sharedObjects() noexcept { return shared_; }

private:
    using Lease = ConnectionPool::Lease;

    static boost::asio::awaitable<result<HttpReply>> exchange(std::shared_ptr<HttpTransport> self,
                                                              WireRequestPtr request, WaitLimits limits);
    static boost::asio::awaitable<result<Lease>> connected(std::shared_ptr<HttpTransport> self, WireRequestPtr request,
                                                           WaitLimits limits);
    Lease taken(const WireRequest& request);
    bool conclude(ExchangeOutcome& outcome, Lease& lease, const WireRequest& request, int resends);

    /// Kept by calls that wait for something else. Without them nobody needs what is being opened.
    class Need {
    public:
        Need() = default;
        Need(const Need&) = delete;
        Need& operator=(const Need&) = delete;
        ~Need() { over_.request_stop(); }
        std::stop_token over() const noexcept { return over_.get_token(); }

    private:
        std::stop_source over_;
    };
    static boost::asio::awaitable<void> openUnless(std::shared_ptr<HttpTransport> self, std::stop_token over,
                                                   Lease lease, std::string origin, Timeouts timeouts);

    /// Names that do not exist: whoever asks again within a second hears the same.
    class MissingNames {
    public:
        std::optional<Failure> find(const Origin& origin, const Clock& clock);
        void remember(const Origin& origin, const Failure& failure, const Clock& clock);

    private:
        struct Entry {
            Entry(Failure why, BootTime end) : failure(std::move(why)), until(end) {}
            Failure failure;
            BootTime until;
        };
        std::atomic<bool> any_{false};  // for those who ask before every request
        std::mutex mutex_;
        std::map<std::string, Entry> entries_;
    };

    const Clock& clock_;
    SharedObjects shared_;
    RetryQuotas quotas_;
    const std::size_t maxBackground_;
    const std::shared_ptr<ConnectionPool> pool_;
    MissingNames missingNames_;
    std::atomic<std::size_t> background_{0};
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<Need>> ahead_;  // by origin, what is being opened; guarded by the mutex
};

}  // namespace wix::detail
