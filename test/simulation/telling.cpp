// The actions of a story.
#include "telling.hpp"

#include <algorithm>

namespace wix::simulation {

using detail::TokenManager;
using detail::WaitLimits;
using Kind = Action::Kind;

namespace {

std::chrono::nanoseconds patience(std::uint32_t which) {
    static constexpr std::chrono::nanoseconds limits[] = {60s, 60s, 60s, 50ms, 1500ms, 12s};
    return limits[which % 6];
}

Stage::Ask asking(Tokens tokens, bool thenGet) {
    return [tokens, thenGet](TokenManager& manager, WaitLimits limits) {
        return manager.adopt(tokens, thenGet, std::move(limits));
    };
}

}  // namespace

void Story::perform(const Action& action) {
    stage_.world.trace.add(Trace::Kind::action, {static_cast<std::uint64_t>(action.kind), action.which,
                                                 static_cast<std::uint64_t>(action.then)});
    if (action.kind <= Kind::close)
        performCaller(action);
    else if (action.kind <= Kind::setWall)
        performWorld(action);
    else if (action.kind <= Kind::endSession)
        performEndpoint(action);
    else
        performStorage(action);
    if (action.then == Action::Then::everything) stage_.drain();
    if (action.then == Action::Then::oneAtHome) stage_.runOne(true);
    if (action.then == Action::Then::oneOfCallers) stage_.runOne(false);
    ledger_.checkObserver();
}

void Story::performCaller(const Action& action) {
    const auto limit = patience(action.which);
    switch (action.kind) {
        case Kind::get:
            stage_.spawn(Caller::Wants::usable, limit,
                         [](TokenManager& tokens, WaitLimits limits) { return tokens.usable(std::move(limits)); });
            break;
        case Kind::call:
            stage_.spawnCall(limit, action.which % 7 == 0 ? 1 + action.which % 3 : 0);
            break;
        case Kind::read:
            stage_.spawn(Caller::Wants::active, limit,
                         [](TokenManager& tokens, WaitLimits limits) { return tokens.active(std::move(limits)); });
            break;
        case Kind::look:
            ledger_.looked(stage_.manager->fresh());
            break;
        case Kind::renew:
            ledger_.mayExchangeOnceMore();
            stage_.spawn(Caller::Wants::newer, limit,
                         [](TokenManager& tokens, WaitLimits limits) { return tokens.renew(std::move(limits)); });
            break;
        case Kind::unauthorized:
            unauthorized(action);
            break;
        case Kind::renewOther: {
            const int visitor = stage_.endpoint.start(TokenRole::visitor, ledger_.era());
            const RefreshToken other = stage_.endpoint.tokensOf(visitor, 1h).refreshToken;
            stage_.spawnChange(Caller::Wants::newer, visitor, [other](TokenManager& tokens, WaitLimits limits) {
                return tokens.renew(other, std::move(limits));
            });
            break;
        }
        case Kind::setNew:
        case Kind::setMember:
        case Kind::generateFrom: {
            const int visitor = stage_.endpoint.start(
                action.kind == Kind::setMember ? TokenRole::member : TokenRole::visitor, ledger_.era());
            static constexpr std::chrono::seconds lives[] = {-1h, 1h, 40s};
            set(stage_.endpoint.tokensOf(visitor, lives[action.which % 3]), visitor, action.kind == Kind::generateFrom);
            break;
        }
        case Kind::setSame:
            stage_.drain();
            if (noChangeIsOnItsWay()) setAgain(ledger_.newest()->tokens, action);
            break;
        case Kind::setOlder: {
            stage_.drain();
            if (!noChangeIsOnItsWay()) break;
            // Only one that the client has had itself: what was rotated elsewhere it cannot know.
            Tokens older = stage_.endpoint.olderTokensOf(ledger_.activeVisitor());
            if (ledger_.knows(older.refreshToken.value)) setAgain(std::move(older), action);
            break;
        }
        case Kind::logout:
            set(Tokens(), 0, false);
            break;
        case Kind::cancel:
        case Kind::stop:
            giveUp(action);
            break;
        default:
            if (action.which % 4 == 0 && !ledger_.closed) close();
            break;
    }
}

/// For the newest generation that anybody has seen, for the one before, or for any older one.
void Story::unauthorized(const Action& action) {
    if (action.then == Action::Then::everything) stage_.drain();
    const std::uint64_t newest = ledger_.newest() ? ledger_.newest()->generation : 0;
    std::uint64_t used = newest > 1 && action.which % 3 == 0 ? newest - 1 : newest;
    if (newest > 1 && action.which % 9 == 0) used = action.which / 9 % newest;
    if (used == newest) ledger_.unauthorized("generation " + std::to_string(used));
    const bool costsNothing = used < newest && action.then == Action::Then::everything && isAtRest();
    const int exchanges = stage_.network->exchanges;
    const auto caller = stage_.spawn(
        Caller::Wants::refused, patience(action.which),
        [used](TokenManager& tokens, WaitLimits limits) { return tokens.afterUnauthorized(used, std::move(limits)); });
    if (!costsNothing) return;
    stage_.drain();
    require(caller->completions == 1 && stage_.network->exchanges == exchanges,
            "a 401 for a generation that was replaced already cost an exchange");
}

/// The newest tokens are known, they may be used, and nothing is on its way.
bool Story::isAtRest() const {
    return !ledger_.closed && noChangeIsOnItsWay() && !stage_.network->pending &&
           !(stage_.storage && stage_.storage->busy()) &&
           ledger_.newest()->life.at(stage_.world.boot()) < detail::Freshness::mandatory;
}

void Story::set(Tokens tokens, int visitor, bool thenGet) {
    stage_.spawnChange(Caller::Wants::change, visitor, asking(std::move(tokens), thenGet))->wantsAny = thenGet;
}

bool Story::noChangeIsOnItsWay() const {
    const int active = ledger_.activeVisitor();
    if (active == 0) return false;
    const Visitor& whose = stage_.endpoint.visitorAt(active);
    return ledger_.isOfThisEra(whose) && !whose.ended;
}

/// Tokens of the session that is active already: no session changes by that, unless they arrive late and that session has
/// been rejected and replaced meanwhile.
void Story::setAgain(Tokens tokens, const Action& action) {
    const bool thenGet = action.which % 2;
    ledger_.setsAgain();
    if (action.then != Action::Then::everything) ledger_.abandoned();
    stage_.spawn(Caller::Wants::change, 60s, asking(std::move(tokens), thenGet))->wantsAny = thenGet;
}

/// One caller leaves. Nothing else may change by that.
void Story::giveUp(const Action& action) {
    if (action.then == Action::Then::everything) stage_.drain();
    std::vector<std::shared_ptr<Caller>> waiting;
    for (const auto& caller : stage_.callers)
        if (caller->entered && caller->completions == 0 &&
            (action.kind == Kind::cancel || caller->wants != Caller::Wants::end))  // close() takes no stop token
            waiting.push_back(caller);
    if (waiting.empty()) return;
    const auto leaving = waiting[action.which % waiting.size()];
    leaving->given = true;
    if (leaving->era != 0) ledger_.abandoned();
    const auto exchange = stage_.network->pending;
    const int exchanges = stage_.network->exchanges;
    const SnapshotPtr newest = ledger_.newest();
    if (action.kind == Kind::cancel)
        leaving->signal.emit(asio::cancellation_type::terminal);
    else
        leaving->stop.request_stop();
    if (action.then != Action::Then::everything) return;
    stage_.drain();
    require(leaving->completions == 1, "a caller was cancelled and not answered");
    require(stage_.network->pending == exchange && stage_.network->exchanges == exchanges,
            "a caller left, and the exchange changed");
    require(ledger_.newest() == newest, "a caller left, and the tokens changed");
    for (const auto& other : waiting)
        require(other == leaving || other->completions == 0, "a caller left, and another one was answered");
}

void Story::close() {
    stage_.spawn(Caller::Wants::end, 5s, [this](TokenManager& tokens, WaitLimits) {
        ledger_.closed = true;
        return tokens.close();
    });
}

void Story::performWorld(const Action& action) {
    const std::chrono::milliseconds span(millisecondsOf(action));
    if (action.kind == Kind::pass) return stage_.pass(span);
    if (action.kind == Kind::suspend) return stage_.suspend(span);
    stage_.drain();
    stage_.world.setWall(std::chrono::duration_cast<std::chrono::seconds>(span));
    ledger_.wallIsTrue = false;
}

void Story::performEndpoint(const Action& action) {
    switch (action.kind) {
        case Kind::answer:
            return stage_.answer(static_cast<Answer>(action.which % answers));
        case Kind::process:
            if (stage_.network->pending && !stage_.network->pending->answer) stage_.process();
            return;
        case Kind::loseUnsent:
            return stage_.lose(false, false);
        case Kind::loseSent:
            return stage_.lose(true, false);
        case Kind::loseProcessed:
            return stage_.lose(true, true);
        case Kind::throwAtStart:
            stage_.network->throwsAtOnce = true;
            return;
        default:
            if (const int active = ledger_.activeVisitor()) stage_.endpoint.visitor(active).ended = true;
            ledger_.mayExchangeOnceMore();
            return;
    }
}

void Story::performStorage(const Action& action) {
    if (action.kind == Kind::slots) {
        stage_.network->slots = !stage_.network->slots;
    } else if (action.kind == Kind::observerThrows) {
        ledger_.listener->throws = !ledger_.listener->throws;
    } else if (action.kind == Kind::storage) {
        if (!stage_.storage || !stage_.storage->busy()) return;
        const auto fate = static_cast<StorageFate>(action.which % 5);
        if (fate != StorageFate::good) ledger_.storageFailed = true;
        stage_.storage->finish(fate);
    } else if (setup_.siblings) {
        Storage& storage = *stage_.storage;
        if (action.kind == Kind::siblingLeases)
            return storage.leaseToSibling(std::chrono::milliseconds(millisecondsOf(action)));
        ledger_.contested();
        ledger_.mayExchangeOnceMore();  // ours is rejected,
        ledger_.mayExchangeOnceMore();  // and so may be what is in the storage by then
        if (action.kind == Kind::siblingRemoves) return action.which % 2 ? storage.remove() : storage.end();
        if (action.kind == Kind::siblingStarts)
            return storage.overwrite(
                stage_.endpoint.tokensOf(stage_.endpoint.start(TokenRole::visitor, ledger_.era()), setup_.life));
        if (storage.record.tokens.empty()) return;
        const int visitor = Endpoint::idOf(storage.record.tokens.refreshToken.value);
        Visitor& whose = stage_.endpoint.visitor(visitor);
        if (whose.ended) return;
        if (setup_.rotation != Rotation::none) {
            ++whose.rotation;
            whose.rotatedAt = stage_.world.boot();
        }
        storage.overwrite(stage_.endpoint.tokensOf(visitor, setup_.life));
    }
}

}  // namespace wix::simulation
