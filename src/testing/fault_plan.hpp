// Which request goes wrong, and how. Pure.
#ifndef WIX_TESTING_FAULT_PLAN_HPP
#define WIX_TESTING_FAULT_PLAN_HPP

#include <wix/testing/fake_wix.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace wix::testing::detail {

struct RawAnswer {
    RawAnswer() = default;
    RawAnswer(std::string bytes, bool thenClose) : bytes(std::move(bytes)), thenClose(thenClose) {}

    std::string bytes;
    bool thenClose = true;
};

/// The site's own answer, byte by byte.
struct Drip {
    explicit Drip(std::chrono::milliseconds between) : pause(between) {}
    std::chrono::milliseconds pause;
};

using Fault = std::variant<ScriptedReply, CutPoint, RawAnswer, Drip>;

class FaultPlan {
public:
    /// For `*`: for whichever endpoint has nothing of its own queued.
    void queue(std::string_view endpoint, std::size_t count, Fault fault);
    /// To be called once per request.
    std::optional<Fault> take(std::string_view endpoint);

    void setDelay(std::string_view endpoint, std::chrono::milliseconds delay);
    std::chrono::milliseconds delayOf(std::string_view endpoint) const;

    const std::map<std::string, std::chrono::milliseconds, std::less<>>& delays() const noexcept { return delays_; }
    /// Requests that will be disturbed, by endpoint.
    std::map<std::string, std::uint64_t> queued() const {
        std::map<std::string, std::uint64_t> counts;
        for (const auto& [endpoint, entries] : queues_)
            for (const Entry& entry : entries) counts[endpoint] += entry.left;
        return counts;
    }

    void clear();

private:
    struct Entry {
        std::size_t left;
        Fault fault;
    };
    std::optional<Fault> takeFrom(std::string_view key);

    std::map<std::string, std::deque<Entry>, std::less<>> queues_;
    std::map<std::string, std::chrono::milliseconds, std::less<>> delays_;
};

}  // namespace wix::testing::detail

#endif
