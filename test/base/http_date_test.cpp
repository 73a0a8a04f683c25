#include "base/http_date.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wix::detail;
using namespace std::chrono;

namespace {

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr sys_seconds example{seconds(784'111'777)};
constexpr WallTime now{seconds(1'796'083'200)};  // 2026-12-01 00:00:00

sys_seconds at(year_month_day date, seconds time = seconds(0)) { return sys_days(date) + time; }

}  // namespace

TEST_CASE("the three forms of an HTTP date are one moment [C25]") {
    CHECK(readHttpDate("Sun, 06 Nov 1994 08:49:37 GMT", now) == example);
    CHECK(readHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", now) == example);
    CHECK(readHttpDate("Sun Nov  6 08:49:37 1994", now) == example);
    CHECK(readHttpDate("Wed Nov 16 08:49:37 1994", now) == example + days(10));
    CHECK(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", now) == WallTime(example));
}

TEST_CASE("every weekday of RFC 850 is known, and its length does not matter [C25]") {
    for (const std::string day : {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}) {
        CAPTURE(day);
        CHECK(readHttpDate(day + ", 06-Nov-94 08:49:37 GMT", now) == example);
    }
}

TEST_CASE("a two-digit year is never more than 50 years ahead [C25]") {
    struct Row {
        const char* text;
        year_month_day date;
        seconds time;
    };
    for (const Row& row : {Row{"Tuesday, 01-Dec-26 00:00:00 GMT", 2026y / 12 / 1, 0s},
                           Row{"Thursday, 31-Dec-99 23:59:59 GMT", 1999y / 12 / 31, 86'399s},
                           Row{"Saturday, 01-Jan-00 00:00:00 GMT", 2000y / 1 / 1, 0s},
                           Row{"Tuesday, 29-Feb-00 00:00:00 GMT", 2000y / 2 / 29, 0s},
                           Row{"Tuesday, 30-Nov-76 00:00:00 GMT", 2076y / 11 / 30, 0s},
                           Row{"Tuesday, 01-Dec-76 00:00:00 GMT", 2076y / 12 / 1, 0s},
                           Row{"Tuesday, 01-Dec-76 00:00:01 GMT", 1976y / 12 / 1, 1s},
                           Row{"Tuesday, 02-Dec-76 00:00:00 GMT", 1976y / 12 / 2, 0s},
                           Row{"Tuesday, 01-Jan-77 00:00:00 GMT", 1977y / 1 / 1, 0s}}) {
        CAPTURE(row.text);
        CHECK(readHttpDate(row.text, now) == at(row.date, row.time));
    }
    const WallTime turn{sys_days(2099y / 12 / 31)};
    CHECK(readHttpDate("Friday, 01-Jan-00 00:00:00 GMT", turn) == at(2100y / 1 / 1));
    CHECK(readHttpDate("Friday, 31-Dec-99 00:00:00 GMT", turn) == at(2099y / 12 / 31));
    CHECK(readHttpDate("Monday, 29-Feb-00 00:00:00 GMT", turn) == std::nullopt);  // 2100 has none
}

TEST_CASE("a clock that was never set does not move a two-digit year into the past [C25]") {
    CHECK(readHttpDate("Tuesday, 01-Dec-26 00:00:00 GMT", WallTime()) == at(2026y / 12 / 1));
    CHECK(parseHttpDate("Tuesday, 01-Dec-26 00:00:00 GMT", WallTime()) == WallTime(at(2026y / 12 / 1)));
}

TEST_CASE("what only resembles a date of HTTP is none [C25]") {
    for (const char* text : {"Sunday, 06-Nov-1994 08:49:37 GMT",
                             "Sunday, 06 Nov 94 08:49:37 GMT",
                             "Sunday, 6-Nov-94 08:49:37 GMT",
                             "Sunday, 06-Nov-94 08:49:37 UTC",
                             "Sunday, 06-Nov-94 08:49:37",
                             "Sunday,06-Nov-94 08:49:37 GMT",
                             "sunday, 06-Nov-94 08:49:37 GMT",
                             "Sun, 06-Nov-94 08:49:37 GMT",
                             "Someday, 06-Nov-94 08:49:37 GMT",
                             ", 06-Nov-94 08:49:37 GMT",
                             "Sunday, 06-nov-94 08:49:37 GMT",
                             "Sunday, 31-Nov-94 08:49:37 GMT",
                             "Sunday, 00-Nov-94 08:49:37 GMT",
                             "Sunday, 29-Feb-95 08:49:37 GMT",
                             "Sunday, 06-Nov-94 24:49:37 GMT",
                             "Sunday, 06-Nov--4 08:49:37 GMT",
                             "Sun Nov 6 08:49:37 1994",
                             "Sun Nov  6 08:49:37 94",
                             "Sun Nov  6 08:49:37 1994 GMT",
                             "Sun Nov  6 8:49:37 1994",
                             "Sun Nov    08:49:37 1994",
                             "Sun Nov 31 08:49:37 1994",
                             "Sun Nov  0 08:49:37 1994",
                             "Sun nov  6 08:49:37 1994",
                             "Sun Nov -6 08:49:37 1994",
                             "Sun, Nov  6 08:49:37 1994",
                             "",
                             ","}) {
        CAPTURE(text);
        CHECK(readHttpDate(text, now) == std::nullopt);
    }
    CHECK(readHttpDate(std::string(100'000, ','), now) == std::nullopt);
    CHECK(parseHttpDate("Mon Jan  1 00:00:00 1900", now) == std::nullopt);  // before 1970
}
