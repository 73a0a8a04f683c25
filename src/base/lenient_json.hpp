// The JSON of response bodies: parsed strictly, and once more after a repair if its text was cut or is not UTF-8. Pure.
#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace wix::detail {

/// Maximum number of values in one body, objects and arrays included. Each takes memory and time to build.
inline constexpr std::size_t maxJsonValues = 1'000'000;
/// Maximum nesting of objects and arrays. Rich text nests deeper than the 32 levels of Boost.JSON's default.
inline constexpr std::size_t maxJsonDepth = 128;

enum class JsonProblem {
    none,
    notJson,        ///< The text is no JSON, also after the repair.
    tooManyValues,  ///< More than maxJsonValues.
    tooDeep,        ///< More than maxJsonDepth.
};

/// The outcome of parseJsonBody().
struct JsonBody {
    JsonBody() = default;
    JsonProblem problem = JsonProblem::notJson;
    boost::json::value value;  ///< Null if there is a problem.
    std::string repaired;      ///< The text that was parsed, if it had to be repaired; else empty.
};

/// Parses the JSON text of a response. If it is not valid, but becomes valid by repairJson(), the repaired text counts.
JsonBody parseJsonBody(std::string_view text);

/// Returns `text` without a leading byte order mark, with U+FFFD instead of each sequence that is not UTF-8 (in the
/// division of the WHATWG Encoding Standard) and instead of each escape `\uD800` to `\uDFFF` that has no other half.
std::string repairJson(std::string_view text);

/// Returns `text` behind its leading byte order mark, if it has one.
std::string_view withoutByteOrderMark(std::string_view text) noexcept;

/// Returns how many values the JSON text has. For a text that is no JSON the number has no meaning.
std::size_t countJsonValues(std::string_view text) noexcept;

}  // namespace wix::detail
