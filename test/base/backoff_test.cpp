#include "base/backoff.hpp"
#include "base/http_date.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace wix::detail;
using namespace std::chrono_literals;

namespace {

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr WallTime now{std::chrono::seconds(784'111'777)};

long long delay(const std::string& value, WallTime at = now) {
    const auto parsed = parseRetryAfter(value, at);
    return parsed ? parsed->count() : -1;
}

}  // namespace

TEST_CASE("full jitter: the bound doubles up to the cap, and the random number takes a part of it") {
    const auto bound = [](int failures) { return fullJitter(failures, 1s, 60s, 1.0); };
    CHECK(bound(1) == 1s);
    CHECK(bound(2) == 2s);
    CHECK(bound(3) == 4s);
    CHECK(bound(6) == 32s);
    CHECK(bound(7) == 60s);
    CHECK(bound(8) == 60s);
    CHECK(bound(1'000'000'000) == 60s);  // no overflow, and no long loop
    CHECK(fullJitter(3, 1s, 60s, 0.0) == 0s);
    CHECK(fullJitter(3, 1s, 60s, 0.5) == 2s);
    CHECK(fullJitter(1, 1s, 60s, 0.0004) == 0ms);
}

TEST_CASE("full jitter: odd arguments") {
    CHECK(fullJitter(0, 1s, 60s, 1.0) == 1s);
    CHECK(fullJitter(-5, 1s, 60s, 1.0) == 1s);
    CHECK(fullJitter(1, 10s, 5s, 1.0) == 5s);  // the cap is a cap from the start
    CHECK(fullJitter(9, 0s, 60s, 1.0) == 0s);
    CHECK(fullJitter(2, 1s, 60s, 7.0) == 2s);
    CHECK(fullJitter(2, 1s, 60s, -7.0) == 0s);
    CHECK(fullJitter(99, 1ms, std::chrono::milliseconds(1LL << 60), 0.0) == 0ms);
}

TEST_CASE("Retry-After in seconds") {
    CHECK(delay("0") == 0);
    CHECK(delay("1") == 1'000);
    CHECK(delay("30") == 30'000);
    CHECK(delay(" \t30 \t") == 30'000);
    CHECK(delay("007") == 7'000);
    CHECK(delay("86400") == 86'400'000);
}

TEST_CASE("Retry-After in seconds: more than any number holds is a long time, not zero and no overflow") {
    CHECK(delay("2147483647") == 1'000'000'000'000);
    CHECK(delay("2147483648") == 1'000'000'000'000);
    CHECK(delay("9223372036854775808") == 1'000'000'000'000);
    CHECK(delay(std::string(5'000, '9')) == 1'000'000'000'000);
}

TEST_CASE("Retry-After as a date is the time until then, rounded up") {
    CHECK(delay("Sun, 06 Nov 1994 08:49:37 GMT") == 0);
    CHECK(delay("Sun, 06 Nov 1994 08:49:38 GMT") == 1'000);
    CHECK(delay("Sun, 06 Nov 1994 08:50:07 GMT") == 30'000);
    CHECK(delay("  Sun, 06 Nov 1994 08:50:07 GMT ") == 30'000);
    CHECK(delay("Mon, 07 Nov 1994 08:49:37 GMT") == 86'400'000);
    CHECK(delay("Sun, 06 Nov 1994 08:49:38 GMT", now + 999'500us) == 1);
    CHECK(delay("Wed, 29 Feb 2012 00:00:00 GMT") > 0);
    CHECK(delay("Sat, 31 Dec 2016 23:59:60 GMT") > 0);  // a leap second
}

TEST_CASE("Retry-After is read in all three forms of a date [C25]") {
    for (const char* value : {"Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:50:07 GMT",
                              "Sun Nov  6 08:50:07 1994", " \tSun Nov  6 08:50:07 1994 "}) {
        CAPTURE(value);
        CHECK(delay(value) == 30'000);
    }
}

TEST_CASE("Retry-After dates in the past are now") {
    CHECK(delay("Sun, 06 Nov 1994 08:49:36 GMT") == 0);
    CHECK(delay("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
    CHECK(delay("Mon, 01 Jan 1900 00:00:00 GMT") == 0);
    CHECK(delay("Sat, 01 Jan 0000 00:00:00 GMT") == 0);  // before what a clock of nanoseconds can tell
    CHECK(delay("Sun, 06 Nov 1994 08:49:37 GMT", now + 1ns) == 0);
}

TEST_CASE("Retry-After dates beyond the clock's range are a long time") {
    CHECK(delay("Fri, 31 Dec 9999 23:59:59 GMT") == 1'000'000'000'000);
    CHECK(delay("Tue, 01 Jan 2300 00:00:00 GMT") == 1'000'000'000'000);
    CHECK(delay("Tue, 19 Jan 2038 03:14:08 GMT") == 1'000'000'000'000);
}

TEST_CASE("Retry-After dates beyond the clock's range are a delay from a clock that is near its end") {
    const auto at = parseHttpDate("Fri, 11 Apr 2262 23:47:16 GMT", now);  // the last second of 2^63 nanoseconds
    REQUIRE(at);
    CHECK(delay("Fri, 11 Apr 2262 23:48:16 GMT", *at) == 60'000);
    CHECK(delay("Fri, 11 Apr 2262 23:48:16 GMT", *at + 1ns) == 60'000);
    CHECK(delay("Fri, 11 Apr 2262 23:48:16 GMT", *at + 1ms) == 59'999);
    CHECK(delay("Fri, 11 Apr 2262 23:46:16 GMT", *at) == 0);
}

TEST_CASE("every month is known") {
    const std::vector<std::pair<std::string, int>> starts{{"Jan", 0},   {"Feb", 31},  {"Mar", 59},  {"Apr", 90},
                                                          {"May", 120}, {"Jun", 151}, {"Jul", 181}, {"Aug", 212},
                                                          {"Sep", 243}, {"Oct", 273}, {"Nov", 304}, {"Dec", 334}};
    const WallTime newYear{std::chrono::seconds(788'918'400)};  // 1995
    for (const auto& [month, days] : starts) {
        CAPTURE(month);
        CHECK(delay("Sun, 01 " + month + " 1995 00:00:00 GMT", newYear) == days * 86'400'000LL);
    }
}

TEST_CASE("what is neither seconds nor a date of HTTP is nothing") {
    for (const char* value : {"",
                              " ",
                              "\t",
                              "-1",
                              "+1",
                              "1.5",
                              "1e3",
                              "0x10",
                              "30 s",
                              "30s",
                              "30,40",
                              "soon",
                              "NaN",
                              "inf",
                              "Sun, 06 Nov 1994 08:49:37 UTC",
                              "Sun, 06 Nov 1994 08:49:37 GMT+1",
                              "Sun, 06 Nov 1994 08:49:37",
                              "Sun, 6 Nov 1994 08:49:37 GMT",
                              "Sun, 00 Nov 1994 08:49:37 GMT",
                              "Sun, 31 Nov 1994 08:49:37 GMT",
                              "Sun, 29 Feb 1995 08:49:37 GMT",
                              "Sun, 06 nov 1994 08:49:37 GMT",
                              "Sun, 06 Xyz 1994 08:49:37 GMT",
                              "Sun, 06 Nov 1994 24:00:00 GMT",
                              "Sun, 06 Nov 1994 08:60:00 GMT",
                              "Sun, 06 Nov 1994 08:49:61 GMT",
                              "Sun, -6 Nov 1994 08:49:37 GMT",
                              "Sun, 06 Nov -994 08:49:37 GMT",
                              "Sun, 06 Nov 1994 -8:49:37 GMT",
                              "Sun, 0x Nov 1994 08:49:37 GMT",
                              "Sun; 06 Nov 1994 08:49:37 GMT",
                              "Sun, 06-Nov 1994 08:49:37 GMT",
                              "Sun, 06 Nov-1994 08:49:37 GMT",
                              "Sun, 06 Nov 1994-08:49:37 GMT",
                              "Sun, 06 Nov 1994 08.49:37 GMT",
                              "Sun, 06 Nov 1994 08:49.37 GMT"}) {
        CAPTURE(value);
        CHECK(delay(value) == -1);
    }
    CHECK(delay(std::string("3\0"
                            "0",
                            3)) == -1);
    CHECK(delay(std::string(100'000, 'x')) == -1);
}
