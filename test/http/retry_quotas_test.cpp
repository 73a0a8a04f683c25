#include "http/retry_quotas.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace wix;
using namespace wix::detail;

namespace {

TransportOptions quotaOf(std::size_t reserve, int percent) {
    TransportOptions options;
    options.retryReserve = reserve;
    options.retryPercent = percent;
    return options;
}

}  // namespace

TEST_CASE("each origin has a quota of its own") {
    RetryQuotas quotas(quotaOf(1, 100));
    const Origin a(true, "a.example", 443), otherPort(true, "a.example", 444), plain(false, "a.example", 443),
        otherHost(true, "b.example", 443);
    CHECK(quotas.takeRetry(a));
    CHECK_FALSE(quotas.takeRetry(a));
    for (const Origin& other : {otherPort, plain, otherHost}) {
        CHECK(quotas.takeRetry(other));
        CHECK_FALSE(quotas.takeRetry(other));
    }
    quotas.callBegins(otherHost);
    CHECK_FALSE(quotas.takeRetry(a));
    CHECK(quotas.takeRetry(otherHost));
    CHECK(quotas.size() == 4);
}

TEST_CASE("origins that have nothing to remember are forgotten when there are many") {
    RetryQuotas quotas(quotaOf(1, 0));
    const Origin failing(true, "failing.example", 443);
    CHECK(quotas.takeRetry(failing));
    for (int i = 0; i < 5000; ++i) quotas.callBegins(Origin(true, "host" + std::to_string(i), 443));
    CHECK(quotas.size() <= 1001);
    CHECK_FALSE(quotas.takeRetry(failing));
}

TEST_CASE("several threads share a quota, and none is given twice") {
    RetryQuotas quotas(quotaOf(10, 20));
    const Origin origin(true, "a.example", 443);
    std::atomic<int> retries{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int call = 0; call < 250; ++call) {
                quotas.callBegins(origin);
                retries += quotas.takeRetry(origin) + quotas.takeRetry(origin);
            }
        });
    threads.clear();
    CHECK(retries <= 210);
    CHECK(retries >= 200);
}
