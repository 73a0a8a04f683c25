// What the tests of PoolState have in common.
#pragma once

#include "http/pool_state.hpp"

namespace wix::detail {

inline constexpr PoolTime start{};
inline constexpr OriginId api = 0, edge = 1;

inline PoolLimits limits(std::size_t perOrigin, std::size_t total = 100) {
    PoolLimits made;
    made.perOrigin = perOrigin;
    made.total = total;
    return made;
}

}  // namespace wix::detail
