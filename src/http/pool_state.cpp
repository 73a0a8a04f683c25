#include "http/pool_state.hpp"

#include <algorithm>

namespace wix::detail {

Acquired PoolState::acquire(PoolTime now, bool urgent) {
    Acquired decision;
    const auto young =
        std::find_if(idle_.begin(), idle_.end(), [&](const Idle& one) { return now - one.since < maxIdleTime_; });
    for (auto old = idle_.begin(); old != young; ++old) decision.tooOld.push_back(old->id);
    idle_.erase(idle_.begin(), young);
    if (!idle_.empty()) {
        decision.kind = Acquired::Kind::reuse;
        decision.connection = idle_.back().id;
        idle_.pop_back();
        ++inUse_;
    } else if (inUse_ < limit_ + (urgent ? urgentReserve : 0)) {
        decision.kind = Acquired::Kind::open;
        ++inUse_;
    }
    return decision;
}

Released PoolState::released(ConnectionId id, bool reusable, PoolTime now) {
    Released decision;
    if (!queue_.empty()) {
        decision.kind = reusable ? Released::Kind::handOver : Released::Kind::replace;
        decision.next = *queue_.begin();
        queue_.erase(queue_.begin());
        return decision;  // it stays in use, or its place does
    }
    --inUse_;
    if (!reusable) return decision;
    idle_.emplace_back(id, now);
    decision.kind = Released::Kind::idle;
    return decision;
}

std::vector<ConnectionId> PoolState::takeIdle() {
    std::vector<ConnectionId> ids;
    for (const Idle& one : idle_) ids.push_back(one.id);
    idle_.clear();
    return ids;
}

}  // namespace wix::detail
