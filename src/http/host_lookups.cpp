#include "http/host_lookups.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <netdb.h>

#include <cerrno>
#include <cstring>

namespace asio = boost::asio;

namespace wix::detail {
namespace {

using ErrorCode = boost::system::error_code;

/// As Asio translates them.
ErrorCode lookUpError(int code, int systemError) {
    switch (code) {
        case EAI_AGAIN:
            return asio::error::host_not_found_try_again;
        case EAI_FAIL:
            return asio::error::no_recovery;
        case EAI_MEMORY:
            return asio::error::no_memory;
        case EAI_FAMILY:
            return asio::error::address_family_not_supported;
        case EAI_SYSTEM:
            return ErrorCode(systemError, boost::system::system_category());
        default:
            return asio::error::host_not_found;
    }
}

struct ForkedHostLookups {
    std::shared_ptr<HostLookups> lookups = std::make_shared<HostLookups>(systemLookUp);
    ForkGuard forkGuard;
};

}  // namespace

FoundHost systemLookUp(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    addrinfo* first = nullptr;
    errno = 0;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
    const int systemError = errno;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(first, [](addrinfo* all) {
        if (all) ::freeaddrinfo(all);
    });
    if (code != 0) return FoundHost(lookUpError(code, systemError));
    std::vector<Endpoint> endpoints;
    for (const addrinfo* each = first; each; each = each->ai_next) {
        Endpoint endpoint;
        if ((each->ai_family != AF_INET && each->ai_family != AF_INET6) || each->ai_addrlen > endpoint.capacity())
            continue;
        std::memcpy(endpoint.data(), each->ai_addr, each->ai_addrlen);
        endpoint.resize(each->ai_addrlen);
        endpoints.push_back(endpoint);
    }
    if (endpoints.empty()) return FoundHost(ErrorCode(asio::error::host_not_found));
    return FoundHost(std::move(endpoints));
}

/// Owned by its thread, with all that it touches.
class HostLookups::Job final : public BlockingJob {
public:
    Job(std::shared_ptr<HostLookups> lookups, std::string host)
        : lookups_(std::move(lookups)), host_(std::move(host)) {}

    void perform() noexcept override {
        try {
            found_ = lookups_->function_(host_);
        } catch (...) {  // out of memory
        }
    }
    std::shared_ptr<void> complete() noexcept override {
        lookups_->ended(host_, found_);
        return std::move(lookups_);
    }

private:
    std::shared_ptr<HostLookups> lookups_;
    const std::string host_;
    FoundHost found_{ErrorCode(asio::error::no_memory)};
};

class HostLookups::Lookup final : public NameLookup {
public:
    Lookup(std::shared_ptr<HostLookups> lookups, asio::any_io_executor executor)
        : lookups_(std::move(lookups)), executor_(std::move(executor)) {}
    ~Lookup() override {
        if (waiter_) lookups_->leave(host_, waiter_);
    }

    void resolve(const std::string& host, std::uint16_t port, Done done) override {
        host_ = host;
        waiter_ = std::make_shared<Waiter>(executor_, port, std::move(done));
        begunAt_ = lookups_->ask(host_, waiter_);
    }
    std::optional<SteadyTime> begunAt() const override { return begunAt_; }
    void forget() noexcept override { lookups_->forget(host_); }

private:
    const std::shared_ptr<HostLookups> lookups_;
    const asio::any_io_executor executor_;
    std::string host_;
    WaiterPtr waiter_;
    std::optional<SteadyTime> begunAt_;
};

std::shared_ptr<HostLookups> HostLookups::ofProcess() {
    static constinit std::atomic<ForkedHostLookups*> current{nullptr};  // what it points to is never destroyed
    ForkedHostLookups* present = current.load(std::memory_order_acquire);
    if (present && !present->forkGuard.isInChild()) return present->lookups;
    auto made = std::make_unique<ForkedHostLookups>();
    if (!current.compare_exchange_strong(present, made.get(), std::memory_order_acq_rel)) return present->lookups;
    return made.release()->lookups;
}

NameLookupFactory HostLookups::factory() {
    return [self = shared_from_this()](const asio::any_io_executor& executor) {
        return std::make_unique<Lookup>(self, executor);
    };
}

/// Returns when the look-up began.
SteadyTime HostLookups::ask(const std::string& host, const WaiterPtr& waiter) {
    const std::lock_guard lock(mutex_);
    HostTable::Asked asked = table_.ask(host, MonotonicClock::now());
    switch (asked.kind) {
        case HostTable::Asked::Kind::known:
            deliver(waiter, ErrorCode(), std::move(asked.endpoints));
            break;
        case HostTable::Asked::Kind::inFlight:
            flights_[host].waiters.push_back(waiter);
            break;
        case HostTable::Asked::Kind::start: {
            bool started = false;
            try {
                Flight& flight = flights_[host];
                flight.job = std::make_shared<Job>(shared_from_this(), host);
                flight.waiters.push_back(waiter);
                started = threads_.submit(flight.job, host);
            } catch (const std::exception&) {  // out of memory
            }
            if (started) break;
            flights_.erase(host);
            table_.ended(host, std::vector<Endpoint>(), asked.begunAt);
            deliver(waiter, asio::error::host_not_found_try_again, std::vector<Endpoint>());
        }
    }
    return asked.begunAt;
}

void HostLookups::leave(const std::string& host, const WaiterPtr& waiter) noexcept {
    asio::any_io_executor executor;  // these are destroyed without the lock
    NameLookup::Done done;
    std::shared_ptr<Job> unused;
    const std::lock_guard lock(mutex_);
    waiter->isGone = true;
    executor.swap(waiter->executor);
    done.swap(waiter->done);
    const auto flight = flights_.find(host);
    if (flight == flights_.end()) return;
    flight->second.waiters.remove(waiter);
    if (!flight->second.waiters.empty()) return;
    // Nothing waits for it. If it has begun, it continues, and its addresses are used for a second.
    if (BlockingThreads::withdraw(*flight->second.job) != BlockingThreads::Withdrawn::yes) return;
    unused = std::move(flight->second.job);
    flights_.erase(flight);
    table_.ended(host, std::vector<Endpoint>(), SteadyTime());
}

void HostLookups::ended(const std::string& host, const FoundHost& found) noexcept {
    // The lock is held for the posts: the context of a waiter cannot end while we use its executor.
    const std::lock_guard lock(mutex_);
    const auto flight = flights_.extract(host);
    try {
        table_.ended(host, found.endpoints, MonotonicClock::now());
    } catch (...) {  // out of memory: asked again by the next connection
        table_.ended(host, std::vector<Endpoint>(), SteadyTime());
    }
    if (flight.empty()) return;
    for (const WaiterPtr& waiter : flight.mapped().waiters) {
        try {
            deliver(waiter, found.error, found.endpoints);
        } catch (...) {  // out of memory: its deadline ends the wait
        }
    }
}

void HostLookups::forget(const std::string& host) {
    const std::lock_guard lock(mutex_);
    table_.forget(host);
}

/// With the mutex held.
void HostLookups::deliver(const WaiterPtr& waiter, ErrorCode error, std::vector<Endpoint> endpoints) {
    for (Endpoint& endpoint : endpoints) endpoint.port(waiter->port);
    const asio::any_io_executor executor = std::exchange(waiter->executor, asio::any_io_executor());
    asio::post(executor,
               [waiter, done = std::exchange(waiter->done, nullptr), error, endpoints = std::move(endpoints)] {
                   if (!waiter->isGone) done(error, endpoints);
               });
}

}  // namespace wix::detail
