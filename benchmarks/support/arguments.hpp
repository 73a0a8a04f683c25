// The command line that all benchmarks share.
#pragma once

#include <cstddef>

namespace wix::bench {

struct Arguments {
    Arguments() = default;
    bool smoke = false;       ///< --smoke: only what is right or wrong, in a second or two.
    bool pin = true;          ///< --no-pin: client and server may move between cores.
    std::size_t largest = 0;  ///< --largest N: where a benchmark counts up to something, no further than that.
    std::size_t rounds = 0;   ///< --rounds N: instead of the benchmark's own number.
};

/// Prints what is wrong and ends the program if an argument is unknown.
Arguments readArguments(int count, char** values);

/// What main() of a program that measures by itself does: gives its exit code, and tells what it throws.
int runProgram(int count, char** values, void (*run)(const Arguments&));

}  // namespace wix::bench
