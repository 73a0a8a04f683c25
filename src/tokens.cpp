#include <wix/tokens.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <wix/error.hpp>

namespace json = boost::json;

namespace wix {
namespace {

/// The last second of the year 9999. Times beyond it come from broken clocks, and adding to them would overflow.
constexpr std::int64_t latest = 253'402'300'799;

[[noreturn]] void refuse(const std::string& member, const char* wanted) {
    throw Error(Errc::invalid_argument, "tokens: " + member + " must be " + wanted);
}

/// The member, or null if it is missing or null.
const json::value* presentAt(const json::object& parent, const char* member) {
    const json::value* found = parent.if_contains(member);
    return found && !found->is_null() ? found : nullptr;
}

const json::object& objectAt(const json::object& parent, const char* member) {
    const json::value* found = parent.if_contains(member);
    if (!found || !found->is_object()) refuse(member, "an object");
    return found->get_object();
}

std::string stringAt(const json::object& parent, const char* member, const std::string& path) {
    const json::value* found = parent.if_contains(member);
    if (!found || !found->is_string()) refuse(path, "a string");
    const json::string& text = found->get_string();
    return std::string(text.data(), text.size());
}

std::chrono::sys_seconds timeAt(const json::object& parent, const char* member, const std::string& path) {
    const json::value* found = parent.if_contains(member);
    if (!found || !found->is_number()) refuse(path, "a number");
    std::int64_t seconds = 0;
    if (found->is_uint64())
        seconds = static_cast<std::int64_t>(std::min(found->get_uint64(), static_cast<std::uint64_t>(latest)));
    else if (found->is_int64())
        seconds = std::clamp(found->get_int64(), std::int64_t{0}, latest);
    else if (std::isnan(found->get_double()))
        refuse(path, "a number");
    else  // clamped before the conversion: a double out of range has no integer
        seconds = static_cast<std::int64_t>(std::clamp(found->get_double(), 0.0, static_cast<double>(latest)));
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

TokenRole roleAt(const json::object& parent, const char* member, const std::string& path) {
    if (const auto role = tokenRoleFromString(stringAt(parent, member, path))) return *role;
    // Another label, such as one of a future SDK, is no visitor's and no member's: guessing could lose a session.
    refuse(path, "\"none\", \"visitor\" or \"member\"");
}

AccessToken accessTokenIn(const json::object& session) {
    if (!presentAt(session, "accessToken")) return AccessToken();
    const json::object& access = objectAt(session, "accessToken");
    AccessToken token;
    if (presentAt(access, "value")) token.value = stringAt(access, "value", "accessToken.value");
    if (presentAt(access, "expiresAt")) token.expiresAt = timeAt(access, "expiresAt", "accessToken.expiresAt");
    return token;
}

}  // namespace

std::string_view roleName(TokenRole role) noexcept {
    switch (role) {
        case TokenRole::none:
            return "none";
        case TokenRole::visitor:
            return "visitor";
        case TokenRole::member:
            return "member";
    }
    return "none";
}

std::optional<TokenRole> tokenRoleFromString(std::string_view name) noexcept {
    for (TokenRole role : {TokenRole::none, TokenRole::visitor, TokenRole::member})
        if (name == roleName(role)) return role;
    return std::nullopt;
}

json::value toJson(const Tokens& tokens) {
    json::object access;
    access["value"] = tokens.accessToken.value;
    access["expiresAt"] = std::int64_t{tokens.accessToken.expiresAt.time_since_epoch().count()};
    json::object refresh;
    refresh["value"] = tokens.refreshToken.value;
    refresh["role"] = roleName(tokens.refreshToken.role);
    json::object both;
    both["accessToken"] = std::move(access);
    both["refreshToken"] = std::move(refresh);
    return both;
}

Tokens tokensFromJson(const json::value& value) {
    if (!value.is_object()) throw Error(Errc::invalid_argument, "tokens: must be an object");
    AccessToken access = accessTokenIn(value.get_object());
    const json::object& refresh = objectAt(value.get_object(), "refreshToken");
    RefreshToken token(stringAt(refresh, "value", "refreshToken.value"), roleAt(refresh, "role", "refreshToken.role"));
    // Without a refresh token there is nothing to renew: half a session is none.
    if (token.value.empty()) {
        if (!presentAt(value.get_object(), "accessToken")) refuse("accessToken", "an object");
        if (!presentAt(value.get_object().at("accessToken").get_object(), "value"))
            refuse("accessToken.value", "a string");
    }
    return Tokens(std::move(access), std::move(token));
}

}  // namespace wix
