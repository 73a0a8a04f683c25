// Look-ups of host names, shared by all connections that wait for the same one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/blocking_threads.hpp"
#include "http/host_table.hpp"
#include "http/name_lookup.hpp"

namespace wix::detail {

/// What a look-up found: an error, or at least one address. Ports are 0.
struct FoundHost {
    explicit FoundHost(boost::system::error_code why) : error(why) {}
    explicit FoundHost(std::vector<Endpoint> where) : endpoints(std::move(where)) {}
    boost::system::error_code error;
    std::vector<Endpoint> endpoints;
};

/// Blocks until the name is looked up. Called on a thread of its own.
using LookUpFunction = std::function<FoundHost(const std::string& host)>;

/// getaddrinfo(): the system's hosts file, its order of addresses.
FoundHost systemLookUp(const std::string& host);

/// At most one look-up in flight for a host. A thread that is in the function belongs to nothing else: neither exit, nor
/// fork(), nor the run() of an io_context waits for it. Thread-safe.
class HostLookups : public std::enable_shared_from_this<HostLookups> {
public:
    explicit HostLookups(LookUpFunction function, BlockingThreads& threads = BlockingThreads::forLookUps())
        : function_(std::move(function)), threads_(threads) {}

    /// Those of this process, with getaddrinfo().
    static std::shared_ptr<HostLookups> ofProcess();

    /// Makes NameLookups that use these.
    NameLookupFactory factory();

private:
    class Lookup;
    class Job;
    /// A connection that waits. All but `isGone` are guarded by the mutex.
    struct Waiter {
        Waiter(boost::asio::any_io_executor home, std::uint16_t to, NameLookup::Done what)
            : executor(std::move(home)), port(to), done(std::move(what)) {}
        boost::asio::any_io_executor executor;
        const std::uint16_t port;
        NameLookup::Done done;
        std::atomic<bool> isGone{false};
    };
    using WaiterPtr = std::shared_ptr<Waiter>;
    /// A look-up in flight.
    struct Flight {
        std::shared_ptr<Job> job;
        std::list<WaiterPtr> waiters;
    };

    SteadyTime ask(const std::string& host, const WaiterPtr& waiter);
    void leave(const std::string& host, const WaiterPtr& waiter) noexcept;
    void ended(const std::string& host, const FoundHost& found) noexcept;
    void forget(const std::string& host);
    static void deliver(const WaiterPtr& waiter, boost::system::error_code error, std::vector<Endpoint> endpoints);

    const LookUpFunction function_;
    BlockingThreads& threads_;
    std::mutex mutex_;
    HostTable table_;
    std::map<std::string, Flight> flights_;
};

}  // namespace wix::detail
