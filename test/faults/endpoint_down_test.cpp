// Rows 1-3, 5 and 11-13: the token endpoint does not serve for a while. The visitor notices as late as
// possible, the endpoint is asked as seldom as possible, and afterwards everything is as before.

#include "base/http_date.hpp"
#include "faults/aged_session.hpp"

using namespace wix;
using namespace wix::test;
using testing::CutPoint;
using testing::ScriptedReply;

namespace {

constexpr std::size_t always = 100'000;
const std::string wafPage = "<html><body>Request blocked</body></html>";

}  // namespace

TEST_CASE("a 503 to a renewal ahead of need: the current token is served, the renewal tried again later [1]") {
    Shopper shopper;
    shopper.toLast(90s);  // advisory: up to 60 s before the end
    shopper.site.fake.failNext("token", 1, ScriptedReply(503));
    CHECK(shopper.session.goodToken() == shopper.before);
    shopper.site.settle();
    CHECK(shopper.asked() == 1);
    shopper.checkUnchanged();
    CHECK(shopper.session.hasCart());
    CHECK(shopper.asked() == 1);  // within the backoff

    shopper.age(5s);
    CHECK(shopper.session.hasCart());  // still with the old token, and the renewal is behind it
    shopper.site.settle();
    CHECK(shopper.asked() == 2);
    const auto after = shopper.session.goodToken();
    CHECK(after->generation == shopper.before->generation + 1);
    CHECK(after->tokens.accessToken.value != shopper.before->tokens.accessToken.value);
    CHECK(shopper.session.hasCart());
    CHECK(shopper.asked() == 2);
    shopper.checkKept();
}

TEST_CASE("503 for 10 minutes and a dead token: a remembered error, one exchange for each backoff [2]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", always, ScriptedReply(503));
    auto nextTry = shopper.site.clock.wall();
    for (int second = 0; second < 600; ++second) {
        CAPTURE(second);
        const bool due = shopper.site.clock.wall() >= nextTry;
        const auto askedBefore = shopper.asked();
        for (int caller = 0; caller < 3; ++caller) {
            const Failure failure = shopper.session.noToken();
            CHECK(failure.code == Errc::token_unavailable);
            REQUIRE(failure.retryAt);
            CHECK(*failure.retryAt > shopper.site.clock.wall());
            CHECK(*failure.retryAt <= shopper.site.clock.wall() + 60s);
            nextTry = *failure.retryAt;
        }
        CHECK(shopper.asked() == askedBefore + (due ? 1 : 0));
        shopper.age(1s);
    }
    CHECK(shopper.asked() > 10);  // it does not give up
    CHECK(shopper.asked() <= 30);
    CHECK(shopper.session.active() == shopper.before->tokens);
    shopper.checkRecovers();
}

TEST_CASE("429 with a Retry-After: no exchange before, for 5 min at most, and the session is kept [3]") {
    Shopper shopper;
    shopper.expire();
    std::chrono::seconds pause{30};
    const auto fail = [&](const std::string& retryAfter, const std::string& date = std::string()) {
        ScriptedReply reply(429, "{}", {{"Retry-After", retryAfter}});
        if (!date.empty()) reply.headers.emplace_back("Date", date);
        shopper.site.fake.failNext("token", 1, reply);
    };
    SUBCASE("30") { fail("30"); }
    SUBCASE("an hour: no endpoint takes a session away for that long") {
        pause = 5min;
        fail("3600");
    }
    SUBCASE("a date counts from the answer's own, whatever the time is here") {
        fail("Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT");
    }
    SUBCASE("a date an hour later") {
        pause = 5min;
        fail("Sun, 06 Nov 1994 09:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT");
    }
    SUBCASE("a date in an answer that has no other") {
        const auto here = detail::parseHttpDate("Thu, 03 Jan 2030 10:00:00 GMT", detail::WallTime());
        REQUIRE(here);
        shopper.site.clock.jump(std::chrono::floor<std::chrono::seconds>(*here - shopper.site.clock.wall()));
        shopper.site.fake.answerRaw("token", answer("{}", "Retry-After: Thu, 03 Jan 2030 10:00:30 GMT\r\n", 429),
                                    false);
    }
    REQUIRE(pauseOf(shopper.session.noToken(), shopper.site) == pause);
    for (auto left = pause; left > 1s; left -= 1s) {
        shopper.age(1s);
        CHECK(shopper.session.noToken().code == Errc::token_unavailable);
    }
    CHECK(shopper.asked() == 1);
    shopper.checkUnchanged();
    shopper.age(1s);
    CHECK(shopper.session.goodToken()->generation == shopper.before->generation + 1);
    CHECK(shopper.asked() == 2);
    shopper.checkKept();
    CHECK(shopper.session.hasCart());
}

TEST_CASE("a firewall's page says nothing about the session, whatever its status and however often it comes [5]") {
    Shopper shopper;
    shopper.expire();
    std::uint64_t asked = 0;
    for (const int status : {403, 400, 401, 404, 403}) {
        CAPTURE(status);
        shopper.site.fake.failNext("token", 1, ScriptedReply(status, wafPage));
        const Failure failure = shopper.session.noToken();
        CHECK(failure.code == Errc::token_unavailable);
        CHECK_FALSE(has(failure.context, "blocked"));
        CHECK(shopper.asked() == ++asked);
        shopper.checkUnchanged();
        shopper.age(61s);
    }
    shopper.checkRecovers();
}

TEST_CASE("the endpoint is down and the token has 2 minutes left: it is served to its end [11]") {
    Shopper shopper;
    SUBCASE("503") { shopper.site.fake.failNext("token", always, ScriptedReply(503)); }
    SUBCASE("the connection is cut before the request was read") {
        shopper.site.fake.cutNext("token", always, CutPoint::beforeRequest);
    }
    SUBCASE("the connection is cut instead of an answer") {
        shopper.site.fake.cutNext("token", always, CutPoint::afterRequest);
    }
    shopper.toLast(120s);
    for (int left = 120; left > 0; left -= 5) {  // through the advisory part and the mandatory one
        CAPTURE(left);
        CHECK(shopper.session.goodToken() == shopper.before);
        CHECK(shopper.session.hasCart());
        shopper.age(5s);
    }
    shopper.site.settle();
    const auto asked = shopper.asked();
    CHECK(asked > 2);
    CHECK(asked <= 20);  // a cut one is replayed once
    shopper.session.noToken();
    shopper.checkUnchanged();
    shopper.checkRecovers();
}

TEST_CASE("the endpoint is down, 1000 calls a second with an advisory token: a few attempts, all calls served [12]") {
    Shopper shopper;
    shopper.toLast(120s);
    shopper.site.fake.failNext("token", always, ScriptedReply(503));
    for (int step = 0; step < 1000; ++step) {  // of 10 ms
        for (int call = 0; call < 10; ++call) REQUIRE(shopper.session.tokens().fresh() == shopper.before);
        shopper.site.settle();
        if (step % 100 == 0) CHECK(shopper.session.hasCart());
        shopper.age(10ms);
    }
    CHECK(shopper.asked() >= 3);
    CHECK(shopper.asked() <= 6);  // after 0.5, 1, 2, 4 s at least
    shopper.checkUnchanged();
    shopper.checkRecovers();
}

TEST_CASE("200 after three failures: one publication, and the backoff starts anew [13]") {
    Shopper shopper;
    shopper.expire();
    shopper.site.fake.failNext("token", 3, ScriptedReply(503));
    std::chrono::milliseconds first{0}, last{0};
    for (int i = 0; i < 3; ++i) {
        last = pauseOf(shopper.session.noToken(), shopper.site);
        if (i == 0) first = last;
        shopper.age(last);
    }
    CHECK(last > first);
    const auto after = shopper.session.goodToken();
    CHECK(after->generation == shopper.before->generation + 1);
    CHECK(shopper.asked() == 4);
    CHECK(shopper.session.goodToken() == after);
    CHECK(shopper.site.renewals() == 1);
    shopper.checkKept();
    CHECK(shopper.session.hasCart());

    shopper.age(4h);
    shopper.site.fake.failNext("token", 1, ScriptedReply(503));
    CHECK(pauseOf(shopper.session.noToken(), shopper.site) == first);
}
