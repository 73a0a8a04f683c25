// Leases that are to be given back as soon as there is a connection again. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "base/clock.hpp"
#include "redis/redis_record.hpp"

namespace wix::detail {

/// What gives a lease back.
struct LeaseRelease {
    LeaseRelease(RedisCommand words, std::shared_ptr<const bool> sent, BootTime end)
        : command(std::move(words)), wasAskedFor(std::move(sent)), until(end) {}
    RedisCommand command;
    std::shared_ptr<const bool> wasAskedFor;  ///< Whether a server may have been told of the lease. On the strand.
    BootTime until;  ///< When the lease ends by itself; never if a server may still be about to grant it.
};

/// In the order of their coming. The oldest has to go when there are too many: it ends first.
class PendingReleases {
public:
    static constexpr std::size_t most = 1024;

    void add(LeaseRelease release) {
        if (releases_.size() == most) releases_.pop_front();
        releases_.push_back(std::move(release));
    }
    /// All that are of use still; none is left.
    std::deque<LeaseRelease> take(BootTime now) {
        auto all = std::exchange(releases_, {});
        std::erase_if(all, [now](const LeaseRelease& one) { return one.until <= now; });
        return all;
    }
    void clear() noexcept { releases_.clear(); }

private:
    std::deque<LeaseRelease> releases_;
};

}  // namespace wix::detail
