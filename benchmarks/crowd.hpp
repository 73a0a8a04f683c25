// Many callers at once, while the fake Wix holds the one answer that they wait for.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include "renewal_design.hpp"

namespace wix::bench {

/// What one crowd has cost.
struct CrowdOutcome {
    CrowdOutcome() = default;
    double milliseconds = 0;  ///< From the first caller's coming until the last one has its token.
    double afterAnswer = 0;   ///< The part of it from the moment in which the fake lets the answer go; with hold only.
    double cpuAfterAnswer = 0;  ///< Its CPU time, the client thread's: what else the machine does is not in it.
    double bytesPerCaller = 0;  ///< Of heap, while they wait; with hold only.
    std::uint64_t exchanges = 0;
    std::uint64_t visitors = 0;
};

/// How the fake answers.
enum class Answer {
    held,  ///< After 50 ms, or when all callers wait, whichever is later: how long they take to come is not measured.
    delayed,  ///< After 50 ms each.
};

/// One io_context on one thread, with a connection open, as in a server that is at work.
class Crowd {
public:
    explicit Crowd(testing::FakeWix& fake);

    const ExpiredSession& session() const { return *session_; }
    /// Throws if a caller gets no token, or another one than the others while the answer is held.
    CrowdOutcome renew(RenewalDesign& design, std::size_t callers, Answer answer);
    /// The microseconds from the cancellation of one waiting caller until it has resumed: the median of some, spread over
    /// the crowd and cancelled one after the other.
    double cancelMicros(RenewalDesign& design, std::size_t callers);

private:
    void awaitAll();
    void run();
    std::uint64_t exchanges() const;

    testing::FakeWix& fake_;
    boost::asio::io_context io_{1};
    std::optional<ExpiredSession> session_;
};

}  // namespace wix::bench
