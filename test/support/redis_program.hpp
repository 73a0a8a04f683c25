// The Redis server that tests start themselves.
#pragma once

#include <string>

#include "support/child_process.hpp"
#include "support/skip.hpp"

namespace wix::test {

struct RedisProgram {
    std::string path;  ///< Empty if there is none.
    std::string name;  ///< argv[0]: the binary decides by it what it is.
};

/// Finds redis-server, or else redis-check-rdb, which is the same binary. Debian has the latter in redis-tools, which
/// starts no service.
inline RedisProgram findRedis() {
    RedisProgram program;
    program.name = "redis-server";
    program.path = findProgram("redis-server");
    if (program.path.empty()) program.path = findProgram("redis-check-rdb");
    return program;
}

/// Returns whether there is no Redis server, and skips the test case if so.
inline bool noRedis() {
    if (!findRedis().path.empty()) return false;
    skip("there is neither redis-server nor redis-check-rdb (Debian: redis-tools)");
    return true;
}

}  // namespace wix::test
