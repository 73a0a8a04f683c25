// What happens in a story, step by step. A story is its seed's setup and a list of actions; any part of the list is a story
// too, so that one that fails can be made shorter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wix::simulation {

struct Action {
    enum class Kind {
        // Callers.
        get,
        call,
        read,
        look,  // the fast path, which starts renewals ahead of need
        renew,
        renewOther,
        unauthorized,
        setNew,
        setMember,
        setSame,
        setOlder,
        generateFrom,
        logout,
        cancel,
        stop,
        close,
        // Time.
        pass,
        suspend,
        setWall,
        // The token endpoint.
        answer,
        process,
        loseUnsent,
        loseSent,
        loseProcessed,
        throwAtStart,
        endSession,
        // The storage, and other programs that use it.
        storage,
        siblingRenews,
        siblingStarts,
        siblingRemoves,
        siblingLeases,
        // The rest.
        slots,
        observerThrows,
        last = observerThrows,
    };
    /// How much of what it set off runs before the next action.
    enum class Then { everything, oneAtHome, oneOfCallers, nothing };

    Kind kind = Kind::get;
    std::uint32_t which = 0;  ///< Which caller, answer, time span, ...
    Then then = Then::everything;
};

std::vector<Action> randomActions(std::uint64_t seed);
std::string textOf(const Action& action);

/// The time spans that actions choose from.
std::int64_t millisecondsOf(const Action& action);

}  // namespace wix::simulation
