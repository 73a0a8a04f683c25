#include "http/connect_race.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wix::detail;

namespace {

Endpoint at(const char* address) { return Endpoint(boost::asio::ip::make_address(address), 443); }

std::vector<Endpoint> list(std::initializer_list<const char*> addresses) {
    std::vector<Endpoint> made;
    for (const char* one : addresses) made.push_back(at(one));
    return made;
}

std::string shown(ConnectRace::Next next) {
    return next == ConnectRace::Next::start ? "start" : next == ConnectRace::Next::wait ? "wait" : "lost";
}

}  // namespace

TEST_CASE("families take turns, beginning with the resolver's first") {
    CHECK(inTurn(list({})).empty());
    CHECK(inTurn(list({"192.0.2.1"})) == list({"192.0.2.1"}));
    CHECK(inTurn(list({"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"})) ==
          list({"2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"}));
    CHECK(inTurn(list({"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"})) ==
          list({"192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"}));
}

TEST_CASE("the next attempt begins when the timer fires, or when one fails") {
    ConnectRace race(3);
    CHECK(shown(race.begin()) == "start");
    CHECK(race.startNext() == 0);
    CHECK(shown(race.timerFired()) == "start");
    CHECK(race.startNext() == 1);
    CHECK(shown(race.attemptFailed()) == "start");  // one of the two runs on
    CHECK(race.startNext() == 2);
    CHECK_FALSE(race.canStart());
    CHECK(shown(race.timerFired()) == "wait");
    CHECK(shown(race.attemptFailed()) == "wait");
    CHECK(shown(race.attemptFailed()) == "lost");
}

TEST_CASE("one address, and none") {
    ConnectRace one(1);
    CHECK(shown(one.begin()) == "start");
    CHECK(one.startNext() == 0);
    CHECK(shown(one.attemptFailed()) == "lost");
    CHECK(shown(ConnectRace(0).begin()) == "lost");
}
