#include "support/arguments.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

namespace wix::bench {

Arguments readArguments(int count, char** values) {
    Arguments read;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = values[i];
        if (argument == "--smoke") {
            read.smoke = true;
        } else if (argument == "--no-pin") {
            read.pin = false;
        } else if (argument == "--largest" && i + 1 < count && std::atoi(values[i + 1]) > 0) {
            read.largest = static_cast<std::size_t>(std::atoi(values[++i]));
        } else if (argument == "--rounds" && i + 1 < count && std::atoi(values[i + 1]) > 0) {
            read.rounds = static_cast<std::size_t>(std::atoi(values[++i]));
        } else {
            std::fprintf(stderr, "usage: %s [--smoke] [--no-pin] [--rounds N] [--largest N]\n", values[0]);
            std::exit(2);
        }
    }
    return read;
}

int runProgram(int count, char** values, void (*run)(const Arguments&)) {
    try {
        run(readArguments(count, values));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", values[0], error.what());
        return 1;
    }
}

}  // namespace wix::bench
