// What `wix-fake` was asked to do. Pure.
#ifndef WIX_TESTING_COMMAND_LINE_HPP
#define WIX_TESTING_COMMAND_LINE_HPP

#include <wix/testing/fake_wix.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace wix::testing::detail {

inline constexpr std::string_view usage =
    "usage: wix-fake [--port N] [--token-lifetime SECONDS] [--plain] [--ca-file PATH]\n"
    "                [--state-file PATH] [--help]\n"
    "Serves a fake Wix on 127.0.0.1 until SIGTERM or SIGINT. Prints one line of JSON when it is ready.\n"
    "  --port N              0, the default, takes a free one\n"
    "  --token-lifetime S    of access tokens, in seconds; 14400 by default\n"
    "  --plain               HTTP instead of HTTPS\n"
    "  --ca-file PATH        a new file for the authority's certificate, removed at the end;\n"
    "                        by default a temporary one\n"
    "  --state-file PATH     keeps visitors, tokens and carts over restarts; by default memory only\n"
    "GET /_fake/state returns what has happened, GET /_fake/config the configuration. POST /_fake/config changes it;\n"
    "the members of its JSON object, each optional (docs/fake.md says more):\n"
    "  accessTokenLifetime   seconds, for tokens issued from now on\n"
    "  rotation              {enabled, graceSeconds, reuseRevokes}: renewals return a new refresh token\n"
    "  refreshTokenInReply   without rotation: renewals repeat the refresh token\n"
    "  expireAccessTokens    true: access tokens issued so far get a 401\n"
    "  revokeTokens          true, or a visitor id: its tokens are refused\n"
    "  advanceClock          seconds by which the clock of the fake moves forward\n"
    "  rateLimit             {perMinute, retryAfter}: more API calls get a 429; 0 is no limit\n"
    "  delay                 {endpoint: milliseconds} before a request takes effect\n"
    "  fail                  [{endpoint, count, status, body, headers}]: the next requests get this response\n"
    "  cut                   [{endpoint, count, at}]: the connection is cut\n"
    "  drip                  [{endpoint, count, pause}]: the response comes byte by byte, pause in milliseconds\n"
    "  raw                   [{endpoint, bytes, thenClose}]: the next request gets these bytes\n"
    "  hold                  {endpoint: beforeEffect or beforeReply}: requests wait\n"
    "  release               [endpoint]: they continue\n"
    "  clearFaults           true: no faults, delays, rate limit and held requests\n";

struct CommandLine {
    CommandLine() = default;
    FakeWixOptions options;
    std::string caFile;  ///< Empty: a temporary one.
    bool help = false;
    std::string error;  ///< Not empty: the others mean nothing.
};

CommandLine parseCommandLine(const std::vector<std::string_view>& arguments);

}  // namespace wix::testing::detail

#endif
