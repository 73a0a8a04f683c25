// Which handler answers which path. Pure.
#ifndef WIX_TESTING_ROUTER_HPP
#define WIX_TESTING_ROUTER_HPP

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "testing/encoding.hpp"
#include "testing/http_message.hpp"

namespace wix::testing::detail {

/// A request on its way to a handler.
struct Call {
    explicit Call(const HttpRequest& request) : request(request) {}

    const HttpRequest& request;
    std::vector<std::string> path;  ///< What stood at the `{}` of the pattern.
    std::string visitorId;          ///< Empty on routes that need no token.
    Time now{};
};

using Handler = std::function<HttpReply(const Call&)>;

enum class Access {
    open,     ///< Without a token.
    visitor,  ///< With a valid access token.
};
enum class Effect {
    read,
    write,  ///< The answer carries a new `X-Wix-Consistent`.
};

struct Route {
    Route(std::string_view endpoint, std::string_view method, std::string_view pattern, Access access, Effect effect,
          Handler handler);

    std::string_view endpoint;  ///< The name that knobs and counters use.
    std::string_view method;
    std::string_view pattern;  ///< `{}` stands for one segment.
    Access access;
    Effect effect;
    Handler handler;
};

struct Match {
    Match() = default;
    const Route* route = nullptr;
    std::vector<std::string> path;
    std::string allowed;  ///< Without a route: the methods that this path knows, comma-separated.
    std::string_view endpoint = "unknown";
};

class Router {
public:
    void add(Route route) { routes_.push_back(std::move(route)); }
    /// Earlier routes win. A HEAD or another method that no route has is no match.
    Match match(std::string_view method, std::string_view path) const;

private:
    std::vector<Route> routes_;
};

/// All names that a knob accepts.
const std::vector<std::string_view>& endpointNames();

}  // namespace wix::testing::detail

#endif
