// A state that rests, and one that goes on from what was kept: it is the same session.
#include <doctest/doctest.h>

#include "auth/token_state.hpp"

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

Moment at(std::chrono::seconds boot) { return Moment(BootTime(boot), WallTime(1'700'000'000s + boot), 0.5); }

Tokens tokens(const char* access, const char* refresh, std::chrono::seconds expiry) {
    return Tokens(AccessToken(access, std::chrono::sys_seconds(1'700'000'000s + expiry)),
                  RefreshToken(refresh, TokenRole::visitor));
}

TokenPolicy policy() {
    TokenPolicy made;
    made.hasStorage = true;
    return made;
}

/// The first action of that kind among those that are asked for now.
template <class Action>
Action next(TokenState& state) {
    for (TokenAction& action : state.takeActions())
        if (Action* found = std::get_if<Action>(&action)) return std::move(*found);
    FAIL("it asks for something else");
    return Action();
}

}  // namespace

TEST_CASE("rest: version, generation, spent tokens and the number of exchanges are kept") {
    TokenState before(policy());
    before.read(1, at(0s));
    CHECK_FALSE(before.mayRest());
    before.loaded(LoadOutcome(StoredTokens(tokens("t1", "r1", 4h), 7)), at(0s));
    before.renew(2, at(1s));
    before.leased(true, at(1s));
    before.loaded(LoadOutcome(StoredTokens(tokens("t2", "r2", 4h), 8)), at(1s));  // a sibling was faster
    before.takeActions();
    REQUIRE(before.mayRest());
    TokenRest kept = before.rest();

    TokenState after(policy(), std::move(kept));
    after.get(3, at(2s));
    const auto given = next<CompleteAction>(after);
    CHECK(given.waiters == std::vector<WaiterId>{3});
    CHECK((*given.outcome)->tokens.accessToken.value == "t2");
    CHECK((*given.outcome)->generation == 2);

    // The one that was rotated away is of this session, and not to be spent.
    after.adopt(4, tokens("t1", "r1", 4h), false, at(2s));
    CHECK((*next<CompleteAction>(after).outcome)->tokens.refreshToken.value == "r2");

    // A record of an older version is not taken over, and the next save compares with the one that was seen.
    after.renew(5, at(3s));
    next<LeaseAction>(after);
    after.leased(true, at(3s));
    next<LoadAction>(after);
    after.loaded(LoadOutcome(StoredTokens(tokens("t0", "r0", 4h), 6)), at(3s));
    const auto exchange = next<ExchangeAction>(after);
    CHECK(exchange.refreshToken == "r2");
    CHECK(exchange.flight.attempt == 1);
    TokenAnswer answer;
    answer.verdict = TokenVerdict::granted;
    answer.accessToken = "t3";
    answer.expiresIn = 4h;
    after.exchanged(std::move(answer), BootTime(3s), at(4s));
    CHECK(next<SaveAction>(after).expectedVersion == 8);
}

TEST_CASE("rest: not while something is under way, unsaved or closed") {
    TokenState state(policy());
    state.read(1, at(0s));
    state.loaded(LoadOutcome(StoredTokens(tokens("t1", "r1", 4h), 7)), at(0s));
    CHECK(state.mayRest());
    state.renew(2, at(1s));
    CHECK_FALSE(state.mayRest());
    state.leased(true, at(1s));
    state.loaded(LoadOutcome(StoredTokens(tokens("t1", "r1", 4h), 7)), at(1s));
    state.exchanged(noTokenAnswer(Failure(Errc::token_unavailable, "down")), BootTime(1s), at(2s));
    CHECK(state.mayRest());
    state.abandon(at(3s));
    CHECK_FALSE(state.mayRest());
}

TEST_CASE("rest: a failure and the evidence of an ambiguous refusal are kept [C2]") {
    TokenPolicy inMemory;
    inMemory.initial = tokens("t1", "r1", -1h);
    TokenState before(inMemory);
    const auto refused = [] {
        TokenAnswer answer;
        answer.verdict = TokenVerdict::ambiguous;
        answer.status = 403;
        answer.errorCode = "odd";
        answer.failure = Failure(Errc::token_unavailable, "refused");
        return answer;
    };
    before.get(1, at(0s));
    before.exchanged(refused(), BootTime(0s), at(0s));
    CHECK_FALSE(before.mayRest());  // a caller waits
    before.cancel(1);
    before.takeActions();
    REQUIRE(before.mayRest());
    TokenRest kept = before.rest();
    CHECK(sizeof(TokenRest) <= 200);  // what a session without trouble keeps

    TokenState after(TokenPolicy(), std::move(kept));
    after.get(2, at(9s));
    CHECK(next<PauseAction>(after).time == 1s);  // of the 10 s
    after.paused(at(10s));
    CHECK(next<ExchangeAction>(after).flight.attempt == 2);
    after.exchanged(refused(), BootTime(10s), at(11s));
    next<RequestControlAction>(after);
    after.controlled(ControlOutcome(false, std::nullopt), at(12s));
    next<CompleteAction>(after);
    REQUIRE(after.mayRest());

    TokenState last(TokenPolicy(), after.rest());
    last.get(3, at(13s));
    const auto failed = next<CompleteAction>(last);
    REQUIRE(failed.outcome.has_error());
    CHECK(failed.outcome.error().attempt == 2);  // the remembered error
}
