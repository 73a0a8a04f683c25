// How the socket to Redis is set up.
#include <fcntl.h>
#include <netinet/tcp.h>

#include "redis/redis_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

TEST_CASE("redis socket: other programs do not inherit it, and the system watches over its other side") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    RedisOptions options;
    options.commandTimeout = 3'500ms;
    RedisTokenStorage storage(io.get_executor(), redis.url(), options);
    runOn(io, storage.connect());
    const int descriptor = descriptorTo(redis.port());
    REQUIRE(descriptor >= 0);
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    const auto option = [&](int level, int name) {
        int value = -1;
        socklen_t size = sizeof value;
        REQUIRE(::getsockopt(descriptor, level, name, &value, &size) == 0);
        return value;
    };
    CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 15);
    CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 4);
    CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 3'500);
}
