#include "auth/token_life.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace wix;
using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

constexpr BootTime start{5000s};
const RenewalWindows windows;

TokenLife granted(std::chrono::seconds life, double random = 0, std::chrono::nanoseconds took = 0s) {
    return lifeOfGranted(start, start + took, life, windows, random);
}
bool inOrder(const TokenLife& life) {
    return life.obtained <= life.advisory && life.advisory <= life.mandatory && life.mandatory <= life.dead;
}
Moment wallAt(std::chrono::nanoseconds wall) {
    return Moment(start, WallTime(std::chrono::duration_cast<WallTime::duration>(wall)), 0);
}
std::chrono::sys_seconds at(std::chrono::seconds wall) { return std::chrono::sys_seconds(wall); }

}  // namespace

TEST_CASE("the four states meet at the points, which belong to the later one") {
    TokenLife life;
    life.advisory = start + 10s;
    life.mandatory = start + 20s;
    life.dead = start + 30s;
    CHECK(life.at(start) == Freshness::fresh);
    CHECK(life.at(start + 10s - 1ns) == Freshness::fresh);
    CHECK(life.at(start + 10s) == Freshness::advisory);
    CHECK(life.at(start + 20s - 1ns) == Freshness::advisory);
    CHECK(life.at(start + 20s) == Freshness::mandatory);
    CHECK(life.at(start + 30s - 1ns) == Freshness::mandatory);
    CHECK(life.at(start + 30s) == Freshness::dead);
    CHECK(life.at(start + 24h) == Freshness::dead);
    CHECK(TokenLife().at(start) == Freshness::dead);  // no token at all
}

TEST_CASE("a token of Wix: 4 h, the last minute mandatory, the last minutes advisory") {
    const TokenLife life = granted(4h, 0.0);
    CHECK(life.obtained == start);
    CHECK(life.dead == start + 4h);
    CHECK(life.mandatory == start + 4h - 60s);
    CHECK(life.advisory == start + 4h - 200s);
    CHECK(granted(4h, 0.5).advisory == start + 4h - 250s);
    CHECK(granted(4h, 0.999).advisory < start + 4h - 299s);
    CHECK(granted(4h, 0.999).advisory >= start + 4h - 300s);
}

TEST_CASE("the windows shrink with the life, and never reach half of it") {
    for (const double random : {0.0, 0.3, 0.999}) {
        for (const auto life : {2s, 3s, 10s, 20s, 30s, 59s, 60s, 61s, 119s, 600s, 601s, 3600s, 14'400s, 604'800s}) {
            CAPTURE(life.count());
            CAPTURE(random);
            const TokenLife made = granted(life, random);
            CHECK(inOrder(made));
            CHECK(made.dead == start + life);
            CHECK(made.dead - made.mandatory <= std::chrono::nanoseconds(life) / 10);
            CHECK(made.dead - made.mandatory <= 60s);
            CHECK(made.dead - made.advisory < std::chrono::nanoseconds(life) / 2);
            CHECK(made.dead - made.advisory <= 300s);
            CHECK(made.at(start) == Freshness::fresh);  // or each use would renew
        }
    }
}

TEST_CASE("a life of 20 s renews about every 10 s") {
    const TokenLife life = granted(20s, 0.999);
    CHECK(life.advisory >= start + 10s);
    CHECK(life.advisory <= start + 11s);
}

TEST_CASE("the advisory window is at least its lower bound, where half of the life allows it") {
    CHECK(granted(100s).advisory == start + 70s);
    CHECK(granted(600s, 0.0).advisory == start + 480s);
    CHECK(granted(600s, 0.5).advisory == start + 450s);
}

TEST_CASE("a token ages from the start of its request: a slow answer makes it no younger") {
    const TokenLife slow = granted(60s, 0.0, 30s);
    CHECK(slow.dead == start + 60s);
    CHECK(slow.obtained == start + 30s);
    CHECK(slow.at(start + 55s) == Freshness::mandatory);
    CHECK(slow.at(start + 60s) == Freshness::dead);
}

TEST_CASE("dead on arrival: it serves a second, from when it came") {
    for (const auto& [life, took] : std::vector<std::pair<std::chrono::seconds, std::chrono::nanoseconds>>{
             {0s, 0s}, {0s, 40s}, {-5s, 0s}, {10s, 30s}, {10s, 10s}, {10s, 9500ms}}) {
        CAPTURE(life.count());
        const TokenLife made = granted(life, 0.5, took);
        CHECK(made.at(start + took) == Freshness::fresh);
        CHECK(made.at(start + took + 999ms) == Freshness::fresh);
        CHECK(made.at(start + took + 1s) == Freshness::dead);
    }
    CHECK(granted(10s, 0.5, 9s).dead == start + 10s);
}

TEST_CASE("a week is the longest that is believed") {
    CHECK(granted(std::chrono::seconds::max()).dead == start + 168h);
    CHECK(granted(1'000'000'000s).dead == start + 168h);
    CHECK(granted(std::chrono::seconds::min()).dead == start + 1s);
}

TEST_CASE("a caller's windows are kept") {
    RenewalWindows own;
    own.mandatory = 5min;
    own.advisoryMin = 10min;
    own.advisoryMax = 1h;
    const TokenLife life = lifeOfGranted(start, start, 4h, own, 0.0);
    CHECK(life.mandatory == start + 4h - 5min);
    CHECK(life.advisory == start + 4h - 40min);
    own.advisoryMin = own.advisoryMax = 1s;
    const TokenLife narrow = lifeOfGranted(start, start, 4h, own, 0.9);
    CHECK(inOrder(narrow));
    CHECK(narrow.advisory == narrow.mandatory);  // no room before the mandatory window
}

TEST_CASE("a token from elsewhere: the wall clock's rest of it, as of a life of 4 h") {
    const TokenLife life = lifeOfAdopted(at(1'000'600s), wallAt(1'000'000s), windows);
    CHECK(life.dead == start + 600s);
    CHECK(life.mandatory == start + 540s);
    CHECK(life.advisory == start + 400s);
    CHECK(inOrder(life));
    const TokenLife last = lifeOfAdopted(at(1'000'030s), wallAt(1'000'000s), windows);
    CHECK(last.at(start) == Freshness::mandatory);  // its last minute is its last minute
    CHECK(last.at(start + 30s) == Freshness::dead);
}

TEST_CASE("a token from elsewhere that is over") {
    for (const auto expiry : {1'000'000s, 999'999s, 0s, -1'000s}) {
        CAPTURE(expiry.count());
        CHECK(lifeOfAdopted(at(expiry), wallAt(1'000'000s), windows).at(start) == Freshness::dead);
        CHECK(lifeOfAdopted(at(expiry), wallAt(1'000'000s + 400ms), windows).at(start) == Freshness::dead);
    }
}

TEST_CASE("a token from elsewhere: fractions of the wall clock's second count") {
    const TokenLife life = lifeOfAdopted(at(1'000'010s), wallAt(1'000'000s + 250ms), windows);
    CHECK(life.dead == start + 9'750ms);
}

TEST_CASE("a token from elsewhere with any expiry at all: bounded, without overflow") {
    for (const auto expiry : {std::chrono::seconds::max(), 9'223'372'037s, 253'402'300'799s}) {
        const TokenLife life = lifeOfAdopted(at(expiry), wallAt(1'700'000'000s), windows);
        CHECK(life.dead == start + 168h);
        CHECK(life.at(start) == Freshness::fresh);
    }
    CHECK(lifeOfAdopted(at(std::chrono::seconds::min()), wallAt(1'700'000'000s), windows).at(start) == Freshness::dead);
}

TEST_CASE("a wall clock that is years ahead or behind only matters for tokens from elsewhere") {
    CHECK(lifeOfAdopted(at(1'700'000'000s), wallAt(1'900'000'000s), windows).at(start) == Freshness::dead);
    CHECK(lifeOfAdopted(at(1'700'000'000s), wallAt(0s), windows).dead == start + 168h);
}
