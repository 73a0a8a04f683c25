// Rows 46 and 47: the server has rotated the refresh token, and the answer is lost on the way.
#include "faults/aged_session.hpp"

using namespace wix;
using namespace wix::test;
using testing::CutPoint;
using testing::Rotation;

namespace {

/// All token requests that brought a refresh token, the latest last.
std::vector<std::string> bodies(const Shopper& shopper) {
    std::vector<std::string> found;
    for (const auto& request : shopper.site.fake.requests("token"))
        if (has(request.body, "refreshToken")) found.push_back(request.body);
    return found;
}

}  // namespace

TEST_CASE("a lost answer is asked for once more, promptly: a server with a grace time gives the same pair [46]") {
    CutPoint at = CutPoint::afterRequest;
    SUBCASE("no byte of it came") {}
    SUBCASE("its head came") { at = CutPoint::afterHeaders; }
    SUBCASE("half of it came") { at = CutPoint::midBody; }
    for (const TokenRole role : {TokenRole::visitor, TokenRole::member}) {
        Shopper shopper(role);
        shopper.site.fake.setRotation(Rotation(true, 60s, true));
        shopper.expire();
        shopper.site.fake.cutNext("token", 1, at);
        TokenOutcomes outcomes;
        shopper.session.startWaiting(outcomes, 10);
        shopper.site.settle();  // without a pause: the clock stands still
        REQUIRE(outcomes.size() == 10);
        for (const TokenOutcome& outcome : outcomes) REQUIRE(outcome.has_value());
        const detail::SnapshotPtr after = *outcomes.front();
        CHECK(shopper.asked() == 2);
        CHECK(shopper.site.observer->take() == Events{"started expired", "finished for 10"});
        REQUIRE(bodies(shopper).size() == 2);
        CHECK(bodies(shopper)[0] == bodies(shopper)[1]);
        CHECK(after->generation == shopper.before->generation + 1);
        CHECK(after->tokens.refreshToken.value != shopper.before->tokens.refreshToken.value);
        CHECK(after->tokens.refreshToken.role == role);
        CHECK(shopper.site.stored() == after->tokens);

        shopper.age(4h);  // the pair is the server's latest: it renews, and nothing was revoked
        CHECK(shopper.session.goodToken()->generation == after->generation + 1);
        CHECK(has(bodies(shopper).back(), after->tokens.refreshToken.value));
        CHECK(shopper.site.fake.state().visitors == 1);
        CHECK(shopper.session.hasCart());
    }
}

TEST_CASE("both answers are lost: backoff, and within the grace time the next try finds the pair [46]") {
    Shopper shopper;
    shopper.site.fake.setRotation(Rotation(true, 60s, true));
    shopper.expire();
    shopper.site.fake.cutNext("token", 2, CutPoint::afterRequest);
    const Failure failure = shopper.session.noToken();
    CHECK(failure.maybeSent);
    CHECK(shopper.asked() == 2);  // no third one
    shopper.checkUnchanged();
    shopper.age(pauseOf(failure, shopper.site));
    const Tokens after = shopper.session.goodToken()->tokens;
    CHECK(shopper.asked() == 3);
    CHECK(shopper.site.stored() == after);
    CHECK(after.refreshToken.value != shopper.before->tokens.refreshToken.value);
    CHECK(shopper.site.fake.state().visitors == 1);
    CHECK(shopper.session.hasCart());
}

TEST_CASE("the same at a server without a grace time: the replay is rejected, one terminal event, no loop [47]") {
    TokenRole role = TokenRole::visitor;
    SUBCASE("a visitor starts anew, once") {}
    SUBCASE("a member gets an error") { role = TokenRole::member; }
    bool revokes = false;
    SUBCASE("the server revokes the family on reuse") { revokes = true; }
    SUBCASE("it does not") {}
    Shopper shopper(role);
    shopper.site.fake.setRotation(Rotation(true, 0s, revokes));
    shopper.expire();
    shopper.site.fake.cutNext("token", 1, CutPoint::afterRequest);
    if (role == TokenRole::visitor) {
        const Tokens after = shopper.session.goodToken()->tokens;
        CHECK(shopper.asked() == 3);  // the lost one, its replay, the anonymous one
        CHECK(shopper.site.fake.state().visitors == 2);
        CHECK(after.refreshToken.value != shopper.before->tokens.refreshToken.value);
        CHECK(shopper.site.stored() == after);
        CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1",
                                                      "lost, new visitor for visitor", "started sessionLost",
                                                      "finished for 1"});
        for (int i = 0; i < 5; ++i) shopper.session.goodToken();
        CHECK(shopper.asked() == 3);
    } else {
        for (int i = 0; i < 5; ++i) {
            CHECK(shopper.session.noToken().code == Errc::session_expired);
            shopper.age(2min);
        }
        CHECK(shopper.asked() == 2);
        CHECK(shopper.site.fake.state().visitors == 1);
        CHECK(shopper.site.observer->take() == Events{"started expired", "failed for 1", "lost, of member"});
        shopper.checkUnchanged();
    }
    for (const std::string& event : shopper.site.observer->take()) CHECK_FALSE(has(event, "lost"));
}
