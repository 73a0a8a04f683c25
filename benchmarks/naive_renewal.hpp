// The two usual designs, on the same transport: what an application writes that has no shared renewal.
#pragma once

#include "renewal_design.hpp"

namespace wix::bench {

/// Whoever finds the token expired renews it. For so many callers.
DesignPtr everyCallerRenews(const ExpiredSession& session, std::size_t callers);

/// Whoever finds the token expired takes a lock, looks again, renews with the lock held, and hands the lock on. The lock
/// is a channel with room for one: a queue in order of arrival.
DesignPtr lockAcrossExchange(const ExpiredSession& session);

}  // namespace wix::bench
