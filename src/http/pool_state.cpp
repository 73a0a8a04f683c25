#include "http/pool_state.hpp"

#include <algorithm>

namespace wix::detail {

PoolState::Origin& PoolState::at(OriginId id) {
    if (id >= origins_.size()) origins_.resize(id + 1);
    return origins_[id];
}

std::size_t PoolState::open(OriginId origin) const noexcept {
    return origin < origins_.size() ? origins_[origin].open : 0;
}

bool PoolState::hasWaiters(OriginId origin) const noexcept {
    if (origin >= origins_.size()) return false;
    const auto& lines = origins_[origin].lines;
    return !std::all_of(lines.begin(), lines.end(), [](const Line& line) { return line.empty(); });
}

// -- Taking ------------------------------------------------------------------------------------------------------------

Acquired PoolState::acquire(OriginId id, PoolTime now, Priority priority) {
    Acquired decision = reuse(id, now, priority, false);
    if (decision.kind == Acquired::Kind::reuse || !mayServe(priority)) return decision;
    if (!makePlace(at(id), priority, decision.close)) return decision;
    decision.kind = Acquired::Kind::open;
    decision.connection = add(id, now);
    setUrgent(connections_.at(decision.connection), isUrgent(priority));
    return decision;
}

Acquired PoolState::reuse(OriginId id, PoolTime now, Priority priority, bool idempotent) {
    Acquired decision;
    removeOld(now, decision.close);
    Origin& origin = at(id);
    if (origin.idle.empty() || !mayServe(priority)) return decision;
    decision.kind = Acquired::Kind::reuse;
    decision.connection = origin.idle.back();
    origin.idle.pop_back();
    Connection& connection = connections_.at(decision.connection);
    decision.look = !idempotent || now - connection.idleSince >= justUsed;
    setUrgent(connection, isUrgent(priority));
    return decision;
}

Acquired PoolState::acquireAhead(OriginId id, PoolTime now) {
    Acquired decision;
    removeOld(now, decision.close);
    Origin& origin = at(id);
    if (!origin.idle.empty()) {
        decision.kind = Acquired::Kind::reuse;
        decision.connection = origin.idle.back();
        return decision;
    }
    const bool isFree = origin.open < limits_.perOrigin && open() < limits_.total && limits_.idlePerOrigin > 0;
    if (origin.opensAhead || !isFree) return decision;
    decision.kind = Acquired::Kind::open;
    decision.connection = add(id, now);
    connections_.at(decision.connection).ahead = origin.opensAhead = true;
    return decision;
}

void PoolState::removeOld(PoolTime now, std::vector<ConnectionId>& removed) {
    if (now < firstEnd_) return;
    firstEnd_ = PoolTime::max();
    const std::size_t before = removed.size();
    for (const Origin& origin : origins_)
        for (const ConnectionId id : origin.idle) {
            const PoolTime end = endOf(connections_.at(id));
            if (now >= end)
                removed.push_back(id);
            else
                firstEnd_ = std::min(firstEnd_, end);
        }
    for (std::size_t i = before; i < removed.size(); ++i) forget(removed[i]);
}

bool PoolState::makePlace(const Origin& origin, Priority priority, std::vector<ConnectionId>& removed) {
    const std::size_t reserve = reserveOf(priority);
    if (origin.open >= limits_.perOrigin + reserve) return false;
    if (open() < limits_.total + reserve) return true;
    std::optional<ConnectionId> oldest;
    for (const Origin& other : origins_)
        if (!other.idle.empty() &&
            (!oldest || connections_.at(other.idle.front()).idleSince < connections_.at(*oldest).idleSince))
            oldest = other.idle.front();
    if (!oldest) return false;
    forget(*oldest);
    removed.push_back(*oldest);
    return true;
}

ConnectionId PoolState::add(OriginId origin, PoolTime now) {
    const ConnectionId id = nextConnection_++;
    connections_.emplace(id, Connection(origin, now));
    ++at(origin).open;
    return id;
}

void PoolState::forget(ConnectionId id) {
    const auto found = connections_.find(id);
    setUrgent(found->second, false);
    endAhead(found->second);
    Origin& origin = origins_[found->second.origin];
    std::erase(origin.idle, id);
    --origin.open;
    connections_.erase(found);
}

void PoolState::setUrgent(Connection& connection, bool urgent) {
    if (connection.urgent == urgent) return;
    connection.urgent = urgent;
    urgent ? ++urgentInUse_ : --urgentInUse_;
}

void PoolState::endAhead(Connection& connection) {
    if (!connection.ahead) return;
    connection.ahead = origins_[connection.origin].opensAhead = false;
}

// -- Waiting -----------------------------------------------------------------------------------------------------------

QueueId PoolState::enqueue(OriginId id, Priority priority) {
    Origin& origin = at(id);
    if (!hasWaiters(id)) origin.passedOver = 0;
    Line& line = origin.lines[static_cast<std::size_t>(priority)];
    const QueueId waiter = nextInLine_++;
    places_.emplace(waiter, Place(id, priority, line.insert(line.end(), waiter)));
    return waiter;
}

void PoolState::leave(QueueId id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return;
    const Place& place = found->second;
    origins_[place.origin].lines[static_cast<std::size_t>(place.priority)].erase(place.position);
    places_.erase(found);
}

// -- Giving back -------------------------------------------------------------------------------------------------------

Released PoolState::released(ConnectionId id, bool reusable, PoolTime now,
                             std::optional<std::chrono::milliseconds> idleTime) {
    Released decision;
    Connection& connection = connections_.at(id);
    setUrgent(connection, false);
    endAhead(connection);
    if (!reusable || now - connection.born >= limits_.age) {
        forget(id);
        decision.close.push_back(id);
        serve(now, decision);
        return decision;
    }
    connection.idleSince = now;
    connection.idleUntil = now + std::min(idleTime.value_or(limits_.idleTime), limits_.idleTime);
    firstEnd_ = std::min(firstEnd_, endOf(connection));
    const OriginId origin = connection.origin;
    origins_[origin].idle.push_back(id);
    serve(now, decision, id);
    if (origins_[origin].idle.size() > limits_.idlePerOrigin) {
        const ConnectionId longest = origins_[origin].idle.front();
        forget(longest);
        decision.close.push_back(longest);
    }
    return decision;
}

bool PoolState::mayServe(const Origin& origin, Priority priority) const {
    if (!mayServe(priority)) return false;
    return !origin.idle.empty() || origin.open < limits_.perOrigin + reserveOf(priority);
}

template <class IsBetter>
std::optional<PoolState::Candidate> PoolState::best(IsBetter isBetter) const {
    std::optional<Candidate> found;
    for (OriginId id = 0; id < origins_.size(); ++id)
        for (std::size_t rank = 0; rank < priorities; ++rank) {
            const Line& line = origins_[id].lines[rank];
            const auto priority = static_cast<Priority>(rank);
            if (line.empty() || !mayServe(origins_[id], priority)) continue;
            const Candidate next(id, priority, line.front());
            if (isBetter(next, found)) found.emplace(next);
        }
    return found;
}

std::optional<PoolState::Candidate> PoolState::nextToServe(std::optional<OriginId>& passedOver) const {
    passedOver.reset();
    const auto first = best([](const Candidate& one, const std::optional<Candidate>& other) {
        if (!other || one.priority != other->priority) return !other || one.priority < other->priority;
        return one.waiter < other->waiter;
    });
    if (!first || first->priority == Priority::ordinary) return first;
    const bool anyIdle =
        std::any_of(origins_.begin(), origins_.end(), [](const Origin& one) { return !one.idle.empty(); });
    auto lower = best([&](const Candidate& one, const std::optional<Candidate>& other) {
        const bool hasRoom = anyIdle || open() < limits_.total + reserveOf(one.priority);
        return one.priority > first->priority && hasRoom && (!other || one.waiter < other->waiter);
    });
    if (!lower) return first;
    lower->hasBeenPassedOver = origins_[lower->origin].passedOver >= placesForHigher;
    if (lower->hasBeenPassedOver) return lower;
    passedOver = lower->origin;
    return first;
}

void PoolState::serve(PoolTime now, Released& decision, std::optional<ConnectionId> comesBack) {
    std::optional<OriginId> passedOver;
    while (const auto next = nextToServe(passedOver)) {
        Origin& origin = origins_[next->origin];
        const bool opens = origin.idle.empty();
        if (!opens && origin.idle.back() != comesBack && isOld(connections_.at(origin.idle.back()), now)) {
            decision.close.push_back(origin.idle.back());
            forget(origin.idle.back());
            continue;
        }
        if (opens && !makePlace(origin, next->priority, decision.close)) return;
        if (passedOver) ++origins_[*passedOver].passedOver;
        if (next->hasBeenPassedOver) origin.passedOver = 0;
        leave(next->waiter);
        const ConnectionId id = opens ? add(next->origin, now) : origin.idle.back();
        if (!opens) origin.idle.pop_back();
        setUrgent(connections_.at(id), isUrgent(next->priority));
        decision.served.emplace_back(next->waiter, next->origin, id, opens);
    }
}

void PoolState::dropped(ConnectionId id) { forget(id); }

std::vector<ConnectionId> PoolState::takeIdle() {
    std::vector<ConnectionId> ids;
    for (const Origin& origin : origins_) ids.insert(ids.end(), origin.idle.begin(), origin.idle.end());
    for (const ConnectionId id : ids) forget(id);
    return ids;
}

}  // namespace wix::detail
