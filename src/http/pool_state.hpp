// Which connection of one origin serves which request. Pure: ids go in, decisions come out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace wix::detail {

using ConnectionId = std::uint64_t;
using QueueId = std::uint64_t;
using PoolTime = std::chrono::steady_clock::time_point;

/// What a request is to do.
struct Acquired {
    enum class Kind {
        reuse,  ///< Use `connection`, if it is still alive; else report it with dropped() and ask again.
        open,   ///< Open a new one; it counts already.
        wait,   ///< Stand in line: released() will name you.
    };
    Kind kind = Kind::wait;
    ConnectionId connection = 0;
    std::vector<ConnectionId> tooOld;  ///< Close these; they are forgotten already.
};

/// What follows from a connection that came back.
struct Released {
    enum class Kind {
        idle,      ///< Keep it.
        handOver,  ///< It goes to `next`, who stood in line.
        close,     ///< Close it.
        replace,   ///< Close it, and `next` may open a new one.
    };
    Kind kind = Kind::close;
    QueueId next = 0;
};

class PoolState {
public:
    PoolState(std::size_t limit, std::chrono::milliseconds maxIdleTime) : limit_(limit), maxIdleTime_(maxIdleTime) {}

    /// An urgent request may have a place beyond the limit: a few are kept for what all the others wait for.
    Acquired acquire(PoolTime now, bool urgent = false);
    /// Stands in line; ids grow, and the smallest is served first.
    void enqueue(QueueId id) { queue_.insert(id); }
    void leave(QueueId id) { queue_.erase(id); }

    /// A connection in use comes back. `reusable`: it may carry another request.
    Released released(ConnectionId id, bool reusable, PoolTime now);
    /// One that acquire() gave for reuse turned out to be dead.
    void dropped() { --inUse_; }
    /// Forgets all idle connections and gives them, to be closed.
    std::vector<ConnectionId> takeIdle();

    std::size_t open() const noexcept { return inUse_ + idle_.size(); }

private:
    struct Idle {
        Idle(ConnectionId connection, PoolTime from) : id(connection), since(from) {}
        ConnectionId id;
        PoolTime since;
    };
    static constexpr std::size_t urgentReserve = 4;
    std::size_t limit_;
    std::chrono::milliseconds maxIdleTime_;
    std::size_t inUse_ = 0;
    std::vector<Idle> idle_;  // by age, the youngest last: the last used is the most likely to live
    std::set<QueueId> queue_;
};

}  // namespace wix::detail
