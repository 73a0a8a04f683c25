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
    return origin < origins_.size() && !(origins_[origin].urgent.empty() && origins_[origin].others.empty());
}

// -- Taking ------------------------------------------------------------------------------------------------------------

Acquired PoolState::acquire(OriginId id, PoolTime now, bool urgent) {
    Acquired decision = reuse(id, now, urgent, false);
    if (decision.kind == Acquired::Kind::reuse || (urgent && !mayServeUrgent())) return decision;
    if (!makePlace(at(id), urgent, decision.close)) return decision;
    decision.kind = Acquired::Kind::open;
    decision.connection = add(id, now);
    if (urgent) setUrgent(connections_.at(decision.connection), true);
    return decision;
}

Acquired PoolState::reuse(OriginId id, PoolTime now, bool urgent, bool idempotent) {
    Acquired decision;
    removeOld(now, decision.close);
    Origin& origin = at(id);
    if (origin.idle.empty() || (urgent && !mayServeUrgent())) return decision;
    decision.kind = Acquired::Kind::reuse;
    decision.connection = origin.idle.back();
    origin.idle.pop_back();
    Connection& connection = connections_.at(decision.connection);
    decision.look = !idempotent || now - connection.idleSince >= justUsed;
    if (urgent) setUrgent(connection, true);
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

bool PoolState::makePlace(const Origin& origin, bool urgent, std::vector<ConnectionId>& removed) {
    const std::size_t reserve = urgent ? urgentReserve : 0;
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

QueueId PoolState::enqueue(OriginId id, bool urgent) {
    Origin& origin = at(id);
    Line& line = urgent ? origin.urgent : origin.others;
    const QueueId waiter = nextInLine_++;
    places_.emplace(waiter, Place(id, urgent, line.insert(line.end(), waiter)));
    return waiter;
}

void PoolState::leave(QueueId id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return;
    Origin& origin = origins_[found->second.origin];
    (found->second.urgent ? origin.urgent : origin.others).erase(found->second.position);
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

bool PoolState::isBefore(const Origin& one, const Origin& other) const {
    if (nextIsUrgent(one) != nextIsUrgent(other)) return nextIsUrgent(one);
    return nextLine(one).front() < nextLine(other).front();
}

std::optional<OriginId> PoolState::firstInLine() const {
    std::optional<OriginId> next;
    for (OriginId id = 0; id < origins_.size(); ++id) {
        const Origin& origin = origins_[id];
        if (nextLine(origin).empty()) continue;
        const std::size_t reserve = nextIsUrgent(origin) ? urgentReserve : 0;
        if (origin.idle.empty() && origin.open >= limits_.perOrigin + reserve) continue;
        if (!next || isBefore(origin, origins_[*next])) next = id;
    }
    return next;
}

void PoolState::serve(PoolTime now, Released& decision, std::optional<ConnectionId> comesBack) {
    while (const auto next = firstInLine()) {
        Origin& origin = origins_[*next];
        const bool urgent = nextIsUrgent(origin);
        const bool opens = origin.idle.empty();
        if (!opens && origin.idle.back() != comesBack && isOld(connections_.at(origin.idle.back()), now)) {
            decision.close.push_back(origin.idle.back());
            forget(origin.idle.back());
            continue;
        }
        if (opens && !makePlace(origin, urgent, decision.close)) return;
        const QueueId waiter = nextLine(origin).front();
        leave(waiter);
        const ConnectionId id = opens ? add(*next, now) : origin.idle.back();
        if (!opens) origin.idle.pop_back();
        setUrgent(connections_.at(id), urgent);
        decision.served.emplace_back(waiter, *next, id, opens);
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
