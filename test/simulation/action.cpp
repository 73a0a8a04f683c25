#include "action.hpp"

#include <array>
#include <random>

#include "endpoint.hpp"
#include "setup.hpp"
#include "storage.hpp"

namespace wix::simulation {
namespace {

using Kind = Action::Kind;

struct Weight {
    Kind kind;
    unsigned weight;
    const char* text;
};

constexpr std::array weights{
    Weight{Kind::get, 22, "a caller wants a token"},
    Weight{Kind::call, 10, "an API call"},
    Weight{Kind::read, 2, "a caller reads the tokens"},
    Weight{Kind::look, 6, "a caller takes the fast path"},
    Weight{Kind::renew, 4, "a caller forces a renewal"},
    Weight{Kind::renewOther, 1, "a caller renews with another refresh token"},
    Weight{Kind::unauthorized, 5, "a 401"},
    Weight{Kind::setNew, 2, "a caller sets another visitor's tokens"},
    Weight{Kind::setMember, 2, "a caller sets a member's tokens"},
    Weight{Kind::setSame, 1, "a caller sets the tokens that are active"},
    Weight{Kind::setOlder, 1, "a caller sets older tokens of the active session"},
    Weight{Kind::generateFrom, 2, "a caller generates from another visitor's tokens"},
    Weight{Kind::logout, 1, "a caller logs out"},
    Weight{Kind::cancel, 5, "a caller is cancelled"},
    Weight{Kind::stop, 2, "a caller's stop token fires"},
    Weight{Kind::close, 1, "the client is closed"},
    Weight{Kind::pass, 26, "time passes"},
    Weight{Kind::suspend, 2, "the machine sleeps"},
    Weight{Kind::setWall, 2, "the wall clock is set"},
    Weight{Kind::answer, 30, "the endpoint answers"},
    Weight{Kind::process, 3, "the endpoint processes the request"},
    Weight{Kind::loseUnsent, 3, "the connection fails before the request is sent"},
    Weight{Kind::loseSent, 3, "the request is lost"},
    Weight{Kind::loseProcessed, 5, "the answer is lost"},
    Weight{Kind::throwAtStart, 1, "the next exchange cannot start"},
    Weight{Kind::endSession, 1, "the endpoint ends the session"},
    Weight{Kind::storage, 30, "the storage"},
    Weight{Kind::siblingRenews, 2, "another program renews the stored session"},
    Weight{Kind::siblingStarts, 1, "another program stores another session"},
    Weight{Kind::siblingRemoves, 1, "another program removes the record"},
    Weight{Kind::siblingLeases, 3, "another program takes the renewal lease"},
    Weight{Kind::slots, 1, "slots for renewals ahead of need come or go"},
    Weight{Kind::observerThrows, 1, "the observer begins or ceases to throw"},
};
static_assert(weights.size() == static_cast<std::size_t>(Kind::last) + 1);

constexpr unsigned total() {
    unsigned sum = 0;
    for (const Weight& one : weights) sum += one.weight;
    return sum;
}

/// Half of the answers are good, or everything would be a backoff.
std::uint32_t anyAnswer(std::mt19937_64& dice) {
    return dice() % 100 < 50 ? 0 : static_cast<std::uint32_t>(dice() % answers);
}
std::uint32_t anyFate(std::mt19937_64& dice) {
    return dice() % 100 < 80 ? 0 : static_cast<std::uint32_t>(1 + dice() % 4);
}

/// Where the API refuses every call, most of the actions are calls, the endpoint responds to them with tokens, and little
/// time passes. No other session is set, which would have a budget of its own.
void makeCalls(Action& action) {
    switch (action.kind) {
        case Kind::get:
        case Kind::read:
        case Kind::look:
        case Kind::renew:
        case Kind::renewOther:
        case Kind::setNew:
        case Kind::setMember:
        case Kind::generateFrom:
        case Kind::logout:
        case Kind::close:
            action.kind = Kind::call;
            break;
        case Kind::pass:
        case Kind::suspend:
            action.kind = Kind::pass;
            action.which %= 6;
            break;
        case Kind::cancel:
        case Kind::process:
        case Kind::loseUnsent:
        case Kind::loseSent:
        case Kind::endSession:
            action.kind = Kind::answer;
            action.which = 0;
            break;
        default:
            break;
    }
}

constexpr std::array<std::int64_t, 12> spans{1,    40,     120,    260,    900,     1100,
                                             5200, 11'000, 31'000, 65'000, 310'000, 3'600'000};

}  // namespace

std::vector<Action> randomActions(std::uint64_t seed) {
    std::mt19937_64 dice(seed * 2 + 1);
    std::vector<Action> actions(20 + dice() % 60);
    const bool forbidden = Setup(seed).forbidden;
    for (Action& action : actions) {
        auto pick = static_cast<unsigned>(dice() % total());
        for (const Weight& one : weights) {
            action.kind = one.kind;
            if (pick < one.weight) break;
            pick -= one.weight;
        }
        action.which = static_cast<std::uint32_t>(dice());
        if (action.kind == Kind::answer) action.which = anyAnswer(dice);
        if (action.kind == Kind::storage) action.which = anyFate(dice);
        const auto then = dice() % 10;
        action.then = then < 6   ? Action::Then::everything
                      : then < 8 ? Action::Then::oneAtHome
                      : then < 9 ? Action::Then::oneOfCallers
                                 : Action::Then::nothing;
        if (forbidden) makeCalls(action);
    }
    return actions;
}

std::int64_t millisecondsOf(const Action& action) {
    if (action.kind == Kind::suspend) return std::int64_t{7'200'000} * (1 + action.which % 5);
    if (action.kind == Kind::setWall) return std::int64_t{3'600'000} * (action.which % 2 ? 1 : -1);
    return spans[action.which % spans.size()];
}

std::string textOf(const Action& action) {
    std::string text = weights[static_cast<std::size_t>(action.kind)].text;
    switch (action.kind) {
        case Kind::answer:
            text += std::string(": ") + nameOf(static_cast<Answer>(action.which % answers));
            break;
        case Kind::storage: {
            static constexpr const char* fates[] = {" does it", " is down", " is damaged", " throws",
                                                    " does it and says it is down"};
            text += fates[action.which % 5];
            break;
        }
        case Kind::pass:
        case Kind::suspend:
        case Kind::setWall:
        case Kind::siblingLeases:
            text += ": " + std::to_string(millisecondsOf(action)) + " ms";
            break;
        case Kind::get:
        case Kind::call:
        case Kind::cancel:
        case Kind::stop:
        case Kind::unauthorized:
            text += " (" + std::to_string(action.which % 1000) + ")";
            break;
        default:
            break;
    }
    static constexpr const char* thens[] = {"", ", one handler runs", ", one handler of the callers runs",
                                            ", nothing runs"};
    return text + thens[static_cast<std::size_t>(action.then)];
}

}  // namespace wix::simulation
