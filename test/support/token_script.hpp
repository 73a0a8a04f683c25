// A scripted driver for TokenState: named waiters, a virtual clock, and every action as one line of text, so that a test
// reads as a dialogue. It also checks, at every step, what must hold in every story.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/error.hpp>

#include "auth/token_state.hpp"

namespace wix::test {

using namespace std::chrono_literals;

inline std::string codeName(const boost::system::error_code& code) {
    if (code == boost::asio::error::operation_aborted) return "aborted";
    if (code == Errc::token_unavailable) return "unavailable";
    if (code == Errc::misconfigured) return "misconfigured";
    if (code == Errc::session_lost) return "session lost";
    if (code == Errc::session_expired) return "session expired";
    if (code == Errc::no_session) return "no session";
    if (code == Errc::storage_unavailable) return "storage unavailable";
    if (code == Errc::storage_damaged) return "storage damaged";
    return code.message();
}

/// "t1/r1", "t1/-", "-/r1" or "-".
inline std::string shortText(const Tokens& tokens) {
    if (tokens.empty()) return "-";
    const auto part = [](const std::string& value) { return value.empty() ? std::string("-") : value; };
    return part(tokens.accessToken.value) + "/" + part(tokens.refreshToken.value);
}

/// Every event returns what it made the state ask for, joined by "; ":
///   load | save t2/r2 over 1 | erase over 1 | exchange r1 | exchange anonymous | exchange r1 behind
///   publish #2 t2/r2 | a b: t2/r2 | a: unavailable | drop unsent
///   control | pause 10000 ms
/// and, if `showsClaims` is set: lease | lease behind | pause 25 ms. Otherwise claims are granted at once, and the record
/// is what it was.
class TokenScript {
public:
    explicit TokenScript(detail::TokenPolicy policy = detail::TokenPolicy())
        : storage_(policy.hasStorage), state(std::move(policy)) {}

    static detail::TokenPolicy withStorage() {
        detail::TokenPolicy policy;
        policy.hasStorage = true;
        return policy;
    }
    /// A script without storage that has t1/r1 with 4 h ahead of it, as generation 1.
    static TokenScript with(TokenRole role, SessionLostPolicy onLost = SessionLostPolicy::newVisitor) {
        detail::TokenPolicy policy;
        policy.onSessionLost = onLost;
        return TokenScript(std::move(policy), role);
    }
    /// The same with the record t1/r1 of version 1 in a storage.
    static TokenScript stored(TokenRole role = TokenRole::visitor,
                              SessionLostPolicy onLost = SessionLostPolicy::newVisitor) {
        detail::TokenPolicy policy = withStorage();
        policy.onSessionLost = onLost;
        return TokenScript(std::move(policy), role);
    }

    Tokens tokens(const std::string& access, const std::string& refresh, std::chrono::seconds life = 4h,
                  TokenRole role = TokenRole::visitor) const {
        return Tokens(AccessToken(access, std::chrono::floor<std::chrono::seconds>(now.wall) + life),
                      RefreshToken(refresh, refresh.empty() ? TokenRole::none : role));
    }

    // -- Callers ---------------------------------------------------------------------------------------------------
    std::string get(const std::string& who) {
        return event(who, [&](auto id) { state.get(id, now); });
    }
    std::string read(const std::string& who) {
        return event(who, [&](auto id) { state.read(id, now); });
    }
    std::string renew(const std::string& who) {
        return event(who, [&](auto id) { state.renew(id, now); });
    }
    std::string renew(const std::string& who, RefreshToken token) {
        return event(who, [&](auto id) { state.renew(id, token, now); });
    }
    std::string unauthorized(const std::string& who, std::uint64_t generation) {
        return event(who, [&](auto id) { state.unauthorized(id, generation, now); });
    }
    std::string adopt(const std::string& who, Tokens given, bool thenGet = false) {
        return event(who, [&](auto id) { state.adopt(id, given, thenGet, now); });
    }
    std::string close(const std::string& who) {
        return event(who, [&](auto id) { state.close(id, now); });
    }
    std::string abandon() {
        return step([&] { state.abandon(now); });
    }
    std::string ahead(std::uint64_t generation) {
        return step([&] { state.renewAhead(generation, now); });
    }
    std::string cancel(const std::string& who) {
        return step([&] {
            waiting_.erase(who);
            state.cancel(ids_.at(who));
        });
    }

    // -- The world. A report of what was not asked for is left out, so that a story can be told without a waiter --------
    std::string loadedNothing() { return loaded(std::nullopt); }
    std::string loaded(std::optional<StoredTokens> record) {
        if (record) settled_.insert(shortText(record->tokens));
        record_ = record;
        return report(storageBusy_, [&] { state.loaded(detail::LoadOutcome(std::move(record)), now); });
    }
    std::string loadFails(Errc code = Errc::storage_unavailable) {
        return report(storageBusy_, [&] { state.loaded(detail::LoadOutcome(Failure(code, "load")), now); });
    }
    std::string leased(bool granted = true) {
        return report(storageBusy_, [&] { state.leased(granted, now); });
    }
    std::string leaseFails() {
        return report(storageBusy_, [&] { state.leased(Failure(Errc::storage_unavailable, "lease"), now); });
    }
    std::string leaseRefused() {
        return report(storageBusy_, [&] { state.backgroundRefused(now); });
    }
    std::string paused() {
        return report(pausing_, [&] { state.paused(now); });
    }
    std::string saved(std::uint64_t version) {
        record_.reset();
        if (!saves_.empty()) record_.emplace(saves_, version);
        return report(storageBusy_, [&] { state.saved(SaveResult::saved(version), now); });
    }
    std::string saveFails(Errc code = Errc::storage_unavailable) {
        return report(storageBusy_, [&] { state.saved(detail::SaveOutcome(Failure(code, "save")), now); });
    }
    std::string conflict(Tokens there, std::uint64_t version) {
        settled_.insert(shortText(there));
        record_.reset();
        if (version != 0) record_.emplace(there, version);
        return report(storageBusy_, [&] { state.saved(SaveResult::conflict(StoredTokens(there, version)), now); });
    }
    std::string granted(const std::string& access, const std::string& refresh = "", std::chrono::seconds life = 4h) {
        detail::TokenAnswer answer;
        answer.verdict = detail::TokenVerdict::granted;
        answer.accessToken = access;
        answer.refreshToken = refresh;
        answer.expiresIn = life;
        return answered(std::move(answer));
    }
    std::string fails(detail::TokenVerdict verdict,
                      std::optional<std::chrono::milliseconds> retryAfter = std::nullopt) {
        detail::TokenAnswer answer;
        answer.verdict = verdict;
        answer.failure = Failure(verdict == detail::TokenVerdict::misconfigured ? Errc::misconfigured
                                 : verdict == detail::TokenVerdict::rejected    ? Errc::session_lost
                                                                                : Errc::token_unavailable,
                                 "POST /oauth2/token");
        answer.retryAfter = retryAfter;
        return answered(std::move(answer));
    }
    /// A JSON error that may mean a rejection.
    std::string refusedWith(int status, const std::string& errorCode) {
        detail::TokenAnswer answer;
        answer.verdict = detail::TokenVerdict::ambiguous;
        answer.status = status;
        answer.errorCode = errorCode;
        answer.failure = Failure(Errc::token_unavailable, "POST /oauth2/token");
        return answered(std::move(answer));
    }
    std::string controlled(bool succeeded, std::optional<std::chrono::milliseconds> retryAfter = std::nullopt) {
        return report(controlling_, [&] { state.controlled(detail::ControlOutcome(succeeded, retryAfter), now); });
    }
    std::string answered(detail::TokenAnswer answer) {
        return report(exchanging_, [&] { state.exchanged(std::move(answer), exchangeStarted_, now); });
    }
    std::string refused() {
        return report(exchanging_, [&] { state.backgroundRefused(now); });
    }
    void pass(std::chrono::nanoseconds time) {
        now.boot += time;
        now.wall += std::chrono::duration_cast<detail::WallTime::duration>(time);
    }

    // -- Looking back --------------------------------------------------------------------------------------------------
    bool waits(const std::string& who) const { return waiting_.contains(who); }
    std::size_t waiting() const { return waiting_.size(); }
    int exchanges() const { return exchanges_; }
    const Failure& failureOf(const std::string& who) const { return failures_.at(who); }
    const std::vector<std::string>& history() const { return history_; }
    const detail::SnapshotPtr& published() const { return published_; }
    /// Whether the fast path has nothing to give, since another session is about to be active.
    bool isWithdrawn() const { return withdrawn_; }
    /// What the observer was told since the last time, joined by "; ".
    std::string takeObserved() {
        std::string text;
        for (const std::string& event : std::exchange(observed_, std::vector<std::string>()))
            text += (text.empty() ? "" : "; ") + event;
        return text;
    }

    /// Runs before every step but the first; for cancelAnyWaiter().
    std::function<void(TokenScript&, int step)> between;
    bool showsClaims = false;

protected:
    TokenScript(detail::TokenPolicy policy, TokenRole role) : TokenScript(std::move(policy)) {
        const Tokens given = tokens("t1", "r1", 4h, role);
        if (storage_) {
            REQUIRE(read("setup") == "load");
            REQUIRE(loaded(StoredTokens(given, 1)) == "publish #1 t1/r1; setup: t1/r1");
        } else {
            REQUIRE(adopt("setup", given) == "publish #1 t1/r1; setup: t1/r1");
        }
        history_.clear();
    }

private:
    template <class Body>
    std::string event(const std::string& who, Body body) {
        return step([&] {
            REQUIRE_MESSAGE(!ids_.contains(who), who, ": a waiter's name is used once");
            ids_[who] = nextId_;
            names_[nextId_] = who;
            waiting_.insert(who);
            body(nextId_++);
        });
    }
    template <class Body>
    std::string report(bool& outstanding, Body body) {
        if (!outstanding) return "not asked for";
        return step([&] {
            outstanding = false;
            settled_.insert(std::exchange(saving_, std::string()));
            body();
        });
    }
    template <class Body>
    std::string step(Body body) {
        if (between && !inBetween_) {
            inBetween_ = true;
            between(*this, steps_++);
            inBetween_ = false;
        }
        body();
        std::string asked;
        for (detail::TokenActions actions = state.takeActions(); !actions.empty(); actions = state.takeActions())
            for (detail::TokenAction& action : actions) {
                const std::string text = std::visit([this](auto& what) { return this->take(what); }, action);
                if (text.empty()) continue;
                history_.push_back(text);
                asked += (asked.empty() ? "" : "; ") + text;
            }
        return asked;
    }

    std::string take(detail::LeaseAction& action) {
        CHECK_FALSE_MESSAGE(storageBusy_, "one storage operation at a time");
        claiming_ = true;
        if (!showsClaims) {
            state.leased(true, now);
            return std::string();
        }
        storageBusy_ = true;
        return action.background ? "lease behind" : "lease";
    }
    std::string take(detail::PauseAction& action) {
        pausing_ = true;
        return "pause " + std::to_string(action.time.count()) + " ms";
    }

    std::string take(detail::LoadAction&) {
        CHECK_FALSE_MESSAGE(storageBusy_, "one storage operation at a time");
        if (std::exchange(claiming_, false) && !showsClaims) {
            state.loaded(detail::LoadOutcome(record_), now);
            return std::string();
        }
        storageBusy_ = true;
        return "load";
    }
    std::string take(detail::SaveAction& action) {
        CHECK_FALSE_MESSAGE(storageBusy_, "one storage operation at a time");
        storageBusy_ = true;
        saves_ = action.tokens;
        saving_ = shortText(action.tokens);
        return (action.tokens.empty() ? "erase" : "save " + shortText(action.tokens)) + " over " +
               std::to_string(action.expectedVersion);
    }
    std::string take(detail::ExchangeAction& action) {
        CHECK_FALSE_MESSAGE(exchanging_, "one exchange at a time");
        exchanging_ = true;
        if (!action.replay)
            observed_.push_back("started " + std::to_string(action.flight.attempt) + " " +
                                std::string(reasonName(action.flight.reason)));
        exchangeStarted_ = now.boot;
        ++exchanges_;
        const bool anonymous = action.grant == detail::Grant::anonymous;
        CHECK(action.refreshToken.empty() == anonymous);
        return "exchange " + (anonymous ? "anonymous" : action.refreshToken) + (action.background ? " behind" : "");
    }
    std::string take(detail::RequestControlAction&) {
        CHECK_FALSE_MESSAGE(controlling_, "one control at a time");
        controlling_ = true;
        return "control";
    }
    std::string take(detail::PublishAction& action) {
        withdrawn_ = !action.snapshot;
        if (withdrawn_) return std::string();
        const std::uint64_t before = published_ ? published_->generation : 0;
        CHECK_MESSAGE(action.snapshot->generation > before, "generations grow");
        CHECK_MESSAGE((!published_ || action.snapshot->epoch >= published_->epoch), "no older epoch is published");
        published_ = action.snapshot;
        CHECK_MESSAGE((!storage_ || settled_.contains(shortText(published_->tokens))), "saved first, then published");
        return "publish #" + std::to_string(published_->generation) + " " + shortText(published_->tokens);
    }
    std::string take(detail::CompleteAction& action) {
        std::string text;
        for (const detail::WaiterId id : action.waiters) {
            const std::string& who = names_.at(id);
            CHECK_MESSAGE(waiting_.erase(who) == 1, who, " is completed once, and not after it was cancelled");
            if (action.outcome.has_error()) failures_[who] = action.outcome.error();
            text += (text.empty() ? "" : " ") + who;
        }
        if (action.outcome.has_value()) {
            const detail::SnapshotPtr& given = *action.outcome;
            CHECK_MESSAGE((!published_ || given == published_), "what is told is what is published");
            return text + ": " + shortText(given->tokens);
        }
        return text + ": " + codeName(action.outcome.error().code);
    }
    std::string take(detail::DropUnsentAction&) { return "drop unsent"; }
    /// Events are no part of the dialogue: takeObserved() has them.
    std::string take(detail::ObserveAction& event) {
        std::visit([this](const auto& what) { observed_.push_back(textOf(what)); }, event);
        return std::string();
    }
    static std::string ended(std::uint64_t attempt, RenewalReason reason, std::chrono::nanoseconds duration) {
        return std::to_string(attempt) + " " + std::string(reasonName(reason)) + " after " +
               std::to_string(std::chrono::round<std::chrono::milliseconds>(duration).count()) + " ms";
    }
    static std::string textOf(const RenewalFinished& event) {
        return "finished " + ended(event.attempt, event.reason, event.duration) + ", served " +
               std::to_string(event.waiters) + (event.rotated ? ", rotated" : "");
    }
    std::string textOf(const RenewalFailed& event) {
        CHECK(event.failure.attempt == event.attempt);
        return "failed " + ended(event.attempt, event.reason, event.duration) + ", " + std::to_string(event.waiters) +
               " waited: " + codeName(event.failure.code);
    }
    static std::string textOf(const SessionLost& event) {
        return std::string(roleName(event.role)) + " lost: " + codeName(event.failure.code) +
               (event.newVisitor ? ", a new visitor follows" : "");
    }
    static std::string textOf(const RenewalAdopted& event) {
        return "adopted, served " + std::to_string(event.waiters);
    }
    static std::string textOf(const SaveFailed& event) { return "not saved: " + codeName(event.failure.code); }

    bool storage_ = false;
    std::map<std::string, detail::WaiterId> ids_;
    std::map<detail::WaiterId, std::string> names_;
    std::set<std::string> waiting_;
    std::string saving_;
    Tokens saves_;
    std::optional<StoredTokens> record_;  // what the storage has, as far as the story goes
    bool claiming_ = false;
    bool pausing_ = false;
    std::set<std::string> settled_;  // what the storage has had, or has refused to take
    std::map<std::string, Failure> failures_;
    std::vector<std::string> history_;
    std::vector<std::string> observed_;
    detail::WaiterId nextId_ = 1;
    detail::SnapshotPtr published_;
    detail::BootTime exchangeStarted_{};
    bool storageBusy_ = false;
    bool exchanging_ = false;
    bool controlling_ = false;
    bool inBetween_ = false;
    bool withdrawn_ = false;
    int exchanges_ = 0;
    int steps_ = 0;

public:
    detail::Moment now{detail::BootTime(1000s), detail::WallTime(1'700'000'000s), 0.5};
    detail::TokenState state;
};

/// The story as all but `who` see it.
inline std::vector<std::string> without(const std::vector<std::string>& history, const std::string& who) {
    std::vector<std::string> left;
    for (const std::string& line : history) {
        const auto colon = line.find(": ");
        if (colon == std::string::npos) {
            left.push_back(line);
            continue;
        }
        std::istringstream names(line.substr(0, colon));
        std::string kept;
        for (std::string name; names >> name;)
            if (name != who) kept += (kept.empty() ? "" : " ") + name;
        if (!kept.empty()) left.push_back(kept + line.substr(colon));
    }
    return left;
}

/// Tells `story` again and again, each time cancelling one of `victims` before another step. Whoever leaves, and whenever:
/// the others see the same, and the same is asked of the endpoint and of the storage.
template <class Start>
void cancelAnyWaiter(Start start, const std::vector<std::string>& victims,
                     const std::function<void(TokenScript&)>& story) {
    auto whole = start();
    int steps = 0;
    whole.between = [&](TokenScript&, int step) { steps = std::max(steps, step + 1); };
    story(whole);
    CHECK(whole.waiting() == 0);
    REQUIRE(steps > 1);
    int cancellations = 0;
    for (const std::string& victim : victims) {
        for (int at = 1; at < steps; ++at) {
            CAPTURE(victim);
            CAPTURE(at);
            auto told = start();
            told.between = [&](TokenScript& script, int step) {
                if (step != at || !script.waits(victim)) return;
                CHECK(script.cancel(victim) == "");
                ++cancellations;
            };
            story(told);
            CHECK(without(told.history(), victim) == without(whole.history(), victim));
            CHECK(told.waiting() == 0);
        }
    }
    CHECK_MESSAGE(cancellations > 0, "nobody was there to be cancelled");
}

}  // namespace wix::test
