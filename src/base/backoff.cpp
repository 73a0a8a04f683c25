#include "base/backoff.hpp"

#include <algorithm>
#include <charconv>

#include "base/http_date.hpp"

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

}  // namespace

std::optional<std::chrono::milliseconds> parseRetryAfter(std::string_view value, WallTime now) {
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (value.empty()) return std::nullopt;
    if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        // More digits than an int holds are a long time.
        return std::min(longTime, std::chrono::seconds(number(value).value_or(1'000'000'000)));
    }
    const auto date = readHttpDate(value, now);
    if (!date) return std::nullopt;
    // In seconds: a wall clock of nanoseconds ends in 2262, and "Fri, 31 Dec 9999" is a favourite of servers.
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (*date <= second) return std::chrono::milliseconds(0);
    if (*date > second + longTime) return longTime;
    return std::chrono::ceil<std::chrono::milliseconds>((*date - second) - (now - second));
}

}  // namespace wix::detail
