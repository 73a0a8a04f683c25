// When an ambiguous refusal of a refresh token counts as a rejection.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "auth/ambiguous_refusal.hpp"

using namespace wix::detail;
using namespace std::chrono_literals;
using Step = AmbiguousRefusal::Step;

namespace {

struct Event {
    std::string what;
    std::string step;  // empty if the event has none
};

std::string nameOf(Step step) {
    static constexpr const char* names[] = {"wait", "fail", "control", "repeat", "reject"};
    return names[static_cast<int>(step)];
}

class Script {
public:
    std::string happen(const std::string& what) {
        if (what == "odd") return refused("r1", 403, "odd", true);
        if (what == "odd, alive") return refused("r1", 403, "odd", false);
        if (what == "other code") return refused("r1", 403, "even", true);
        if (what == "other status") return refused("r1", 401, "odd", true);
        if (what == "other token") return refused("r2", 403, "odd", true);
        if (what == "control succeeds") return nameOf(refusal_.controlled(true, true));
        if (what == "control fails") return nameOf(refusal_.controlled(false, true));
        if (what == "control is late") return nameOf(refusal_.controlled(true, false));
        if (what == "another outcome") refusal_.interrupt();
        if (what == "callers leave") refusal_.callersLeft();
        if (what == "reset") refusal_.reset();
        if (what == "9.999 s") now_ += 9'999ms;
        if (what == "10 s") now_ += 10s;
        if (what == "1 h") now_ += 1h;
        if (what == "pause") refusal_.pauseStarted();
        if (what == "pause is over") refusal_.pauseEnded(true);
        if (what == "pause ends early") refusal_.pauseEnded(false);
        if (what == "callers wait?") return refusal_.callersWait() ? "yes" : "no";
        if (what == "pausing?") return refusal_.isPausing() ? "yes" : "no";
        if (what == "awaits control?") return refusal_.awaitsControl() ? "yes" : "no";
        return std::string();
    }

private:
    std::string refused(const char* token, int status, const char* code, bool mayDecide) {
        return nameOf(refusal_.refused(Refusal(token, status, code), mayDecide, now_));
    }
    AmbiguousRefusal refusal_;
    BootTime now_{1h};
};

void check(const std::vector<std::vector<Event>>& rows) {
    for (const auto& row : rows) {
        Script script;
        std::string told;
        for (const Event& event : row) {
            told += (told.empty() ? "" : ", ") + event.what;
            CAPTURE(told);
            CHECK(script.happen(event.what) == event.step);
        }
    }
}

}  // namespace

TEST_CASE("only three alike refusals with a successful control in between reject a refresh token [C2]") {
    const Event first{"odd", "wait"}, pass{"10 s", ""}, second{"odd", "control"}, control{"control succeeds", "repeat"};
    check({
        {first, pass, second, {"awaits control?", "yes"}, control, {"awaits control?", "no"}, {"odd", "reject"}},
        {first, {"1 h", ""}, second, control, {"odd", "reject"}},
        // Not before 10 s have passed since the first.
        {first, {"9.999 s", ""}, {"odd", "wait"}},
        {first, {"9.999 s", ""}, {"odd", "wait"}, {"10 s", ""}, second},
        // Gathered while the access token worked.
        {{"odd, alive", "wait"}, pass, {"odd, alive", "wait"}, pass, second},
        {first, pass, {"odd, alive", "wait"}},
        // Another code, status or token is other evidence.
        {first, pass, {"other code", "wait"}, {"odd", "wait"}, pass, second},
        {first, pass, {"other status", "wait"}},
        {first, pass, {"other token", "wait"}},
        {first, pass, second, control, {"other code", "fail"}},
        {first, pass, second, control, {"other code", "fail"}, pass, {"other code", "control"}},
        {first, pass, second, control, {"other status", "fail"}},
        {first, pass, second, control, {"other token", "fail"}},
        // The third one came when nothing may be decided.
        {first, pass, second, control, {"odd, alive", "fail"}},
        {first, pass, second, control, {"odd, alive", "fail"}, second},
        // Without a successful control.
        {first, pass, second, {"control fails", "fail"}},
        {first, pass, second, {"control is late", "fail"}},
        {first, pass, second, {"control fails", "fail"}, second, control, {"odd", "reject"}},
        {{"control succeeds", "fail"}},
        // Other outcomes and other tokens end the experiment.
        {first, pass, second, control, {"another outcome", ""}, {"odd", "control"}},
        {first, pass, {"another outcome", ""}, second},
        {first, pass, {"reset", ""}, first},
        {first, pass, second, {"reset", ""}, {"control succeeds", "fail"}},
        {first, pass, second, control, {"reset", ""}, first},
        // A rejection leaves nothing behind.
        {first, pass, second, control, {"odd", "reject"}, first},
        // No more than three steps: the flight of callers that left does not begin again.
        {first, pass, second, {"callers leave", ""}, {"awaits control?", "no"}, {"control succeeds", "wait"}, second},
        {first, pass, second, control, {"callers leave", ""}, {"odd", "wait"}, second},
    });
}

TEST_CASE("callers wait once for the attempt that may decide [C2]") {
    const Event first{"odd", "wait"}, pass{"10 s", ""}, yes{"callers wait?", "yes"}, no{"callers wait?", "no"};
    const Event pause{"pause", ""}, over{"pause is over", ""};
    check({
        {no, first, yes, pause, yes, {"pausing?", "yes"}, pass, over, no, {"pausing?", "no"}, {"odd", "control"}, no},
        {first, pause, {"pause ends early", ""}, yes, {"pausing?", "no"}},
        // A gateway with alternating codes does not make them wait for ever.
        {first, pause, pass, over, {"other code", "wait"}, no, pass, {"odd", "wait"}, yes},
        // They leave: who comes next waits for what is left of the pause.
        {first, pause, {"callers leave", ""}, {"pausing?", "no"}, yes},
        {first, pause, pass, over, {"callers leave", ""}, {"odd, alive", "wait"}, yes},
        // Evidence of a background attempt.
        {{"odd, alive", "wait"}, yes, pass, {"odd, alive", "wait"}, yes},
        {first, {"another outcome", ""}, no},
        {first, pause, {"reset", ""}, no, {"pausing?", "no"}},
        {first, pass, {"odd", "control"}, {"control fails", "fail"}, no},
        {first, over, yes},  // there was no pause
    });
}
