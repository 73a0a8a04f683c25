// What the fake Wix has received, for tests that must not crash or spin when it has received nothing.
#pragma once

#include <doctest/doctest.h>

#include <wix/testing/fake_wix.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "support/run.hpp"

namespace wix::test {

/// Runs the context until the fake holds `count` requests to the endpoint. Throws if that takes a minute.
inline void runUntilHeld(boost::asio::io_context& io, const testing::FakeWix& fake, const std::string& endpoint,
                         std::size_t count = 1) {
    runUntil(io, [&] { return fake.waitUntilHeld(endpoint, count, std::chrono::milliseconds(0)); });
}

/// The last request to the endpoint. The test case fails and ends if there was none.
inline testing::ReceivedRequest lastRequest(const testing::FakeWix& fake, const std::string& endpoint) {
    const std::vector<testing::ReceivedRequest> received = fake.requests(endpoint);
    REQUIRE_MESSAGE(!received.empty(), "the fake has received no request to ", endpoint);
    return received.back();
}

}  // namespace wix::test
