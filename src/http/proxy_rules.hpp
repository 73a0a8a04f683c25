// Who is reached through the proxy, and what the proxy is asked for. Pure. No text has the password.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wix/error.hpp>
#include <wix/options.hpp>

#include "http/url.hpp"

namespace wix::detail {

/// Errc::invalid_argument names the option: no host, a user name that Basic authentication cannot carry.
std::optional<Failure> checkProxy(const ProxyOptions& proxy);

/// Whether a connection to `origin` goes through `proxy`.
bool goesThroughProxy(const ProxyOptions& proxy, const Origin& origin);

/// The head of the request that asks for a tunnel to `origin` (RFC 9110 9.3.6). It has the password.
std::string connectRequest(const ProxyOptions& proxy, const Origin& origin);

/// Reads the value of an environment variable, `[http://][user:password@]host[:port][/]`; empty: no proxy.
/// Errc::invalid_argument names `variable`, and never the value.
result<ProxyOptions> parseProxy(std::string_view variable, std::string_view value);

/// Reads `NO_PROXY`: names and addresses, with a comma or blanks between them.
std::vector<std::string> parseNoProxy(std::string_view value);

}  // namespace wix::detail
