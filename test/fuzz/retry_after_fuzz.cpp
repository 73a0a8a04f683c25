// The dates and delays of HTTP, at any hour that a clock may show.
#include <chrono>
#include <cstring>
#include <string>

#include "base/backoff.hpp"
#include "fuzz/fuzz.hpp"

using namespace wix::detail;
using namespace wix::fuzz;

namespace {

/// Writes a moment as servers do.
std::string written(WallTime time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<seconds>(time - day));
    char text[64];
    const char* const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const char* const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT", weekdays[weekday(day).c_encoding()],
                  static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                  static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    WallTime now;
    if (size < sizeof now) return 0;
    std::memcpy(static_cast<void*>(&now), data, sizeof now);
    if (now < WallTime()) now = WallTime();  // no clock of ours goes back further
    const std::string text(reinterpret_cast<const char*>(data) + sizeof now, size - sizeof now);

    if (const auto delay = parseRetryAfter(text, now)) {
        require(delay->count() >= 0, "a delay is not negative");
        require(*delay <= std::chrono::seconds(1'000'000'000), "a delay has an upper bound");
    }
    if (const auto date = parseHttpDate(text)) {
        require(date->time_since_epoch().count() >= 0, "a date is not before 1970");
        require(std::chrono::floor<std::chrono::seconds>(*date) == *date, "a date has whole seconds");
        require(parseHttpDate(written(*date)) == date, "a date reads as written");
        if (text.substr(23, 2) != "60") require(written(*date).substr(4) == text.substr(4), "all of a date is read");
        if (text[0] == ' ' || text[0] == '\t') return 0;  // a header's value is trimmed first
        const auto delay = parseRetryAfter(text, *date - std::chrono::seconds(90));
        require(delay == std::chrono::seconds(90), "a date is a delay from now");
    }
    return 0;
}
