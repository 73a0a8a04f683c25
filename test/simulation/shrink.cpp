// Makes a failing story shorter.
#include <algorithm>
#include <utility>

#include "story.hpp"

namespace wix::simulation {

std::vector<Action> shrink(std::uint64_t seed, std::vector<Action> actions) {
    const auto fails = [&](const std::vector<Action>& some) { return tell(seed, some).has_value(); };
    if (const auto failed = tell(seed, actions)) actions.resize(std::min(actions.size(), failed->step + 1));
    for (std::size_t part = std::max<std::size_t>(1, actions.size() / 2); part > 0; part /= 2) {
        for (std::size_t at = 0; at < actions.size();) {
            std::vector<Action> without(actions.begin(), actions.begin() + static_cast<std::ptrdiff_t>(at));
            const std::size_t rest = std::min(actions.size(), at + part);
            without.insert(without.end(), actions.begin() + static_cast<std::ptrdiff_t>(rest), actions.end());
            if (fails(without))
                actions = std::move(without);
            else
                at += part;
        }
    }
    // Then what remains as plain as it can be.
    for (Action& action : actions) {
        const auto then = std::exchange(action.then, Action::Then::everything);
        if (!fails(actions)) action.then = then;
    }
    return actions;
}

}  // namespace wix::simulation
