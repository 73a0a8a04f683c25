// Callers wait for one renewal: the CPU time to serve them once the answer is there, beside the least that waking so many
// handlers can cost, the memory of a waiting caller, and the time to cancel one.
#include <boost/json/object.hpp>

#include <cstdio>
#include <exception>

#include "renewal/posting_floor.hpp"
#include "renewal/waiting_crowd.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"

namespace json = boost::json;

namespace wix::bench {
namespace {

constexpr const char* client = "wix::Client";
constexpr const char* cpu = "CPU beyond the exchange";
constexpr const char* exchanges = "exchanges for waiters";
constexpr const char* bytes = "memory of a waiter";

json::object with(std::size_t callers) {
    json::object parameters;
    parameters["callers"] = callers;
    return parameters;
}

/// `blockBytes`: what a caller has that waits for a timer.
void tellFloor(std::size_t handlers, std::size_t blockBytes, const Tokens& tokens) {
    sample("posting handlers", with(handlers), cpu, "ms", postingMilliseconds(handlers, Posted(blockBytes)));
    sample("posting handlers without a block", with(handlers), cpu, "ms", postingMilliseconds(handlers, Posted()));
    sample("posting handlers that copy the tokens", with(handlers), cpu, "ms",
           postingMilliseconds(handlers, Posted(blockBytes, &tokens)));
    sample("a coroutine at a timer", with(handlers), bytes, "bytes", static_cast<double>(blockBytes));
}

void run(const Arguments& arguments) {
    if (arguments.pin) pinTo(Core::last);  // the fake's thread keeps to it
    testing::FakeWix fake;
    if (arguments.pin) pinTo(Core::first);
    WaitingCrowd crowd(fake);
    const std::size_t largest = arguments.smoke ? 1'000 : 100'000;
    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : 5;
    const auto blockBytes = static_cast<std::size_t>(timerWaitBytes(10'000));
    for (std::size_t round = 0; round < rounds; ++round) {
        const double alone = crowd.renew(1).cpuMillis;
        for (std::size_t callers = 100; callers <= largest; callers *= 10) {
            tellFloor(callers, blockBytes, crowd.expiredTokens());
            const WaitingCost cost = crowd.renew(callers);
            sample(client, with(callers), cpu, "ms", cost.cpuMillis - alone);
            sample(client, with(callers), exchanges, "count", static_cast<double>(cost.exchanges));
            // Fewer do not tell: what is made once would be in it.
            if (callers >= 1'000) sample(client, with(callers), bytes, "bytes", cost.bytesPerCaller);
            sample(client, with(callers), "cancelling one", "µs", crowd.cancelMicros(callers));
        }
    }
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
