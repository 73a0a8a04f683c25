// Wix's filter language over a flat record of field values. Pure.
#ifndef WIX_TESTING_QUERY_FILTER_HPP
#define WIX_TESTING_QUERY_FILTER_HPP

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wix::testing::detail {

/// The fields that a collection can be filtered and sorted by. A name that ends in `.` is a prefix of names.
using FieldNames = std::vector<std::string_view>;

bool isKnownField(const FieldNames& fields, std::string_view name) noexcept;

/// Throws Refusal (400) for an unknown operator, an unknown field or an operand of the wrong type.
/// Checking comes before matching, so that a bad filter is refused on an empty collection too.
void checkFilter(const boost::json::object& filter, const FieldNames& fields);

/// Whether `record` satisfies a filter that checkFilter accepts.
bool matches(const boost::json::object& record, const boost::json::object& filter);

/// Orders two scalars: -1, 0, 1; nullopt if they cannot be compared. A string that is a decimal number compares
/// with a number by value, as Wix's amounts are strings.
std::optional<int> compareValues(const boost::json::value& a, const boost::json::value& b) noexcept;

}  // namespace wix::testing::detail

#endif
