#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <thread>

#include "testing/backstage.hpp"
#include "testing/command_line.hpp"
#include "testing/compression.hpp"
#include "testing/core.hpp"
#include "testing/wix_error.hpp"

using namespace wix::testing::detail;
using wix::testing::CutPoint;
using wix::testing::HoldPoint;
using wix::testing::ScriptedReply;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const Time start{1'700'000'000s};

std::string refusedField(std::string_view config) {
    try {
        parseConfig(json::parse(config).as_object());
    } catch (const Refusal& refusal) {
        const json::value reply = json::parse(refusal.reply().body);
        return std::string(
            reply.at("details").at("validationError").at("fieldViolations").at(0).at("field").as_string());
    }
    return "accepted";
}

int statusOf(const std::optional<Fault>& fault) { return fault ? std::get<ScriptedReply>(*fault).status : 0; }

}  // namespace

TEST_CASE("a limit lets so many calls pass in a minute") {
    RateLimit limit(2);
    CHECK_FALSE(limit.refuse(start));
    CHECK_FALSE(limit.refuse(start + 10s));
    CHECK(limit.refuse(start + 10s) == 50s);
    CHECK(limit.refuse(start + 59'999ms) == 1s);
    CHECK_FALSE(limit.refuse(start + 60s));
    CHECK_FALSE(limit.refuse(start + 100s));
    CHECK(limit.refuse(start + 100s) == 20s);
    RateLimit none;
    for (int i = 0; i < 1000; ++i) CHECK_FALSE(none.refuse(start));
}

TEST_CASE("faults are taken in order, an endpoint's own ones first") {
    FaultPlan plan;
    plan.queue("*", 1, ScriptedReply(500));
    plan.queue("cart", 2, ScriptedReply(501));
    plan.queue("cart", 1, ScriptedReply(502));
    plan.queue("cart", 0, ScriptedReply(599));
    CHECK(statusOf(plan.take("cart")) == 501);
    CHECK(statusOf(plan.take("cart")) == 501);
    CHECK(statusOf(plan.take("cart")) == 502);
    CHECK(statusOf(plan.take("cart")) == 500);
    CHECK_FALSE(plan.take("cart"));
    plan.queue("*", 3, CutPoint::midBody);
    CHECK(std::get<CutPoint>(*plan.take("token")) == CutPoint::midBody);
    plan.clear();
    CHECK_FALSE(plan.take("token"));
}

TEST_CASE("token requests fail by grant and by refresh token, in the order of the faults") {
    using wix::testing::TokenRequestMatch;
    FaultPlan plan;
    plan.queueToken(TokenRequestMatch("refresh_token", "one"), 2, ScriptedReply(403));
    plan.queueToken(TokenRequestMatch("refresh_token"), 1, ScriptedReply(404));
    plan.queueToken(TokenRequestMatch(), 2, ScriptedReply(400));
    plan.queueToken(TokenRequestMatch(), 0, ScriptedReply(599));
    const auto taken = [&](const char* grant, const char* token) {
        const auto fault = plan.takeToken(TokenRequestMatch(grant, token));
        return fault ? fault->status : 0;
    };
    CHECK(taken("refresh_token", "one") == 403);
    CHECK(taken("refresh_token", "two") == 404);
    CHECK(taken("anonymous", "") == 400);
    CHECK(taken("refresh_token", "one") == 403);
    CHECK(taken("refresh_token", "one") == 400);
    CHECK(taken("refresh_token", "one") == 0);
    plan.queueToken(TokenRequestMatch("anonymous"), 1, ScriptedReply(403));
    CHECK(taken("refresh_token", "one") == 0);
    plan.clear();
    CHECK(taken("anonymous", "") == 0);
}

TEST_CASE("delays") {
    FaultPlan plan;
    plan.setDelay("*", 5ms);
    plan.setDelay("token", 0ms);
    CHECK(plan.delayOf("cart") == 5ms);
    CHECK(plan.delayOf("token") == 0ms);
    plan.clear();
    CHECK(plan.delayOf("cart") == 0ms);
}

TEST_CASE("the gate") {
    Gate gate;
    int woken = 0;
    const auto wake = [&woken] { ++woken; };
    CHECK(gate.enter("token", HoldPoint::beforeEffect, wake) == 0);

    gate.hold("token", HoldPoint::beforeEffect);
    CHECK(gate.enter("cart", HoldPoint::beforeEffect, wake) == 0);
    CHECK(gate.enter("token", HoldPoint::beforeReply, wake) == 0);
    const Gate::Id first = gate.enter("token", HoldPoint::beforeEffect, wake);
    const Gate::Id second = gate.enter("token", HoldPoint::beforeEffect, wake);
    CHECK(first != 0);
    CHECK(gate.waitUntilHeld("token", 2, 0ms));
    CHECK(gate.waitUntilHeld("*", 2, 0ms));
    CHECK_FALSE(gate.waitUntilHeld("token", 3, 0ms));
    CHECK_FALSE(gate.waitUntilHeld("cart", 1, 0ms));
    gate.leave(second);
    CHECK_FALSE(gate.waitUntilHeld("token", 2, 0ms));

    gate.release("cart");
    CHECK(woken == 0);
    gate.release("token");
    CHECK(woken == 1);
    gate.leave(first);
    CHECK(gate.enter("token", HoldPoint::beforeEffect, wake) == 0);

    gate.hold("*", HoldPoint::beforeReply);
    CHECK(gate.enter("events", HoldPoint::beforeReply, wake) != 0);
    gate.release("events");
    CHECK(woken == 1);
    gate.releaseAll();
    CHECK(woken == 2);
}

TEST_CASE("waiting for held requests sees those that come later") {
    Gate gate;
    gate.hold("token", HoldPoint::beforeEffect);
    std::thread later([&gate] { gate.enter("token", HoldPoint::beforeEffect, [] {}); });
    CHECK(gate.waitUntilHeld("token", 1, 5s));
    later.join();
}

TEST_CASE("a malformed configuration is refused by name") {
    struct Row {
        std::string_view config;
        std::string_view field;
    };
    const Row rows[] = {
        {R"({"colour":1})", "colour"},
        {R"({"accessTokenLifetime":-1})", "accessTokenLifetime"},
        {R"({"accessTokenLifetime":"10"})", "accessTokenLifetime"},
        {R"({"rotation":true})", "rotation"},
        {R"({"rotation":{}})", "rotation.enabled"},
        {R"({"rotation":{"enabled":true,"graceSeconds":1.5}})", "rotation.graceSeconds"},
        {R"({"rotation":{"enabled":true,"grace":1}})", "rotation.grace"},
        {R"({"refreshTokenInReply":1})", "refreshTokenInReply"},
        {R"({"expireAccessTokens":false})", "expireAccessTokens"},
        {R"({"revokeTokens":5})", "revokeTokens"},
        {R"({"advanceClock":-5})", "advanceClock"},
        {R"({"rateLimit":{"perMinute":-1}})", "rateLimit.perMinute"},
        {R"({"delay":{"cart":1,"basket":1}})", "delay.basket"},
        {R"({"delay":{"cart":600001}})", "delay.cart"},
        {R"({"fail":{}})", "fail"},
        {R"({"fail":[{"status":503}]})", "fail[0].endpoint"},
        {R"({"fail":[{"endpoint":"cart"}]})", "fail[0].status"},
        {R"({"fail":[{"endpoint":"cart","status":503},{"endpoint":"cart","status":99}]})", "fail[1].status"},
        {R"({"fail":[{"endpoint":"cart","status":503,"headers":{"A":1}}]})", "fail[0].headers.A"},
        {R"({"fail":[{"endpoint":"cart","status":503,"headers":{"A":"b\r\nC: d"}}]})", "fail[0].headers.A"},
        {R"({"failTokenRequests":[{}]})", "failTokenRequests[0].status"},
        {R"({"failTokenRequests":[{"status":403,"grantType":"password"}]})", "failTokenRequests[0].grantType"},
        {R"({"failTokenRequests":[{"status":403,"refreshToken":1}]})", "failTokenRequests[0].refreshToken"},
        {R"({"failTokenRequests":[{"status":403,"endpoint":"token"}]})", "failTokenRequests[0].endpoint"},
        {R"({"failTokenRequests":[{"status":403,"headers":{"A":"b\nc"}}]})", "failTokenRequests[0].headers.A"},
        {R"({"cut":[{"endpoint":"cart","at":"noon"}]})", "cut[0].at"},
        {R"({"cut":[{"endpoint":"cart","at":"midBody","count":-1}]})", "cut[0].count"},
        {R"({"drip":[{"endpoint":"cart"}]})", "drip[0].pause"},
        {R"({"drip":[{"endpoint":"cart","pause":-1}]})", "drip[0].pause"},
        {R"({"raw":[{"endpoint":"cart"}]})", "raw[0].bytes"},
        {R"({"hold":{"cart":"forever"}})", "hold.cart"},
        {R"({"release":["basket"]})", "release"},
        {R"({"clearFaults":0})", "clearFaults"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.config);
        CHECK(refusedField(row.config) == row.field);
    }
    CHECK(refusedField(R"({"accessTokenLifetime":60,"rotation":{"enabled":true,"graceSeconds":5,"reuseRevokes":true},
        "refreshTokenInReply":true,"rateLimit":{"perMinute":200,"retryAfter":true},"delay":{"*":5},
        "expireAccessTokens":true,"revokeTokens":"someone","advanceClock":60,
        "fail":[{"endpoint":"cart","count":2,"status":503,"body":"<html>","headers":{"Retry-After":"1"}}],
        "failTokenRequests":[{"grantType":"refresh_token","refreshToken":"x","count":2,"status":403,"body":"{}",
                              "headers":{"Retry-After":"1"}},{"status":400}],
        "cut":[{"endpoint":"token","at":"afterRequest"}],
        "drip":[{"endpoint":"token","count":2,"pause":5}],"raw":[{"endpoint":"cart","bytes":"x","thenClose":false}],
        "hold":{"token":"beforeReply"},"release":["token","*"],"clearFaults":true})") == "accepted");
}

TEST_CASE("Accept-Encoding") {
    struct Row {
        std::string_view header;
        Coding expected;
    };
    const Row rows[] = {
        {"", Coding::identity},
        {"gzip", Coding::gzip},
        {"br, GZIP;q=0.5", Coding::gzip},
        {"deflate", Coding::deflate},
        {"deflate, gzip", Coding::gzip},
        {"gzip;q=0, deflate", Coding::deflate},
        {"gzip; q=0.000", Coding::identity},
        {"br", Coding::identity},
    };
    for (const Row& row : rows) {
        CAPTURE(row.header);
        CHECK(chooseCoding(row.header) == row.expected);
    }
}

TEST_CASE("the command line") {
    CHECK(parseCommandLine({}).options.tls);
    const CommandLine all = parseCommandLine({"--port", "8443", "--token-lifetime", "30", "--plain", "--ca-file", "x"});
    CHECK(all.error.empty());
    CHECK(all.options.port == 8443);
    CHECK(all.options.accessTokenLifetime == 30s);
    CHECK_FALSE(all.options.tls);
    CHECK(all.caFile == "x");
    CHECK(parseCommandLine({"--help"}).help);
    CHECK(parseCommandLine({"--verbose"}).error == "unknown flag --verbose");
    CHECK(parseCommandLine({"--port", "70000"}).error == "--port needs a number");
    CHECK(parseCommandLine({"--port"}).error == "--port needs a number");
    CHECK(parseCommandLine({"--ca-file"}).error == "--ca-file needs a path");
}
