// `/_fake/state` and `/_fake/config`: the knobs over HTTP, for tests in other languages.
//
// A configuration has any of these members; each does what FakeWix's function of that name does:
//
//     {"accessTokenLifetime": 30,
//      "rotation": {"enabled": true, "graceSeconds": 10, "reuseRevokes": false},
//      "refreshTokenInReply": true,
//      "expireAccessTokens": true,
//      "revokeTokens": true | "<visitor id>",
//      "advanceClock": 60,
//      "rateLimit": {"perMinute": 200, "retryAfter": true},
//      "delay": {"<endpoint>": <milliseconds>},
//      "fail": [{"endpoint": "products", "count": 2, "status": 503, "body": "...", "headers": {"Retry-After": "1"}}],
//      "cut": [{"endpoint": "token", "count": 1, "at": "beforeRequest|afterRequest|afterHeaders|midBody"}],
//      "raw": [{"endpoint": "products", "bytes": "HTTP/1.1 ...", "thenClose": true}],
//      "hold": {"<endpoint>": "beforeEffect|beforeReply"},
//      "release": ["<endpoint>"],
//      "clearFaults": true}
#ifndef WIX_TESTING_BACKSTAGE_HPP
#define WIX_TESTING_BACKSTAGE_HPP

#include <boost/json/object.hpp>

#include <functional>
#include <string_view>
#include <vector>

#include "testing/http_message.hpp"

namespace wix::testing {
struct FakeWixState;
}

namespace wix::testing::detail {

class Core;

bool isBackstage(std::string_view path) noexcept;
HttpReply backstageAnswer(Core& core, const HttpRequest& request);

boost::json::object stateJson(const FakeWixState& state);

using ConfigChanges = std::vector<std::function<void(Core&)>>;
/// All changes of a `/_fake/config` body, in the order of its members. Throws Refusal (400) that names the first
/// member that is unknown or malformed; nothing is applied here.
ConfigChanges parseConfig(const boost::json::object& config);

}  // namespace wix::testing::detail

#endif
