// The contract as tables: the state of the token, what happens, and what a caller gets.
#include <doctest/doctest.h>

#include <sstream>
#include <vector>

#include "support/token_script.hpp"

using namespace wix;
using namespace wix::test;
using detail::Freshness;
using detail::TokenVerdict;

namespace {

// A token of 4 h, obtained an age ago (advisory window of random 0.5: 250 s; mandatory: 60 s). In each state, at the
// earliest moment:
constexpr auto fresh = 0s;
constexpr auto advisory = 4h - 250s;
constexpr auto mandatory = 4h - 60s;
constexpr auto dead = 4h;

/// What happens, told to a script: words for the events of a row.
std::string happen(TokenScript& script, const std::string& event) {
    if (event == "get") return script.get("a");
    if (event == "look") return script.ahead(1);
    if (event == "renew") return script.renew("a");
    if (event == "401") return script.unauthorized("a", 1);
    if (event == "old 401") return script.unauthorized("a", 0);
    if (event == "read") return script.read("a");
    if (event == "503") return script.fails(TokenVerdict::transient);
    if (event == "lost") return script.fails(TokenVerdict::lost);
    if (event == "odd") return script.fails(TokenVerdict::ambiguous);
    if (event == "rejected") return script.fails(TokenVerdict::rejected);
    if (event == "misconfigured") return script.fails(TokenVerdict::misconfigured);
    if (event == "granted") return script.granted("t2");
    if (event == "get again") return script.get("b");
    if (event == "renew again") return script.renew("b");
    FAIL("no such event: ", event);
    return std::string();
}

struct Row {
    std::chrono::seconds age;
    std::vector<std::string> events;
    std::vector<std::string> answers;
};

void check(const std::vector<Row>& rows, TokenRole role, SessionLostPolicy policy) {
    for (const Row& row : rows) {
        REQUIRE(row.events.size() == row.answers.size());
        TokenScript script = TokenScript::with(role, policy);
        script.pass(row.age);
        std::string told = "age " + std::to_string(row.age.count()) + " s";
        for (std::size_t i = 0; i < row.events.size(); ++i) {
            told += ", " + row.events[i];
            CAPTURE(told);
            CHECK(happen(script, row.events[i]) == row.answers[i]);
        }
    }
}

}  // namespace

TEST_CASE("states: fresh is used, advisory is used and renewed behind, mandatory waits and makes do, dead waits") {
    const std::string use = "a: t1/r1", ask = "exchange r1", behind = "exchange r1 behind";
    const std::string renewed = "publish #2 t2/r1; a: t2/r1", renewedBehind = "publish #2 t2/r1";
    const std::vector<Row> rows{
        {fresh, {"get"}, {use}},
        {fresh, {"look"}, {""}},
        {advisory - 1s, {"look"}, {""}},
        {advisory, {"get"}, {use}},
        {advisory, {"look", "get", "granted"}, {behind, use, renewedBehind}},
        {mandatory - 1s, {"get"}, {use}},
        {mandatory, {"get", "granted"}, {ask, renewed}},
        {mandatory, {"get", "503"}, {ask, use}},
        {dead - 1s, {"get", "503"}, {ask, use}},
        {dead, {"get", "granted"}, {ask, renewed}},
        {dead, {"get", "503"}, {ask, "a: unavailable"}},
        // What is asked for by name is not satisfied by what is there.
        {fresh, {"renew", "granted"}, {ask, renewed}},
        {fresh, {"renew", "503"}, {ask, "a: unavailable"}},
        {fresh, {"401", "granted"}, {ask, renewed}},
        {fresh, {"401", "503"}, {ask, "a: unavailable"}},
        {fresh, {"old 401"}, {use}},  // a newer one is there: no exchange
        {dead, {"read"}, {use}},      // as it is
    };
    check(rows, TokenRole::visitor, SessionLostPolicy::newVisitor);
}

TEST_CASE("failures: a transient one is remembered, a definite one ends the session, a misconfiguration keeps it") {
    const std::string ask = "exchange r1", none = "a: unavailable", remembered = "b: unavailable";
    const std::vector<Row> forVisitors{
        {dead, {"get", "503", "get again"}, {ask, none, remembered}},
        {dead, {"get", "503", "renew again"}, {ask, none, remembered}},
        {mandatory, {"get", "503", "get again"}, {ask, "a: t1/r1", "b: t1/r1"}},
        {advisory, {"look", "503", "get", "look"}, {"exchange r1 behind", "", "a: t1/r1", ""}},
        {dead, {"get", "lost", "granted"}, {ask, ask, "publish #2 t2/r1; a: t2/r1"}},
        {dead, {"get", "lost", "lost", "get again"}, {ask, ask, none, remembered}},  // one replay
        {dead, {"get", "odd", "get again"}, {ask, "pause 10000 ms", ""}},            // both wait
        {mandatory, {"get", "odd", "get again"}, {ask, "a: t1/r1", "b: t1/r1"}},
        {fresh, {"renew", "odd", "renew again"}, {ask, none, remembered}},
        {dead, {"get", "misconfigured", "get again"}, {ask, "a: misconfigured", "b: misconfigured"}},
        {dead, {"get", "rejected", "granted"}, {ask, "exchange anonymous", "publish #2 t2/-; a: t2/-"}},
        {mandatory, {"get", "rejected", "get again"}, {ask, "a: t1/r1", "b: t1/r1"}},  // the cart, as long as it works
    };
    check(forVisitors, TokenRole::visitor, SessionLostPolicy::newVisitor);
    const std::vector<Row> forVisitorsOfThePolicyFail{
        {dead, {"get", "rejected", "get again"}, {ask, "a: session lost", "b: session lost"}},
        {mandatory, {"get", "rejected", "renew again"}, {ask, "a: t1/r1", "b: session lost"}},
    };
    check(forVisitorsOfThePolicyFail, TokenRole::visitor, SessionLostPolicy::fail);
    const std::vector<Row> forMembers{
        {dead, {"get", "rejected", "get again"}, {ask, "a: session expired", "b: session expired"}},
        {dead, {"get", "503", "get again"}, {ask, none, remembered}},
    };
    check(forMembers, TokenRole::member, SessionLostPolicy::newVisitor);
}

TEST_CASE(
    "windows: mandatory is the last 10 %, 60 s at most; advisory 20 to 30 %, 30 s to 5 min, below half of the life") {
    struct Life {
        std::chrono::seconds life;
        double random;
        std::chrono::milliseconds advisory, mandatory;  // before the end
    };
    const std::vector<Life> rows{
        {4h, 0.0, 200s, 60s},    {4h, 0.5, 250s, 60s},        {4h, 0.999999, 300s, 60s}, {1000s, 0.0, 200s, 60s},
        {600s, 0.0, 120s, 60s},  {600s, 0.999999, 180s, 60s}, {300s, 0.0, 60s, 30s},     {300s, 0.5, 75s, 30s},
        {100s, 0.0, 30s, 10s},   {60s, 0.0, 29'400ms, 6s},  // 30 s would be half of its life
        {20s, 0.5, 9'800ms, 2s},
    };
    for (const Life& row : rows) {
        CAPTURE(row.life.count());
        CAPTURE(row.random);
        const detail::BootTime start(1000s);
        const auto life = detail::lifeOfGranted(start, start, row.life, RenewalWindows(), row.random);
        CHECK(life.dead == start + row.life);
        CHECK(std::chrono::abs(life.dead - life.advisory - row.advisory) <= 1ms);
        CHECK(life.dead - life.mandatory == row.mandatory);
        CHECK(life.at(life.advisory - 1ns) == Freshness::fresh);
        CHECK(life.at(life.advisory) == Freshness::advisory);
        CHECK(life.at(life.mandatory) == Freshness::mandatory);
        CHECK(life.at(life.dead) == Freshness::dead);
    }
}

TEST_CASE(
    "backoff: full jitter from 1 s, doubled up to 60 s, 250 ms at least; Retry-After is the least, 5 min the most") {
    struct Wait {
        int failuresBefore;
        double random;
        std::optional<std::chrono::milliseconds> retryAfter;
        std::chrono::milliseconds pause;
    };
    const std::vector<Wait> rows{
        {0, 0.0, std::nullopt, 250ms},
        {0, 0.999, std::nullopt, 999ms},
        {1, 0.999, std::nullopt, 1998ms},
        {3, 0.5, std::nullopt, 4s},
        {5, 1.0, std::nullopt, 32s},
        {6, 1.0, std::nullopt, 60s},
        {40, 1.0, std::nullopt, 60s},
        {0, 0.0, 30s, 30s},
        {6, 1.0, 30s, 60s},
        {0, 0.0, 1h, 300s},
        {0, 0.0, 0s, 250ms},
    };
    for (const Wait& row : rows) {
        CAPTURE(row.failuresBefore);
        CAPTURE(row.random);
        TokenScript script = TokenScript::with(TokenRole::visitor);
        script.pass(dead);
        for (int i = 0; i < row.failuresBefore; ++i) {
            script.get("before " + std::to_string(i));
            script.fails(TokenVerdict::transient);
            script.pass(61s);
        }
        script.now.random = row.random;
        CHECK(script.get("a") == "exchange r1");
        CHECK(script.fails(TokenVerdict::transient, row.retryAfter) == "a: unavailable");
        CHECK(*script.failureOf("a").retryAt == script.now.wall + row.pause);
        script.pass(row.pause - 1ms);
        CHECK(script.get("b") == "b: unavailable");
        script.pass(1ms);
        CHECK(script.get("c") == "exchange r1");
        // A success forgets it all.
        script.granted("t2", "", 0s);
        script.pass(2s);
        script.now.random = 0;
        CHECK(script.get("d") == "exchange r1");
        script.fails(TokenVerdict::transient);
        CHECK(*script.failureOf("d").retryAt == script.now.wall + 250ms);
    }
}
