#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <wix/options.hpp>

#include "http/proxy_rules.hpp"

namespace wix {
namespace {

/// The first of both that is set and not empty, and which one that is.
struct Variable {
    Variable(const char* upperCase, const char* lowerCase) : name(upperCase), value(valueOf(upperCase)) {
        if (!value.empty()) return;
        name = lowerCase;
        value = valueOf(lowerCase);
    }
    static std::string_view valueOf(const char* variable) {
        const char* set = std::getenv(variable);
        return set ? set : "";
    }
    const char* name;
    std::string_view value;
};

}  // namespace

ProxyOptions ProxyOptions::fromEnvironment() {
    const Variable proxy("HTTPS_PROXY", "https_proxy");
    auto parsed = detail::parseProxy(proxy.name, proxy.value);
    if (parsed.has_error()) throw Error(std::move(parsed).error());
    parsed->noProxy = detail::parseNoProxy(Variable("NO_PROXY", "no_proxy").value);
    parsed->noProxy.emplace_back("localhost");  // whoever sets such a variable means other machines
    return std::move(*parsed);
}

}  // namespace wix
