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
    Acquired decision;
    removeOld(now, decision.close);
    Origin& origin = at(id);
    if (!origin.idle.empty()) {
        decision.kind = Acquired::Kind::reuse;
        decision.connection = origin.idle.back();
        origin.idle.pop_back();
    } else if (makePlace(origin, urgent, decision.close)) {
        decision.kind = Acquired::Kind::open;
        decision.connection = add(id, now);
    }
    return decision;
}

void PoolState::removeOld(PoolTime now, std::vector<ConnectionId>& removed) {
    const std::size_t before = removed.size();
    for (const Origin& origin : origins_)
        for (const ConnectionId id : origin.idle) {
            const Connection& one = connections_.at(id);
            if (now >= one.idleUntil || now - one.born >= limits_.age) removed.push_back(id);
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
    Origin& origin = origins_[found->second.origin];
    std::erase(origin.idle, id);
    --origin.open;
    connections_.erase(found);
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
    const OriginId originId = connection.origin;
    Origin& origin = origins_[originId];
    if (reusable && now - connection.born < limits_.age) {
        const auto elsewhere = firstInLine(originId);
        if (hasWaiters(originId) && (!elsewhere || isBefore(originId, *elsewhere))) {
            const QueueId next = origin.first().front();
            leave(next);
            decision.served.emplace_back(next, originId, id, false);
            return decision;
        }
        // For one who came before, and to another origin, it makes way below.
        connection.idleSince = now;
        connection.idleUntil = now + std::min(idleTime.value_or(limits_.idleTime), limits_.idleTime);
        origin.idle.push_back(id);
        if (origin.idle.size() > limits_.idlePerOrigin) {
            const ConnectionId longest = origin.idle.front();
            forget(longest);
            decision.close.push_back(longest);
        }
    } else {
        forget(id);
        decision.close.push_back(id);
    }
    serve(now, decision);
    return decision;
}

bool PoolState::isBefore(OriginId one, OriginId other) const {
    const bool urgent = !origins_[one].urgent.empty();
    if (urgent != !origins_[other].urgent.empty()) return urgent;
    return origins_[one].first().front() < origins_[other].first().front();
}

std::optional<OriginId> PoolState::firstInLine(std::optional<OriginId> except) const {
    std::optional<OriginId> next;
    for (OriginId id = 0; id < origins_.size(); ++id) {
        if (id == except || !hasWaiters(id)) continue;
        const std::size_t reserve = origins_[id].urgent.empty() ? 0 : urgentReserve;
        if (origins_[id].open < limits_.perOrigin + reserve && (!next || isBefore(id, *next))) next = id;
    }
    return next;
}

void PoolState::serve(PoolTime now, Released& decision) {
    while (const auto next = firstInLine()) {
        if (!makePlace(origins_[*next], !origins_[*next].urgent.empty(), decision.close)) return;
        const QueueId waiter = origins_[*next].first().front();
        leave(waiter);
        decision.served.emplace_back(waiter, *next, add(*next, now), true);
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
