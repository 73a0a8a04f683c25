#include "base/backoff.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace wix::detail {

std::chrono::milliseconds fullJitter(int failures, std::chrono::milliseconds first, std::chrono::milliseconds most,
                                     double random) {
    auto bound = std::min(first, most);
    for (int i = 1; i < failures && bound < most; ++i) bound = std::min(bound * 2, most);
    return std::chrono::milliseconds(
        static_cast<std::chrono::milliseconds::rep>(static_cast<double>(bound.count()) * std::clamp(random, 0.0, 1.0)));
}

namespace {

constexpr std::chrono::seconds longTime{1'000'000'000};  // every user of a Retry-After caps it anyway

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
    return value;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: fixed columns, so no locale and no strptime.
std::optional<std::chrono::sys_seconds> dateOf(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[7] != ' ' ||
        text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
        return std::nullopt;
    const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
    const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4));
    const auto hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)),
               second = number(text.substr(23, 2));
    if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(month - months.begin() + 1)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
}

}  // namespace

std::optional<WallTime> parseHttpDate(std::string_view text) {
    const auto date = dateOf(text);
    // A wall clock of nanoseconds ends in 2262.
    if (!date || *date < std::chrono::sys_seconds() ||
        *date > std::chrono::floor<std::chrono::seconds>(WallTime::max()))
        return std::nullopt;
    return WallTime(*date);
}

std::optional<std::chrono::milliseconds> parseRetryAfter(std::string_view value, WallTime now) {
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (value.empty()) return std::nullopt;
    if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        // More digits than an int holds are a long time.
        return std::min(longTime, std::chrono::seconds(number(value).value_or(1'000'000'000)));
    }
    const auto date = dateOf(value);
    if (!date) return std::nullopt;
    // In seconds: a wall clock of nanoseconds ends in 2262, and "Fri, 31 Dec 9999" is a favourite of servers.
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (*date <= second) return std::chrono::milliseconds(0);
    if (*date > second + longTime) return longTime;
    return std::chrono::ceil<std::chrono::milliseconds>((*date - second) - (now - second));
}

}  // namespace wix::detail
