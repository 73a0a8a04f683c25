// What a ToxicProxy does to everybody, changed at random while they call.
#pragma once

#include <cstdint>
#include <random>

#include "support/toxic_proxy.hpp"

namespace wix::soak {

using Random = std::mt19937_64;

/// Evenly from 0 to `most`.
inline std::uint64_t upTo(Random& random, std::uint64_t most) { return random() % (most + 1); }
inline bool happens(Random& random, std::uint64_t percent) { return random() % 100 < percent; }

class Weather {
public:
    explicit Weather(std::uint64_t seed) : random_(seed) {}

    /// Changes something, and says for how long it stays.
    std::chrono::milliseconds change(test::ToxicProxy& proxy);

    std::uint64_t changes() const noexcept { return changes_; }

private:
    test::Toxics toxics();

    Random random_;
    std::uint64_t changes_ = 0;
};

}  // namespace wix::soak
