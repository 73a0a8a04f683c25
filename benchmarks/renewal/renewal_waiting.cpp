// Callers wait for one renewal: the CPU time to serve them once the answer is there, beside the least that waking so many
// handlers can cost, the memory of a waiting caller, and the time to cancel one.
#include <boost/json/object.hpp>

#include <algorithm>
#include <vector>

#include "renewal/posting_floor.hpp"
#include "renewal/waiting_crowd.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"

namespace json = boost::json;

namespace wix::bench {
namespace {

constexpr const char* cpu = "CPU beyond the exchange";
constexpr const char* exchanges = "exchanges for waiters";
constexpr const char* bytes = "memory of a waiter";
constexpr std::size_t mostExchanges = 1'000;  // a round, where every caller makes one

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

/// One design.
class Subject {
public:
    Subject(const char* name, const char* design, std::size_t largest, testing::FakeWix& fake)
        : name_(name), largest_(largest), crowd_(fake, design) {
        crowd_.renew(100);  // connections are open after it
    }

    const Tokens& expiredTokens() const { return crowd_.expiredTokens(); }
    /// To be called before each round.
    void measureOne() { alone_ = crowd_.renew(1).cpuMillis; }
    void tell(std::size_t callers) {
        if (callers > largest_) return;
        const WaitingCost cost = crowd_.renew(callers);
        sample(name_, with(callers), exchanges, "count", static_cast<double>(cost.exchanges));
        // Fewer do not tell: what is made once would be in it, and one alone is no one among many.
        if (callers >= 100) sample(name_, with(callers), cpu, "ms", cost.cpuMillis - alone_);
        if (callers >= 1'000) sample(name_, with(callers), bytes, "bytes", cost.bytesPerCaller);
        if (callers >= 10) sample(name_, with(callers), "cancelling one", "µs", crowd_.cancelMicros(callers));
    }

private:
    const char* name_;
    std::size_t largest_;
    WaitingCrowd crowd_;
    double alone_ = 0;
};

void run(const Arguments& arguments) {
    if (arguments.pin) pinTo(Core::last);  // the fake's thread keeps to it
    testing::FakeWix fake;
    if (arguments.pin) pinTo(Core::first);
    const std::size_t largest = arguments.smoke ? 1'000 : 100'000;
    Subject client("wix::Client", "client", largest, fake);
    Subject lock("naive: a lock across the exchange", "lock", largest, fake);
    Subject every("naive: every caller renews", "every", std::min(largest, mostExchanges), fake);
    std::vector<Subject*> subjects;
    for (Subject* subject : {&client, &lock, &every}) subjects.push_back(subject);
    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : 5;
    const auto blockBytes = static_cast<std::size_t>(timerWaitBytes(10'000));
    for (std::size_t round = 0; round < rounds; ++round) {
        for (Subject* subject : subjects) subject->measureOne();
        for (std::size_t callers = 1; callers <= largest; callers *= 10) {
            if (callers >= 100) tellFloor(callers, blockBytes, client.expiredTokens());
            for (Subject* subject : subjects) subject->tell(callers);
        }
        std::reverse(subjects.begin(), subjects.end());
    }
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
