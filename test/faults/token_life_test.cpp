// Rows 25, 25b and 26: how long a token is taken to live.
#include "faults/aged_session.hpp"

#include <boost/asio/co_spawn.hpp>

using namespace wix;
using namespace wix::test;
using testing::HoldPoint;
using testing::ScriptedReply;
namespace asio = boost::asio;

namespace {

std::string tokenFor(const std::string& expiresIn) {
    return R"({"access_token":"OauthNG.JWS.x","expires_in":)" + expiresIn + "}";
}

}  // namespace

TEST_CASE("expires_in in every shape: read, capped, or taken for 4 h, and never asked for again at once [25]") {
    struct Row {
        const char* written;
        std::chrono::seconds life;
    };
    constexpr auto week = 7 * 24h;
    for (const Row& row :
         {Row{"3600", 1h}, Row{"\"3600\"", 1h}, Row{"3600.0", 1h}, Row{"\"3600.0\"", 1h}, Row{"1e9", week},
          Row{"9223372036854775808", week}, Row{"1e400", 4h}, Row{"\"NaN\"", 4h}, Row{"null", 4h}, Row{"{}", 4h},
          Row{"\"soon\"", 4h}, Row{"0", 1s}, Row{"-1", 1s}, Row{"\"-1\"", 1s}, Row{"-9223372036854775808", 1s}}) {
        CAPTURE(row.written);
        Shopper shopper;
        shopper.expire();
        shopper.site.fake.failNext("token", 1, ScriptedReply(200, tokenFor(row.written)));
        TokenOutcomes outcomes;
        shopper.session.startWaiting(outcomes, 100);
        shopper.site.settle();
        REQUIRE(outcomes.size() == 100);
        for (const TokenOutcome& outcome : outcomes) {
            REQUIRE(outcome.has_value());  // also if it is dead on arrival
            CHECK((*outcome)->tokens.accessToken.value == "OauthNG.JWS.x");
        }
        CHECK((*outcomes.front())->life.dead - shopper.site.clock.boot() == row.life);
        CHECK(shopper.asked() == 1);
        shopper.age(999ms);
        for (int call = 0; call < 100; ++call) CHECK(shopper.session.goodToken() == *outcomes.front());
        shopper.site.settle();
        CHECK(shopper.asked() == 1);
        shopper.checkKept();
        if (row.life == 1s) {
            shopper.age(1ms);
            shopper.session.goodToken();
            CHECK(shopper.asked() == 2);
        }
    }
}

TEST_CASE("NaN is no JSON: asked for once more [25]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 1, ScriptedReply(200, tokenFor("NaN")));
    CHECK(shopper.session.goodToken()->tokens.accessToken.value != "OauthNG.JWS.x");
    CHECK(shopper.asked() == 2);
    shopper.checkKept();
}

TEST_CASE("an exchange of 30 s for a token of 60 s: its age counts from the request, and no call meets a 401 [25b]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.setAccessTokenLifetime(60s);
    shopper.site.fake.hold("token", HoldPoint::beforeReply);
    const detail::BootTime requested = shopper.site.clock.boot();
    TokenOutcomes outcomes;
    shopper.session.startWaiting(outcomes, 1);
    runUntil(shopper.site.io, [&] { return shopper.site.fake.waitUntilHeld("token", 1, 0ms); });
    shopper.age(30s);
    shopper.site.fake.release("token");
    shopper.site.settle();
    REQUIRE(outcomes.size() == 1);
    REQUIRE(outcomes.front().has_value());
    const detail::SnapshotPtr token = *outcomes.front();
    CHECK(token->life.dead - requested == 60s);
    CHECK(token->tokens.accessToken.expiresAt ==
          std::chrono::floor<std::chrono::seconds>(shopper.site.clock.wall()) + 30s);

    const auto calls = shopper.site.fake.state().requests["cart"];
    shopper.age(31s);  // counted from the answer it would have 29 s more
    CHECK(shopper.session.hasCart());
    CHECK(shopper.site.fake.state().requests["cart"] == calls + 1);  // without a 401
    CHECK(shopper.asked() == 2);
    shopper.checkKept();
}

TEST_CASE("tokens of 20 s under constant use: one renewal in about 10 s, and no dead token is given out [26]") {
    Shopper shopper;
    shopper.site.fake.setAccessTokenLifetime(20s);
    shopper.expire();
    for (int step = 0; step < 1000; ++step) {  // 100 s
        const detail::SnapshotPtr token = shopper.session.goodToken();
        REQUIRE(shopper.site.clock.boot() < token->life.dead);
        shopper.site.settle();
        if (step % 100 == 0) CHECK(shopper.session.hasCart());
        shopper.age(100ms);
    }
    CHECK(shopper.asked() >= 5);
    CHECK(shopper.asked() <= 11);
    shopper.checkKept();
}
