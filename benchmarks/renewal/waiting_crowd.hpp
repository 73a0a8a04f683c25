// Many callers of one session at once, while the fake Wix holds the one answer that they wait for.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include "renewal/call_designs.hpp"

namespace wix::bench {

/// What one crowd has cost.
struct WaitingCost {
    WaitingCost() = default;
    double cpuMillis = 0;  ///< Of the client's thread, from the release of the answer until the last one has its token.
    double bytesPerCaller = 0;  ///< Of heap, while they wait.
    std::uint64_t exchanges = 0;
};

/// One io_context on one thread, with a connection open, as in a server that is at work.
class WaitingCrowd {
public:
    /// `design`: call_designs.hpp says which there are.
    WaitingCrowd(testing::FakeWix& fake, std::string design);

    const Tokens& expiredTokens() const { return session_.tokens; }
    /// Throws if a caller gets no token, or another one than the others with a design that shares a renewal.
    WaitingCost renew(std::size_t callers);
    /// The microseconds from the cancellation of one waiting caller until it has resumed: the median of some, spread over
    /// the crowd and cancelled one after the other.
    double cancelMicros(std::size_t callers);

private:
    void awaitAll(std::size_t callers);
    void run();

    testing::FakeWix& fake_;
    boost::asio::io_context io_{1};
    std::string design_;
    SharedSession session_;  // its token has expired
};

}  // namespace wix::bench
