#include "redis/pending_releases.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace wix::detail;

namespace {

using namespace std::chrono_literals;

const BootTime start{};

LeaseRelease release(const std::string& word, BootTime until = BootTime::max()) {
    return LeaseRelease(RedisCommand{word}, std::make_shared<const bool>(true), until);
}

}  // namespace

TEST_CASE("redis releases: taken once, in their order, without those whose lease has ended") {
    PendingReleases pending;
    pending.add(release("a"));
    pending.add(release("b", start + 1s));
    pending.add(release("c", start + 2s));
    const auto taken = pending.take(start + 1s);
    REQUIRE(taken.size() == 2);
    CHECK(taken[0].command == RedisCommand{"a"});
    CHECK(taken[1].command == RedisCommand{"c"});
    CHECK(pending.take(start).empty());
}

TEST_CASE("redis releases: the oldest gives way when there are too many") {
    PendingReleases pending;
    for (std::size_t i = 0; i < PendingReleases::most + 2; ++i) pending.add(release(std::to_string(i)));
    const auto taken = pending.take(start);
    REQUIRE(taken.size() == PendingReleases::most);
    CHECK(taken.front().command == RedisCommand{"2"});
    CHECK(taken.back().command == RedisCommand{std::to_string(PendingReleases::most + 1)});
}
