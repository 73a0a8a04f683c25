// The conformance test of TokenStorage, on a real Redis.
#include <wix/testing/storage_conformance.hpp>

#include "redis/redis_server.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;

TEST_CASE("RedisTokenStorage conforms, with another object over the same server [D3]") {
    if (noRedis()) return;
    RedisServer redis;
    asio::io_context io;
    testing::StorageConformanceOptions options;
    options.leaseTime = std::chrono::milliseconds(50);
    options.other = std::make_shared<RedisTokenStorage>(io.get_executor(), redis.url());
    const auto storage = std::make_shared<RedisTokenStorage>(io.get_executor(), redis.url());
    const std::vector<std::string> violations = runOn(io, testing::checkTokenStorage(storage, options));
    CHECK(violations.empty());
    for (const std::string& violation : violations) FAIL_CHECK(violation);
}
