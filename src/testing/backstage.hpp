// `/_fake/state` and `/_fake/config`: the knobs over HTTP, for tests in other languages.
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
