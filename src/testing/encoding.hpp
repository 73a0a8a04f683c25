// How bytes are written as text: base64url, percent escapes, dates, GUIDs.
#ifndef WIX_TESTING_ENCODING_HPP
#define WIX_TESTING_ENCODING_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace wix::testing::detail {

/// The server's wall clock, as a parameter.
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// Without padding.
std::string base64UrlEncode(std::string_view bytes);
/// Accepts padding. nullopt for anything that is not base64url.
std::optional<std::string> base64UrlDecode(std::string_view text);

enum class PlusSign {
    kept,   ///< In a path, `+` is a plus sign.
    space,  ///< In a form, `+` is a space.
};
/// A `%` that starts no escape stays as it is.
std::string percentDecode(std::string_view text, PlusSign plus);
/// For a query value: all but unreserved characters are escaped.
std::string percentEncode(std::string_view text);

/// RFC 3339 with milliseconds, as in `2026-01-02T03:04:05.006Z`.
std::string formatTime(Time time);
/// As in a Date header: `Fri, 02 Jan 2026 03:04:05 GMT`.
std::string formatHttpDate(Time time);

bool isGuid(std::string_view text) noexcept;

/// Random version-4 GUIDs; the same seed gives the same ones.
class GuidSource {
public:
    explicit GuidSource(std::uint64_t seed) : random_(seed) {}
    std::string next();

private:
    std::mt19937_64 random_;
};

}  // namespace wix::testing::detail

#endif
