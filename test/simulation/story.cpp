// How a story ends, and what is kept of it.
#include "story.hpp"

#include <algorithm>

#include "telling.hpp"

namespace wix::simulation {

using detail::TokenManager;
using detail::WaitLimits;

std::shared_ptr<Caller> Story::get() {
    return stage_.spawn(Caller::Wants::usable, 60s,
                        [](TokenManager& tokens, WaitLimits limits) { return tokens.usable(std::move(limits)); });
}

/// Everything works again: everybody is answered within a bounded time.
void Story::settle() {
    stage_.network->slots = true;
    stage_.network->throwsAtOnce = false;
    const auto waits = [this] {
        return std::any_of(stage_.callers.begin(), stage_.callers.end(),
                           [](const auto& caller) { return caller->completions == 0; });
    };
    for (int i = 0; i < 1000; ++i) {
        stage_.drain();
        if (stage_.network->pending && !stage_.network->pending->answer)
            stage_.answer(Answer::good);
        else if (stage_.storage && stage_.storage->busy())
            stage_.storage->finish(StorageFate::good);
        else if (waits() || stage_.isBusy())
            stage_.pass(100ms);
        else
            return;
    }
    require(false, "a caller was never answered");
}

/// The endpoint does not say that the refresh token is dead: the client finds out with a control, 10 s after the first
/// refusal at most, within the time of one exchange.
void Story::replaceDeadSession() {
    const int active = ledger_.activeVisitor();
    const bool replaces = setup_.policy == SessionLostPolicy::newVisitor && active != 0 &&
                          stage_.endpoint.visitor(active).role == TokenRole::visitor;
    if (!setup_.hidesDeath || !replaces) return;
    stage_.endpoint.visitor(active).ended = true;
    ledger_.mayExchangeOnceMore();
    stage_.pass(24h * 8);  // longer than any access token lives
    const MonotonicTime began = MonotonicClock::now();
    const auto caller = get();
    settle();
    require(caller->failure.empty(),
            "a caller waited for a dead session to be replaced, and fails: " + caller->failure);
    require(MonotonicClock::now() - began <= 31s, "a dead session is replaced late");
}

void Story::finish() {
    const std::weak_ptr<TokenManager> manager = stage_.alive;
    if (setup_.ending == Setup::Ending::contextDies) {
        const bool handleFirst = stage_.world.chance(50);
        if (handleFirst) stage_.manager.reset();
        stage_.destroyHome();
        stage_.manager.reset();
        return require(manager.expired(), "the manager outlives its context and its handles");
    }
    if (setup_.ending == Setup::Ending::managerDies) {
        stage_.dropManager();
    } else {
        stage_.endpoint.gateway = Gateway::none;
        stage_.endpoint.refusesControls = false;
        settle();
        const auto resting = [this] {
            require(stage_.isResting(), "an idle client keeps work outstanding");
            require(!stage_.storage || stage_.storage->leases == 0, "an idle client keeps the lease");
        };
        resting();
        if (!ledger_.closed) {
            stage_.pass(310s);
            for (int i = 0; i < 3; ++i) {
                const auto caller = get();
                settle();
                const bool served = caller->failure.empty();
                require(served || stage_.endpoint.rejected() > 0,
                        "the endpoint works again and a caller fails: " + caller->failure);
                const bool works = served && stage_.endpoint.accessValid(ledger_.newest()->tokens.accessToken.value);
                require(!served || works || setup_.life < 10s || !ledger_.wallIsTrue, "a caller got a dead token");
                stage_.pass(2s);
                if (i < 2 || !served || !stage_.storage || ledger_.isContested()) continue;
                require(stage_.storage->record.tokens == ledger_.newest()->tokens, "the storage stays behind");
            }
            resting();
            replaceDeadSession();
            resting();
            close();
        }
        settle();
        stage_.drain();
        stage_.manager.reset();
    }
    settle();
    require(!ledger_.listener->open, "an exchange has ended and the observer was not told");
    require(stage_.isResting(), "a closed client keeps work outstanding");
    require(!stage_.storage || stage_.storage->leases == 0, "a client that rests keeps the lease");
    require(manager.expired(), "a manager without handles and work goes on living");
}

void Story::count(Tally& tally) const {
    tally.callers += stage_.callers.size();
    tally.exchanges += static_cast<std::uint64_t>(stage_.network->exchanges);
    tally.replays += stage_.replays;
    tally.lost += static_cast<std::uint64_t>(ledger_.listener->lost);
    tally.unsaved += static_cast<std::uint64_t>(ledger_.listener->unsaved);
    tally.visitors += static_cast<std::uint64_t>(stage_.endpoint.visitors());
    for (const auto& caller : stage_.callers) tally.answered += caller->completions > 0;
    tally.trace += Trace::mixed(stage_.world.trace.value() ^ seed_);
}

Tally& Tally::operator+=(const Tally& other) {
    callers += other.callers;
    answered += other.answered;
    exchanges += other.exchanges;
    replays += other.replays;
    visitors += other.visitors;
    lost += other.lost;
    unsaved += other.unsaved;
    trace += other.trace;
    return *this;
}

std::optional<Failed> tell(std::uint64_t seed, const std::vector<Action>& actions, Tally* tally) {
    std::size_t step = 0;
    Story story(seed);
    const auto count = [&] {
        if (tally) story.count(*tally);
    };
    try {
        for (; step < actions.size(); ++step) story.perform(actions[step]);
        story.finish();
        count();
        return std::nullopt;
    } catch (const std::exception& violation) {
        count();
        return Failed{firstViolation.empty() ? violation.what() : firstViolation, step};
    }
}

std::string setupText(std::uint64_t seed) { return Setup(seed).text(); }

}  // namespace wix::simulation
