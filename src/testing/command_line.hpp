// What `wix-fake` was asked to do. Pure.
#ifndef WIX_TESTING_COMMAND_LINE_HPP
#define WIX_TESTING_COMMAND_LINE_HPP

#include <wix/testing/fake_wix.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace wix::testing::detail {

inline constexpr std::string_view usage =
    "usage: wix-fake [--port N] [--token-lifetime SECONDS] [--plain] [--ca-file PATH] [--help]\n"
    "Serves a fake Wix on 127.0.0.1 until SIGTERM or SIGINT. Prints one line of JSON when it is ready.\n"
    "  --port N              0, the default, takes a free one\n"
    "  --token-lifetime S    of access tokens, in seconds; 14400 by default\n"
    "  --plain               HTTP instead of HTTPS\n"
    "  --ca-file PATH        a new file for the authority's certificate, removed at the end;\n"
    "                        by default a temporary one\n"
    "State is at GET /_fake/state, knobs are at POST /_fake/config.\n";

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
