#include "testing/command_line.hpp"

#include <charconv>
#include <optional>

namespace wix::testing::detail {

namespace {

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size() || value > max) return std::nullopt;
    return value;
}

}  // namespace

CommandLine parseCommandLine(const std::vector<std::string_view>& arguments) {
    CommandLine line;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view flag = arguments[i];
        if (flag == "--help") {
            line.help = true;
        } else if (flag == "--plain") {
            line.options.tls = false;
        } else if (flag == "--port" || flag == "--token-lifetime" || flag == "--ca-file" || flag == "--state-file") {
            const std::string_view value = ++i < arguments.size() ? arguments[i] : std::string_view();
            const std::optional<std::uint32_t> count = number(value, flag == "--port" ? 65'535 : 31'536'000);
            const bool isPath = flag.ends_with("-file");
            if (isPath ? value.empty() : !count) {
                line.error = std::string(flag) + " needs a " + (isPath ? "path" : "number");
                return line;
            }
            if (flag == "--port") line.options.port = static_cast<std::uint16_t>(*count);
            if (flag == "--token-lifetime") line.options.accessTokenLifetime = std::chrono::seconds(*count);
            if (flag == "--ca-file") line.caFile = value;
            if (flag == "--state-file") line.options.stateFile = value;
        } else {
            line.error = "unknown flag " + std::string(flag);
            return line;
        }
    }
    return line;
}

}  // namespace wix::testing::detail
