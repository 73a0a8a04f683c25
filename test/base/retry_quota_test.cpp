#include "base/retry_quota.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <random>

using namespace wix::detail;

namespace {

int takeAll(RetryQuota& quota) {
    int taken = 0;
    while (quota.takeRetry()) ++taken;
    return taken;
}

}  // namespace

TEST_CASE("retry quota: the reserve at once, and then a share of the calls") {
    RetryQuota quota(10, 20);
    CHECK(quota.isAsNew());
    CHECK(takeAll(quota) == 10);
    CHECK_FALSE(quota.isAsNew());
    for (int call = 1; call <= 4; ++call) {
        quota.callBegins();
        CHECK_FALSE(quota.takeRetry());
    }
    quota.callBegins();
    CHECK(takeAll(quota) == 1);
}

TEST_CASE("retry quota: healthy calls fill it up, and not over the reserve") {
    RetryQuota quota(10, 20);
    for (int call = 0; call < 100'000; ++call) quota.callBegins();
    CHECK(quota.isAsNew());
    CHECK(takeAll(quota) == 10);
    for (int call = 0; call < 25; ++call) quota.callBegins();
    CHECK(takeAll(quota) == 5);
    for (int call = 0; call < 51; ++call) quota.callBegins();
    CHECK(takeAll(quota) == 10);
}

TEST_CASE("retry quota: its ends") {
    RetryQuota none(0, 0);
    for (int call = 0; call < 1000; ++call) none.callBegins();
    CHECK_FALSE(none.takeRetry());
    RetryQuota shareOnly(0, 20);
    CHECK_FALSE(shareOnly.takeRetry());
    for (int call = 0; call < 1000; ++call) shareOnly.callBegins();
    CHECK(takeAll(shareOnly) == 1);
    RetryQuota reserveOnly(3, 0);
    reserveOnly.callBegins();
    CHECK(takeAll(reserveOnly) == 3);
    reserveOnly.callBegins();
    CHECK(takeAll(reserveOnly) == 0);
    RetryQuota all(0, 100);
    for (int call = 0; call < 100; ++call) {
        all.callBegins();
        CHECK(takeAll(all) == 1);
    }
}

TEST_CASE("retry quota: any 1 000 calls in a row are repeated at most 210 times, in whatever order things come") {
    std::mt19937 random(17);
    for (int round = 0; round < 50; ++round) {
        RetryQuota quota(10, 20);
        for (auto healthy = random() % 1000; healthy > 0; --healthy) quota.callBegins();
        int calls = 0, retries = 0;
        while (calls < 1000) {
            for (auto burst = 1 + random() % 64; burst > 0 && calls < 1000; --burst, ++calls) quota.callBegins();
            for (auto wanted = random() % 200; wanted > 0; --wanted) retries += quota.takeRetry();
        }
        CHECK(retries <= 210);
    }
}
