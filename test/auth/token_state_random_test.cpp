// TokenState against a small model of the endpoint and of the storage, driven by random events. The endpoint rotates,
// has a period of grace, and kills a session whose spent refresh token comes again later.
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "auth/token_state.hpp"

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

struct Session {
    TokenRole role = TokenRole::visitor;
    int visitor = 0;
    int rotation = 0;
    BootTime rotatedAt{};
    bool killed = false;
};

/// A refresh token is "visitor.rotation", an access token "visitor.rotation.serial".
class Endpoint {
public:
    std::map<int, Session> sessions;
    bool faulty = true;    // gives transient faults now and then
    bool rejects = false;  // gives definite rejections now and then

    Session& start(TokenRole role) {
        Session session;
        session.visitor = ++last_;
        session.role = role;
        return sessions[last_] = session;
    }
    static std::string refreshToken(const Session& session) {
        return std::to_string(session.visitor) + "." + std::to_string(session.rotation);
    }
    std::string accessToken(const Session& session) { return refreshToken(session) + "." + std::to_string(++serial_); }
    static int visitorOf(const std::string& token) { return token.empty() ? 0 : std::stoi(token); }

    TokenAnswer answer(const ExchangeAction& asked, Moment now, std::mt19937& random) {
        const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
        if (faulty && chance(25)) return failed(TokenVerdict::transient);
        const bool lost = faulty && chance(15);  // processed, and the answer breaks
        if (asked.grant == Grant::anonymous) {
            Session& made = start(TokenRole::visitor);
            return lost ? failed(TokenVerdict::lost) : granted(made, random);
        }
        const auto dot = asked.refreshToken.find('.');
        Session& session = sessions.at(visitorOf(asked.refreshToken));
        const int rotation = std::stoi(asked.refreshToken.substr(dot + 1));
        if (rejects && chance(10)) session.killed = true;
        if (session.killed) return failed(TokenVerdict::rejected);
        if (rotation == session.rotation) {
            if (chance(50)) {
                ++session.rotation;
                session.rotatedAt = now.boot;
            }
        } else if (rotation != session.rotation - 1 || now.boot - session.rotatedAt > 60s) {
            session.killed = true;
            return failed(TokenVerdict::rejected);
        }
        return lost ? failed(TokenVerdict::lost) : granted(session, random);
    }

private:
    static TokenAnswer failed(TokenVerdict verdict) {
        TokenAnswer answer;
        answer.verdict = verdict;
        answer.failure = Failure(Errc::token_unavailable, "model");
        return answer;
    }
    TokenAnswer granted(const Session& session, std::mt19937& random) {
        static constexpr std::chrono::seconds lives[] = {0s, 5s, 60s, 600s, 4h};
        TokenAnswer answer;
        answer.verdict = TokenVerdict::granted;
        answer.accessToken = accessToken(session);
        answer.refreshToken = refreshToken(session);
        answer.expiresIn = lives[random() % 5];
        return answer;
    }
    int last_ = 0;
    int serial_ = 0;
};

class Run {
public:
    Run(unsigned seed, bool storage, bool rejects) : random_(seed), storage_(storage), state_(policy(storage)) {
        endpoint_.rejects = rejects;
    }

    void tell() {
        for (int i = 0; i < 60; ++i) {
            pass();
            happen();
            perform();
        }
        settle();
    }

private:
    static TokenPolicy policy(bool storage) {
        TokenPolicy made;
        made.hasStorage = storage;
        return made;
    }
    bool chance(unsigned percent) { return random_() % 100 < percent; }

    void pass() {
        static constexpr std::chrono::nanoseconds steps[] = {0ns, 1ms, 200ms, 1s, 5s, 40s, 10min};
        const auto step = steps[random_() % 7];
        now_.boot += step;
        now_.wall += std::chrono::duration_cast<WallTime::duration>(step);
        now_.random = static_cast<double>(random_() % 1000) / 1000;
    }

    void happen() {
        const auto kind = random_() % 100;
        const WaiterId id = next_;
        if (kind < 45) {  // the world moves on
            if (exchange_ && chance(60)) return answerExchange();
            if (busy_) return answerStorage();
            return;
        }
        if (kind < 92) {
            waiting_.insert(id);
            ++next_;
        }
        if (kind < 65) {
            getters_.insert(id);
            return state_.get(id, now_);
        }
        if (kind < 70) return state_.read(id, now_);
        if (kind < 76) return state_.renew(id, now_);
        if (kind < 82)
            return state_.unauthorized(id, active_ ? active_->generation - (chance(30) && active_->generation > 1) : 0,
                                       now_);
        if (kind < 88) {
            Session& other = endpoint_.start(chance(50) ? TokenRole::member : TokenRole::visitor);
            expected_ = other.visitor;
            setters_.insert(id);
            const Tokens tokens(
                AccessToken(endpoint_.accessToken(other),
                            std::chrono::floor<std::chrono::seconds>(now_.wall) + (chance(50) ? 1h : -1h)),
                RefreshToken(Endpoint::refreshToken(other), other.role));
            return state_.adopt(id, tokens, chance(50), now_);
        }
        if (kind < 90) {
            setters_.insert(id);
            expected_ = 0;
            return state_.adopt(id, Tokens(), false, now_);
        }
        if (kind < 92) return state_.renew(id, now_);
        if (kind < 96 && active_) return state_.renewAhead(active_->generation, now_);
        if (!waiting_.empty()) {
            const auto victim = std::next(waiting_.begin(), static_cast<long>(random_() % waiting_.size()));
            if (!active_ && setters_.contains(*victim)) return;  // it may not have been heard yet
            state_.cancel(*victim);
            waiting_.erase(victim);
        }
    }

    void answerExchange() {
        const ExchangeAction asked = *std::exchange(exchange_, std::nullopt);
        if (asked.background && chance(20)) return state_.backgroundRefused(now_);
        const TokenAnswer answer = endpoint_.answer(asked, now_, random_);
        state_.exchanged(answer, started_, now_);
    }
    void answerStorage() {
        busy_ = false;
        const bool fails = endpoint_.faulty && chance(20);
        if (!save_) {
            if (fails) return state_.loaded(Failure(Errc::storage_unavailable, "model"), now_);
            return state_.loaded(record_.version ? std::optional(record_) : std::nullopt, now_);
        }
        const SaveAction save = *std::exchange(save_, std::nullopt);
        settled_.insert(save.tokens.refreshToken.value);
        if (fails) return state_.saved(Failure(Errc::storage_unavailable, "model"), now_);
        if (save.tokens.empty()) {
            record_ = StoredTokens();
            return state_.saved(SaveResult::saved(0), now_);
        }
        if (save.expectedVersion != record_.version) return state_.saved(SaveResult::conflict(record_), now_);
        record_ = StoredTokens(save.tokens, record_.version + 1);
        state_.saved(SaveResult::saved(record_.version), now_);
    }

    void perform() {
        for (TokenActions actions = state_.takeActions(); !actions.empty(); actions = state_.takeActions())
            for (TokenAction& action : actions) std::visit([this](auto& what) { perform(what); }, action);
    }
    void perform(LoadAction&) { take(std::nullopt); }
    void perform(SaveAction& action) { take(action); }
    void take(std::optional<SaveAction> save) {
        CHECK_FALSE(busy_);
        busy_ = true;
        save_ = std::move(save);
    }
    void perform(ExchangeAction& action) {
        CHECK_FALSE(exchange_);
        if (action.grant == Grant::anonymous) {
            // A visitor starts only if there is none, or it was definitely rejected; never instead of a member.
            const int visitor = active_ ? Endpoint::visitorOf(active_->tokens.refreshToken.value) : 0;
            CHECK((visitor == 0 ||
                   (endpoint_.sessions.at(visitor).killed && active_->tokens.refreshToken.role == TokenRole::visitor)));
        } else {
            // The session that is renewed is the active one.
            CHECK(active_);
            CHECK(action.refreshToken == active_->tokens.refreshToken.value);
        }
        exchange_ = action;
        started_ = now_.boot;
    }
    void perform(PublishAction& action) {
        const TokenSnapshot& made = *action.snapshot;
        CHECK((!active_ || made.generation > active_->generation));
        CHECK((!active_ || made.epoch >= active_->epoch));
        if (storage_)
            CHECK((made.tokens.empty() || settled_.contains(made.tokens.refreshToken.value) ||
                   made.tokens == record_.tokens));
        const int visitor = Endpoint::visitorOf(made.tokens.refreshToken.value);
        CHECK((made.tokens.accessToken.value.empty() || Endpoint::visitorOf(made.tokens.accessToken.value) == visitor));
        // Within an epoch the visitor stays.
        if (active_ && active_->epoch == made.epoch && !active_->tokens.empty())
            CHECK(visitor == Endpoint::visitorOf(active_->tokens.refreshToken.value));
        if (visitor) CHECK(endpoint_.sessions.at(visitor).role == made.tokens.refreshToken.role);
        active_ = action.snapshot;
    }
    void perform(CompleteAction& action) {
        for (const WaiterId id : action.waiters) CHECK(waiting_.erase(id) == 1);
        if (action.outcome.has_value()) {
            if (active_) CHECK(*action.outcome == active_);
        } else {
            // A token that works is never refused because something else has failed.
            const bool works = active_ && !active_->tokens.empty() && active_->life.at(now_.boot) != Freshness::dead;
            for (const WaiterId id : action.waiters) CHECK_FALSE((works && getters_.contains(id)));
        }
    }
    void perform(DropUnsentAction&) {}
    void perform(ObserveAction&) {}

    void answerAll() {
        for (int i = 0; i < 60 && (exchange_ || busy_); ++i) {
            if (busy_)
                answerStorage();
            else
                answerExchange();
            perform();
        }
    }
    void use() {
        waiting_.insert(next_);
        state_.get(next_++, now_);
        perform();
        answerAll();
    }

    /// The faults end: what waits is answered, the next use succeeds, and then everything rests.
    void settle() {
        endpoint_.faulty = endpoint_.rejects = false;
        answerAll();
        CHECK(waiting_.empty());
        CHECK(state_.waiters() == 0);
        now_.boot += 10min;
        now_.wall += 10min;
        use();
        now_.boot += 2s;  // a save may still have to be repeated
        now_.wall += 2s;
        use();
        now_.boot += 2s;
        now_.wall += 2s;
        use();
        CHECK(waiting_.empty());
        REQUIRE(active_);
        const int visitor = Endpoint::visitorOf(active_->tokens.refreshToken.value);
        if (!endpoint_.sessions.at(visitor).killed) CHECK(active_->life.at(now_.boot) != Freshness::dead);
        if (storage_) CHECK(record_.tokens == active_->tokens);
        // What the callers set is what is there, unless the endpoint ended it.
        if (expected_ && !endpoint_.sessions.at(expected_).killed) CHECK(visitor == expected_);
        waiting_.insert(next_);
        state_.close(next_++, now_);
        perform();
        answerAll();
        CHECK(waiting_.empty());
        CHECK_FALSE(exchange_);
        CHECK_FALSE(busy_);
        CHECK(state_.waiters() == 0);
    }

    std::mt19937 random_;
    bool storage_;
    Endpoint endpoint_;
    Moment now_{BootTime(100s), WallTime(1'700'000'000s), 0};
    TokenState state_;
    WaiterId next_ = 1;
    std::set<WaiterId> waiting_;
    std::set<WaiterId> setters_;
    std::set<WaiterId> getters_;
    int expected_ = 0;  // the visitor that a caller set last; none after a logout
    SnapshotPtr active_;
    std::optional<ExchangeAction> exchange_;
    BootTime started_{};
    bool busy_ = false;
    std::optional<SaveAction> save_;
    std::set<std::string> settled_;
    StoredTokens record_;
};

void tellMany(unsigned first, bool storage, bool rejects) {
    for (unsigned seed = first; seed < first + 1500; ++seed) {
        CAPTURE(seed);
        CAPTURE(storage);
        CAPTURE(rejects);
        Run(seed, storage, rejects).tell();
    }
}

}  // namespace

TEST_CASE("random stories without a storage") { tellMany(1, false, false); }
TEST_CASE("random stories with a storage") { tellMany(2001, true, false); }
TEST_CASE("random stories with rejections") {
    tellMany(4001, true, true);
    tellMany(6001, false, true);
}
