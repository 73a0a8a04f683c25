#include "testing/router.hpp"

#include <optional>
#include <utility>

namespace wix::testing::detail {

namespace {

std::string_view takeSegment(std::string_view& path) {
    const auto slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    return segment;
}

std::optional<std::vector<std::string>> fit(std::string_view pattern, std::string_view path) {
    std::vector<std::string> found;
    while (!pattern.empty() && !path.empty()) {
        const std::string_view wanted = takeSegment(pattern);
        const std::string_view given = takeSegment(path);
        if (wanted == "{}" && !given.empty()) {
            found.emplace_back(given);
        } else if (wanted != given) {
            return std::nullopt;
        }
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return found;
}

}  // namespace

Route::Route(std::string_view endpointName, std::string_view methodName, std::string_view pathPattern,
             Access accessRule, Effect effectKind, Handler answer)
    : endpoint(endpointName),
      method(methodName),
      pattern(pathPattern),
      access(accessRule),
      effect(effectKind),
      handler(std::move(answer)) {}

Match Router::match(std::string_view method, std::string_view path) const {
    Match result;
    for (const Route& route : routes_) {
        std::optional<std::vector<std::string>> segments = fit(route.pattern, path);
        if (!segments) continue;
        if (route.method == method) {
            result.route = &route;
            result.endpoint = route.endpoint;
            result.path = std::move(*segments);
            return result;
        }
        if (result.allowed.empty()) result.endpoint = route.endpoint;
        result.allowed.append(result.allowed.empty() ? "" : ", ").append(route.method);
    }
    return result;
}

const std::vector<std::string_view>& endpointNames() {
    static const std::vector<std::string_view> names = {"token",   "token-info",   "products", "cart",    "events",
                                                        "tickets", "reservations", "redirect", "graphql", "unknown",
                                                        "*"};
    return names;
}

}  // namespace wix::testing::detail
