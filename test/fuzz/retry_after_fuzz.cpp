// The dates and delays of HTTP, at any hour that a clock may show.
#include <chrono>
#include <cstring>
#include <string>

#include "base/backoff.hpp"
#include "base/http_date.hpp"
#include "fuzz/fuzz.hpp"

using namespace wix::detail;
using namespace wix::fuzz;

namespace {

enum class Form { imf, rfc850, asctime };

/// Writes a moment as servers do.
std::string written(WallTime time, Form form) {
    using namespace std::chrono;
    namespace chrono = std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<seconds>(time - day));
    const char* const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    const char* const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const char* const weekday = weekdays[chrono::weekday(day).c_encoding()];
    const char* const month = months[static_cast<unsigned>(date.month()) - 1];
    const auto dayOfMonth = static_cast<unsigned>(date.day());
    const int year = static_cast<int>(date.year());
    char hour[16];
    std::snprintf(hour, sizeof hour, "%02d:%02d:%02d", static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    char text[64];
    if (form == Form::imf)
        std::snprintf(text, sizeof text, "%.3s, %02u %s %04d %s GMT", weekday, dayOfMonth, month, year, hour);
    if (form == Form::rfc850)
        std::snprintf(text, sizeof text, "%s, %02u-%s-%02d %s GMT", weekday, dayOfMonth, month, year % 100, hour);
    if (form == Form::asctime)
        std::snprintf(text, sizeof text, "%.3s %s %2u %s %04d", weekday, month, dayOfMonth, hour, year);
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
    if (const auto date = parseHttpDate(text, now)) {
        require(date->time_since_epoch().count() >= 0, "a date is not before 1970");
        require(std::chrono::floor<std::chrono::seconds>(*date) == *date, "a date has whole seconds");
        for (const Form form : {Form::imf, Form::asctime})
            require(parseHttpDate(written(*date, form), now) == date, "a date reads as written");
        // Two digits stand for years from 50 years ago, and no clock counts as older than 2025.
        if (*date >= std::chrono::sys_days(std::chrono::year(1976) / 1 / 1))
            require(parseHttpDate(written(*date, Form::rfc850), *date) == date, "a date reads as written");
        if (text.size() == 29 && text[3] == ',' && text.substr(23, 2) != "60")
            require(written(*date, Form::imf).substr(4) == text.substr(4), "all of a date is read");
        if (text[0] == ' ' || text[0] == '\t') return 0;  // a header's value is trimmed first
        if (text.find('-') != text.npos) return 0;        // another clock may mean another century
        const auto delay = parseRetryAfter(text, *date - std::chrono::seconds(90));
        require(delay == std::chrono::seconds(90), "a date is a delay from now");
    }
    return 0;
}
