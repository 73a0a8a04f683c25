// A Redis server for the processes of a test, where wix::redis is built.
#pragma once

#ifdef WIX_TEST_REDIS

#include <wix/redis.hpp>

#include "processes/visitors.hpp"
#include "support/redis_program.hpp"

namespace wix::test {

class RedisServer {
public:
    RedisServer()
        : port_(freePort()),
          server_(folder_.path(), findRedis().path,
                  {"--bind", "127.0.0.1", "--port", std::to_string(port_), "--save", "", "--appendonly", "no"},
                  findRedis().name) {
        server_.waitForPort(port_);
    }
    SharedStorage shared(boost::asio::io_context& io) const {
        const std::string url = "redis://127.0.0.1:" + std::to_string(port_);
        return SharedStorage("redis:" + url, std::make_shared<RedisTokenStorage>(io.get_executor(), url));
    }

private:
    detail::test::TempDirectory folder_;
    std::uint16_t port_;
    ChildProcess server_;
};

}  // namespace wix::test

#endif
