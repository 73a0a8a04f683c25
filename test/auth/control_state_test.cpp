// The control of ambiguous refusals: when it sends what, and what it tells the sessions that ask.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "auth/control_state.hpp"

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;
using Next = ControlState::Next;

namespace {

TokenAnswer granted(const std::string& refreshToken) {
    TokenAnswer answer;
    answer.verdict = TokenVerdict::granted;
    answer.refreshToken = refreshToken;
    return answer;
}

TokenAnswer failed(TokenVerdict verdict, std::optional<std::chrono::milliseconds> retryAfter = std::nullopt) {
    TokenAnswer answer;
    answer.verdict = verdict;
    answer.retryAfter = retryAfter;
    return answer;
}

struct Script {
    ControlState state;
    BootTime now{1h};

    /// Words for what happens, and for what follows.
    std::string happen(const std::string& what) {
        if (what == "ask") return nameOf(state.ask(now));
        if (what == "c1") return answered(granted("c1"));
        if (what == "c2") return answered(granted("c2"));
        if (what == "renewed") return answered(granted(""));
        if (what == "503") return answered(failed(TokenVerdict::transient));
        if (what == "refused") return answered(failed(TokenVerdict::ambiguous));
        if (what == "rejected") return answered(failed(TokenVerdict::rejected));
        if (what == "misconfigured") return answered(failed(TokenVerdict::misconfigured));
        if (what == "lost") return answered(failed(TokenVerdict::lost));
        if (what == "abandoned") state.abandoned(now);
        if (what == "9.999 s") now += 9'999ms;
        if (what == "10 s") now += 10s;
        if (what == "299.999 s") now += 299'999ms;
        if (what == "5 min") now += 5min;
        if (what == "55 min") now += 55min;
        return std::string();
    }

private:
    std::string answered(const TokenAnswer& answer) { return nameOf(state.answered(answer, now)); }
    std::string nameOf(Next next) const {
        static constexpr const char* names[] = {"succeeded", "failed", "join", "grant", "refresh "};
        return names[static_cast<int>(next)] + (next == Next::refresh ? state.refreshToken() : std::string());
    }
};

}  // namespace

TEST_CASE("a control is a refresh of a visitor made for it, and counts for 10 s [C2]") {
    using Events = std::vector<std::pair<std::string, std::string>>;
    const std::pair<std::string, std::string> ask("ask", "grant"), made("c1", "refresh c1");
    const std::vector<Events> rows{
        {ask, made, {"renewed", "succeeded"}, {"ask", "succeeded"}, {"9.999 s", ""}, {"ask", "succeeded"}},
        {ask, made, {"renewed", "succeeded"}, {"10 s", ""}, {"ask", "refresh c1"}},
        // One is in flight, and others wait for it.
        {ask, {"ask", "join"}, made, {"ask", "join"}, {"renewed", "succeeded"}},
        // The refresh token may rotate.
        {ask, made, {"c2", "succeeded"}, {"10 s", ""}, {"ask", "refresh c2"}},
        // After a failure nothing is sent for 5 min.
        {ask, {"503", "failed"}, {"ask", "failed"}, {"299.999 s", ""}, {"ask", "failed"}},
        {ask, {"503", "failed"}, {"5 min", ""}, {"ask", "grant"}},
        {ask, made, {"503", "failed"}, {"ask", "failed"}, {"5 min", ""}, {"ask", "refresh c1"}},
        {ask, {"refused", "failed"}, {"5 min", ""}, {"ask", "grant"}},
        {ask, {"misconfigured", "failed"}, {"5 min", ""}, {"ask", "grant"}},
        {ask,
         made,
         {"renewed", "succeeded"},
         {"10 s", ""},
         {"ask", "refresh c1"},
         {"503", "failed"},
         {"ask", "failed"}},
        // A response that was lost: one replay.
        {ask, made, {"lost", "refresh c1"}, {"renewed", "succeeded"}},
        {ask, made, {"lost", "refresh c1"}, {"lost", "failed"}},
        // At most one grant an hour: a refused token is kept, since the refusal may have been a firewall's.
        {ask, made, {"refused", "failed"}, {"5 min", ""}, {"ask", "refresh c1"}, {"renewed", "succeeded"}},
        {ask, made, {"refused", "failed"}, {"5 min", ""}, {"55 min", ""}, {"ask", "grant"}, {"c2", "refresh c2"}},
        {ask, made, {"rejected", "failed"}, {"5 min", ""}, {"ask", "failed"}, {"55 min", ""}, {"ask", "grant"}},
        {ask, {"lost", "failed"}, {"5 min", ""}, {"ask", "failed"}, {"55 min", ""}, {"ask", "grant"}},
        {ask, {"renewed", "failed"}, {"5 min", ""}, {"ask", "failed"}},  // a grant without a refresh token
        // A request whose response will never come.
        {ask, {"abandoned", ""}, {"ask", "failed"}, {"5 min", ""}, {"ask", "grant"}},
    };
    for (const Events& row : rows) {
        Script script;
        std::string told;
        for (const auto& [what, next] : row) {
            told += (told.empty() ? "" : ", ") + what;
            CAPTURE(told);
            CHECK(script.happen(what) == next);
        }
    }
}

TEST_CASE("Retry-After of a failed control is for the sessions that asked [C2]") {
    ControlState state;
    const BootTime now(1h);
    state.ask(now);
    state.answered(failed(TokenVerdict::transient, 30s), now);
    CHECK(state.retryAfter() == 30s);
    CHECK(state.ask(now + 1s) == Next::failed);
    CHECK_FALSE(state.retryAfter());
}

TEST_CASE("a control is forgotten an hour after its last use [C2]") {
    ControlState state;
    CHECK(state.isForgettable(BootTime(1h)));
    state.ask(BootTime(1h));
    CHECK_FALSE(state.isForgettable(BootTime(3h)));  // a request is in flight
    state.answered(granted("c1"), BootTime(3h));
    state.answered(granted("c1"), BootTime(3h));
    CHECK_FALSE(state.isForgettable(BootTime(4h) - 1ns));
    CHECK(state.isForgettable(BootTime(4h)));
}
