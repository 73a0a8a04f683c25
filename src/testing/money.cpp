#include "testing/money.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace wix::testing::detail {

namespace {

// The product of two sums of a full cart does not fit into 64 bits.
__extension__ using Wide = __int128;

}  // namespace

std::string formatCents(Cents cents) {
    const std::string sign = cents < 0 ? "-" : "";
    const Cents size = cents < 0 ? -cents : cents;
    std::string fraction = std::to_string(size % 100);
    if (fraction.size() < 2) fraction.insert(0, "0");
    return sign + std::to_string(size / 100) + "." + fraction;
}

std::optional<Cents> parseCents(std::string_view text) {
    const auto digits = [](std::string_view part) {
        return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    const auto point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? std::string_view("0") : text.substr(point + 1);
    if (whole.empty() || whole.size() > 7 || fraction.empty() || fraction.size() > 2) return std::nullopt;
    if (!digits(whole) || !digits(fraction)) return std::nullopt;
    Cents units = 0;
    Cents parts = 0;
    std::from_chars(whole.data(), whole.data() + whole.size(), units);
    std::from_chars(fraction.data(), fraction.data() + fraction.size(), parts);
    return units * 100 + (fraction.size() == 1 ? parts * 10 : parts);
}

boost::json::object moneyJson(Cents cents) {
    const std::string amount = formatCents(cents);
    const std::string formatted = "$" + amount;
    boost::json::object money;
    money["amount"] = amount;
    money["convertedAmount"] = amount;
    money["formattedAmount"] = formatted;
    money["formattedConvertedAmount"] = formatted;
    return money;
}

Cents percentOf(Cents cents, int percent) { return (cents * percent + 50) / 100; }

std::vector<Cents> distribute(Cents total, const std::vector<Cents>& weights) {
    std::vector<Cents> parts(weights.size(), 0);
    const Cents sum = std::accumulate(weights.begin(), weights.end(), Cents{0});
    if (sum == 0) return parts;
    Cents left = total;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        parts[i] = static_cast<Cents>(static_cast<Wide>(total) * weights[i] / sum);
        left -= parts[i];
    }

    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto remainder = [&](std::size_t i) {
        return static_cast<Cents>(static_cast<Wide>(total) * weights[i] % sum);
    };
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return remainder(a) > remainder(b); });
    for (std::size_t i = 0; left > 0; ++i, --left) ++parts[order[i]];
    return parts;
}

}  // namespace wix::testing::detail
