// One story: a session of the real token manager, with its strand, waiters and deadlines, in a simulated world.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "action.hpp"

namespace wix::simulation {

/// What was counted, so that a reader sees that the stories reach what they are about.
struct Tally {
    std::uint64_t callers = 0, answered = 0, exchanges = 0, replays = 0, visitors = 0, lost = 0, unsaved = 0;
    std::uint64_t trace = 0;  ///< A sum, so that the order of the stories does not matter.
    Tally& operator+=(const Tally& other);
};

/// Tells the story: setup by `seed`, then the actions, then the faults end and everything has to come to rest.
/// Gives what was violated, and after how many actions; nothing if all is well.
struct Failed {
    std::string what;
    std::size_t step = 0;
};
std::optional<Failed> tell(std::uint64_t seed, const std::vector<Action>& actions, Tally* tally = nullptr);

/// What the seed decides besides the actions.
std::string setupText(std::uint64_t seed);

/// The shortest part of `actions` that can be found in a while and still fails.
std::vector<Action> shrink(std::uint64_t seed, std::vector<Action> actions);

}  // namespace wix::simulation
