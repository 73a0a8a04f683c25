// Which connection serves which request. Pure: ids and times go in, decisions come out.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "http/priority.hpp"

namespace wix::detail {

using ConnectionId = std::uint64_t;
using QueueId = std::uint64_t;
using OriginId = std::size_t;
using PoolTime = BootTime;  // idle connections age while the machine is suspended: their servers go on

struct PoolLimits {
    PoolLimits() = default;
    std::size_t perOrigin = 64;
    std::size_t total = 256;
    std::size_t idlePerOrigin = 64;
    std::size_t urgent = 32;  ///< Connections that requests which are not ordinary use at a time.
    std::chrono::milliseconds idleTime{30'000};
    std::chrono::milliseconds age{600'000};
};

/// What a request is to do.
struct Acquired {
    enum class Kind {
        reuse,  ///< Use `connection`, if it is still alive; else report it with dropped() and ask again.
        open,   ///< Open `connection`, a new one; it counts already.
        wait,   ///< Stand in line with enqueue().
    };
    Kind kind = Kind::wait;
    ConnectionId connection = 0;
    bool look = true;                 ///< At the socket too, to tell whether it is alive.
    std::vector<ConnectionId> close;  ///< Too old, or in the way; they are forgotten already.
};

/// Who stood in line has a connection.
struct Served {
    Served(QueueId who, OriginId to, ConnectionId with, bool isNew)
        : waiter(who), origin(to), connection(with), open(isNew) {}
    QueueId waiter;
    OriginId origin;
    ConnectionId connection;
    bool open;  ///< It is a new one, to be opened.
};

/// What follows from a connection that came back, or from a waiter that can be served now.
struct Released {
    std::vector<ConnectionId> close;
    std::vector<Served> served;
};

/// The queue has one line for each priority of an origin, each in the order of arrival. The first request of the highest
/// priority is served first, over all origins. Requests of a lower priority are not starved: of four places in a row that
/// the oldest of them could have had, it gets one. While enough requests that are not ordinary are served, more of them
/// wait and ordinary ones go on. A queued request cannot be served: all that frees a place also says which request gets it.
class PoolState {
public:
    explicit PoolState(PoolLimits limits) : limits_(limits) {}

    /// A request that is not ordinary may have a place beyond the limits: a few are kept for what all the others wait for.
    Acquired acquire(OriginId origin, PoolTime now, Priority priority = Priority::ordinary);
    /// The same, but opens nothing. A connection that has just brought an answer is not looked at for an `idempotent`
    /// request: that was a look.
    Acquired reuse(OriginId origin, PoolTime now, Priority priority, bool idempotent);
    /// For a request that waits for something else, and will come. `open` if a place is free: nobody makes way for it.
    /// `reuse`: this one is idle, and stays so; if it is dead, report it with dropped() and ask again. `wait`: no.
    Acquired acquireAhead(OriginId origin, PoolTime now);
    QueueId enqueue(OriginId origin, Priority priority = Priority::ordinary);
    /// Leaves the line; nothing if it is not in it any more. Takes the same time for any length.
    void leave(QueueId id);
    bool isWaiting(QueueId id) const { return places_.contains(id); }
    bool hasWaiters(OriginId origin) const noexcept;
    OriginId originOf(ConnectionId id) const { return connections_.at(id).origin; }

    /// A connection in use comes back. `reusable`: it may carry another request. `idleTime`: what its server grants, if
    /// that is less than the limit.
    Released released(ConnectionId id, bool reusable, PoolTime now,
                      std::optional<std::chrono::milliseconds> idleTime = std::nullopt);
    /// One that acquire() gave for reuse turned out to be dead.
    void dropped(ConnectionId id);
    /// Forgets all idle connections and gives them, to be closed.
    std::vector<ConnectionId> takeIdle();

    std::size_t open() const noexcept { return connections_.size(); }
    std::size_t open(OriginId origin) const noexcept;

private:
    struct Connection {
        Connection(OriginId to, PoolTime at) : origin(to), born(at) {}
        OriginId origin;
        PoolTime born;
        PoolTime idleSince{};
        PoolTime idleUntil{};
        bool urgent = false;  // it is in use, by a request that is not ordinary
        bool ahead = false;   // it is being opened ahead of need
    };
    using Line = std::list<QueueId>;
    struct Origin {
        std::size_t open = 0;
        std::vector<ConnectionId> idle;  // the youngest last: the last used is the most likely to live
        bool opensAhead = false;
        std::array<Line, priorities> lines;
        std::size_t passedOver = 0;  // places in a row that its oldest request of a lower priority did not get
    };
    struct Place {
        Place(OriginId to, Priority rank, Line::iterator at) : origin(to), priority(rank), position(at) {}
        OriginId origin;
        Priority priority;
        Line::iterator position;
    };
    /// A queued request that could be served.
    struct Candidate {
        Candidate(OriginId to, Priority rank, QueueId first) : origin(to), priority(rank), waiter(first) {}
        OriginId origin;
        Priority priority;
        QueueId waiter;
        bool hasBeenPassedOver = false;  // often enough
    };
    static constexpr std::size_t placesForHigher = 3;  // before a request of a lower priority gets one
    static constexpr std::size_t urgentReserve = 4;
    static constexpr std::chrono::microseconds justUsed{100};  // a look is a system call, up to a tenth of a small call

    Origin& at(OriginId id);
    PoolTime endOf(const Connection& idle) const { return std::min(idle.idleUntil, idle.born + limits_.age); }
    bool isOld(const Connection& idle, PoolTime now) const { return now >= endOf(idle); }
    void removeOld(PoolTime now, std::vector<ConnectionId>& removed);
    /// A place for a new connection, made by closing an idle one elsewhere if need be.
    bool makePlace(const Origin& origin, Priority priority, std::vector<ConnectionId>& removed);
    ConnectionId add(OriginId origin, PoolTime now);
    void forget(ConnectionId id);
    /// Counts it among those in use by requests that are not ordinary, or no longer.
    void setUrgent(Connection& connection, bool urgent);
    /// It has been opened, or not.
    void endAhead(Connection& connection);
    static bool isUrgent(Priority priority) noexcept { return priority != Priority::ordinary; }
    static std::size_t reserveOf(Priority priority) noexcept { return isUrgent(priority) ? urgentReserve : 0; }
    bool mayServe(Priority priority) const noexcept { return !isUrgent(priority) || urgentInUse_ < limits_.urgent; }
    bool mayServe(const Origin& origin, Priority priority) const;
    /// The next request of all origins, if a place in the total is all that may be missing.
    /// `passedOver`: the origin of the request of a lower priority that this one goes before.
    std::optional<Candidate> nextToServe(std::optional<OriginId>& passedOver) const;
    template <class IsBetter>
    std::optional<Candidate> best(IsBetter isBetter) const;
    /// Serves all who can be served. `comesBack`: a connection that is idle for no time at all.
    void serve(PoolTime now, Released& decision, std::optional<ConnectionId> comesBack = std::nullopt);

    PoolLimits limits_;
    PoolTime firstEnd_ = PoolTime::max();  // before that no idle connection is too old
    std::vector<Origin> origins_;
    std::unordered_map<ConnectionId, Connection> connections_;
    std::unordered_map<QueueId, Place> places_;
    ConnectionId nextConnection_ = 1;
    QueueId nextInLine_ = 1;
    std::size_t urgentInUse_ = 0;
};

}  // namespace wix::detail
