// Many callers of one client at once, while the fake Wix holds the one answer that they wait for.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

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
    explicit WaitingCrowd(testing::FakeWix& fake);

    const Tokens& expiredTokens() const { return expired_; }
    /// Throws if a caller gets no token, or another one than the others.
    WaitingCost renew(std::size_t callers);
    /// The microseconds from the cancellation of one waiting caller until it has resumed: the median of some, spread over
    /// the crowd and cancelled one after the other.
    double cancelMicros(std::size_t callers);

private:
    Client client() const;
    void awaitAll();
    void run();

    testing::FakeWix& fake_;
    boost::asio::io_context io_{1};
    std::optional<Transport> transport_;
    Tokens expired_;
};

}  // namespace wix::bench
