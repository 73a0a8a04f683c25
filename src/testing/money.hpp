// Money in whole cents: sums are exact, and what is sent is a decimal string.
#ifndef WIX_TESTING_MONEY_HPP
#define WIX_TESTING_MONEY_HPP

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wix::testing::detail {

using Cents = std::int64_t;

inline constexpr std::string_view siteCurrency = "USD";

/// `1250` is `12.50`.
std::string formatCents(Cents cents);
/// `12.5`, `12` or `12.50`; nullopt for anything else, more than two decimals and amounts of 10^7 up included.
std::optional<Cents> parseCents(std::string_view text);
/// `{amount, convertedAmount, formattedAmount, formattedConvertedAmount}`
boost::json::object moneyJson(Cents cents);

/// `percent` of an amount, rounded half up.
Cents percentOf(Cents cents, int percent);

/// Divides `total` in proportion to `weights`; the parts add up to it exactly (largest remainder).
std::vector<Cents> distribute(Cents total, const std::vector<Cents>& weights);

}  // namespace wix::testing::detail

#endif
