// The one connection of a RedisTokenStorage: opened when a command needs it, and again after it broke.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <wix/redis.hpp>

#include "async/context_registry.hpp"
#include "base/fork_guard.hpp"
#include "redis/pending_releases.hpp"
#include "redis/redis_link.hpp"
#include "redis/redis_url.hpp"

namespace wix::detail {

class RedisCall;

/// Commands go out as they come, and their replies come back in that order. One that is not answered in time ends the
/// connection, and fails with all that stand in line behind it. If the connection breaks, those that do no harm a second
/// time are sent once more on the next one.
///
/// A lease that cannot be given back now, or whose grant was never heard of, is given back first on the next connection: a
/// server that stood still may have granted it to nobody.
class RedisConnection final : public ContextBound, private RedisLink::Owner {
public:
    /// `tls` is null for redis://.
    RedisConnection(const boost::asio::any_io_executor& executor, RedisUrl url, RedisOptions options,
                    TlsContextPtr tls);
    ~RedisConnection() override;

    /// The strand; empty once the io_context has gone. Thread-safe.
    boost::asio::any_io_executor home() const;
    const RedisOptions& options() const noexcept { return options_; }
    const RedisUrl& url() const noexcept { return url_; }
    std::chrono::milliseconds longestCall() const { return options_.connectTimeout + options_.commandTimeout; }

    /// On the strand.
    void submit(std::shared_ptr<RedisCall> call);
    /// Sends it if there is a connection or as soon as there is one, and makes none for it. Waits for nothing. From any
    /// thread, also when the io_context has gone.
    void giveBack(LeaseRelease release) noexcept;

    /// `Redis at host:port: what`
    std::string describe(const std::string& what) const { return "Redis at " + url_.where() + ": " + what; }
    Failure noAnswer() const;
    Failure usedAfterFork() const;
    bool isInChild() const noexcept { return forkGuard_.isInChild(); }

    void contextGone() noexcept override;

private:
    using Tcp = boost::asio::ip::tcp;
    using Resolver = boost::asio::ip::basic_resolver<Tcp, boost::asio::any_io_executor>;
    enum class Phase { closed, resolving, connecting, open };
    struct Sent {
        Sent(std::shared_ptr<RedisCall> waiting, SteadyTime latest) : call(std::move(waiting)), deadline(latest) {}
        std::shared_ptr<RedisCall> call;  // null if nobody waits
        SteadyTime deadline;
        std::unique_ptr<LeaseRelease> release;  // if it is one
    };

    std::shared_ptr<RedisConnection> self() { return std::static_pointer_cast<RedisConnection>(shared_from_this()); }

    void open();
    void resolved(const boost::system::error_code& error, const Resolver::results_type& found);
    void connectNext(const std::string& whyNot);
    void greet();
    void opened();
    void cannotOpen(const std::string& why);
    Failure endFailure(RedisLink::End how, const std::string& reason) const;
    void fail(Failure failure);
    void send(std::shared_ptr<RedisCall> call);
    void send(LeaseRelease release);
    bool send(Sent entry, const RedisCommand& command);
    std::deque<Sent> takeLine();
    void reopen(std::deque<Sent> unanswered, const Failure& failure);
    bool leaveToParent();
    void close();
    void dropUseless();

    void linkConnected() override;
    void linkReplied(RedisReply reply) override;
    void linkEnded(RedisLink::End how, const std::string& reason) override;

    void watchClock();
    void clockWatched(unsigned watch);
    void isLate();

    const RedisUrl url_;
    const RedisOptions options_;
    const TlsContextPtr tls_;   // null without TLS
    mutable std::mutex mutex_;  // guards the next one: a lease may end after the io_context, or elsewhere
    boost::asio::any_io_executor home_;

    Phase phase_ = Phase::closed;
    std::unique_ptr<Resolver> resolver_;
    std::deque<Tcp::endpoint> addresses_;  // still to be tried
    SteadyTime openDeadline_;
    SteadyTime phaseDeadline_;
    std::size_t greetings_ = 0;  // replies to AUTH and SELECT that are due
    std::shared_ptr<RedisLink> link_;
    bool demoted_ = false;                            // it takes no writes
    std::deque<std::shared_ptr<RedisCall>> waiting_;  // for the connection
    std::deque<Sent> line_;                           // for their replies
    PendingReleases releases_;                        // for the connection, and open none
    const ForkGuard forkGuard_;
    std::unique_ptr<MonotonicTimer> timer_;
    SteadyTime alarm_;
    unsigned watch_ = 0;
    bool watching_ = false;  // the timer is pending: only while somebody waits
};

}  // namespace wix::detail
