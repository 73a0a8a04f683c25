#include "base/http_date.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>

namespace wix::detail {
namespace {

namespace chr = std::chrono;

/// A date and a time of day, not checked yet.
struct DateFields {
    int year = 0;
    unsigned month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

/// The number that `text` consists of. Nothing if a character is no digit.
std::optional<int> digits(std::string_view text) {
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = 10 * value + (c - '0');
    }
    return text.empty() ? std::nullopt : std::optional<int>(value);
}

/// The position of `name` in `names`, from 1; 0 if it is none of them.
template <std::size_t N>
unsigned positionOf(std::string_view name, const std::array<std::string_view, N>& names) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? 0 : static_cast<unsigned>(found - names.begin() + 1);
}

unsigned monthOf(std::string_view name) {
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return positionOf(name, months);
}

/// Whether `text` has the fixed characters of `form`. A `.` in `form` stands for any character.
bool hasForm(std::string_view text, std::string_view form) {
    return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                      [](char c, char expected) { return expected == '.' || c == expected; });
}

/// Reads `08:49:37`.
bool readTime(std::string_view text, DateFields& into) {
    const auto hour = digits(text.substr(0, 2)), minute = digits(text.substr(3, 2)), second = digits(text.substr(6, 2));
    if (!hour || !minute || !second) return false;
    into.hour = *hour;
    into.minute = *minute;
    into.second = *second;
    return true;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::optional<DateFields> readImfFixdate(std::string_view text) {
    DateFields fields;
    const auto day = digits(text.substr(5, 2)), year = digits(text.substr(12, 4));
    fields.month = monthOf(text.substr(8, 3));
    if (!day || !year || !readTime(text.substr(17, 8), fields)) return std::nullopt;
    fields.day = *day;
    fields.year = *year;
    return fields;
}

/// `Sun Nov  6 08:49:37 1994`
std::optional<DateFields> readAsctime(std::string_view text) {
    DateFields fields;
    const auto day = digits(text.substr(text[8] == ' ' ? 9 : 8, text[8] == ' ' ? 1 : 2));
    const auto year = digits(text.substr(20, 4));
    fields.month = monthOf(text.substr(4, 3));
    if (!day || !year || !readTime(text.substr(11, 8), fields)) return std::nullopt;
    fields.day = *day;
    fields.year = *year;
    return fields;
}

/// The latest year with the last two digits of `fields` for which the date is at most 50 years after `now`.
int fullYear(const DateFields& fields, WallTime now) {
    // A machine whose clock was never set shows 1970. No message comes from before this code.
    const auto reference =
        std::max(chr::floor<chr::seconds>(now), chr::sys_seconds(chr::sys_days(chr::year(2025) / 1 / 1)));
    const auto midnight = chr::floor<chr::days>(reference);
    const chr::year_month_day today(midnight);
    const chr::hh_mm_ss time(reference - midnight);
    const int limit = static_cast<int>(today.year()) + 50;
    const int year = limit - (limit - fields.year) % 100;
    const bool isBeyond =
        year == limit &&
        std::tuple(fields.month, static_cast<unsigned>(fields.day), fields.hour, fields.minute, fields.second) >
            std::tuple(static_cast<unsigned>(today.month()), static_cast<unsigned>(today.day()),
                       static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                       static_cast<int>(time.seconds().count()));
    return isBeyond ? year - 100 : year;
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`; `rest` begins after the comma.
std::optional<DateFields> readRfc850(std::string_view dayName, std::string_view rest, WallTime now) {
    static constexpr std::array<std::string_view, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                              "Thursday", "Friday", "Saturday"};
    if (positionOf(dayName, weekdays) == 0) return std::nullopt;
    DateFields fields;
    const auto day = digits(rest.substr(1, 2)), year = digits(rest.substr(8, 2));
    fields.month = monthOf(rest.substr(4, 3));
    if (!day || !year || !readTime(rest.substr(11, 8), fields)) return std::nullopt;
    fields.day = *day;
    fields.year = *year;
    fields.year = fullYear(fields, now);
    return fields;
}

std::optional<DateFields> readFields(std::string_view text, WallTime now) {
    if (hasForm(text, "..., .. ... .... ..:..:.. GMT")) return readImfFixdate(text);
    if (hasForm(text, "... ... .. ..:..:.. ....")) return readAsctime(text);
    const std::size_t comma = text.find(',');
    if (comma == text.npos || !hasForm(text.substr(comma + 1), " ..-...-.. ..:..:.. GMT")) return std::nullopt;
    return readRfc850(text.substr(0, comma), text.substr(comma + 1), now);
}

}  // namespace

// Fixed columns and English names, so that no locale matters.
std::optional<chr::sys_seconds> readHttpDate(std::string_view text, WallTime now) {
    const auto fields = readFields(text, now);
    if (!fields || fields->month == 0) return std::nullopt;
    const chr::year_month_day date{chr::year(fields->year), chr::month(fields->month),
                                   chr::day(static_cast<unsigned>(fields->day))};
    if (!date.ok() || fields->hour > 23 || fields->minute > 59 || fields->second > 60) return std::nullopt;
    return chr::sys_days(date) + chr::hours(fields->hour) + chr::minutes(fields->minute) + chr::seconds(fields->second);
}

std::optional<WallTime> parseHttpDate(std::string_view text, WallTime now) {
    const auto date = readHttpDate(text, now);
    // A wall clock of nanoseconds ends in 2262.
    if (!date || *date < chr::sys_seconds() || *date > chr::floor<chr::seconds>(WallTime::max())) return std::nullopt;
    return WallTime(*date);
}

}  // namespace wix::detail
