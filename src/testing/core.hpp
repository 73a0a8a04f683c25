// The site and all that a test can do to it, behind one lock. What the connections ask, and what FakeWix calls.
#ifndef WIX_TESTING_CORE_HPP
#define WIX_TESTING_CORE_HPP

#include <wix/testing/fake_wix.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "testing/fault_plan.hpp"
#include "testing/gate.hpp"
#include "testing/http_message.hpp"
#include "testing/rate_limit.hpp"
#include "testing/site.hpp"

namespace wix::testing::detail {

/// What happens to one request, decided when its head has arrived.
struct Plan {
    Plan() = default;
    std::string endpoint;  ///< Empty for `/_fake/...`.
    std::optional<Fault> fault;
    std::chrono::milliseconds delay{0};

    bool cutsAt(CutPoint at) const noexcept {
        const CutPoint* cut = fault ? std::get_if<CutPoint>(&*fault) : nullptr;
        return cut != nullptr && *cut == at;
    }
    const Drip* drip() const noexcept { return fault ? std::get_if<Drip>(&*fault) : nullptr; }
    const RawAnswer* raw() const noexcept { return fault ? std::get_if<RawAnswer>(&*fault) : nullptr; }
};

/// Throws std::invalid_argument for a name that is no endpoint.
void checkEndpoint(std::string_view name);

/// Thread-safe.
class Core {
public:
    Core(std::uint64_t seed, std::chrono::seconds accessTokenLifetime);

    // ---- What a connection asks, in this order

    Plan onHead(const HttpRequest& head);
    /// The request as far as it has arrived.
    void record(const Plan& plan, const HttpRequest& request);
    HttpReply answer(const Plan& plan, const HttpRequest& request);
    /// For what never becomes a request.
    HttpReply refuse(int status, std::string_view code, std::string_view description);
    void connectionOpened();
    void connectionClosed();
    Gate& gate() noexcept { return gate_; }

    /// Where browsers find the pages of the site. To be set once, when the port is known.
    void setSiteUrl(std::string url);
    /// Loads the state from the file, if there is one, and saves it there after each change. Throws std::exception.
    void keepStateIn(const std::string& path);

    // ---- What a test does

    void setAccessTokenLifetime(std::chrono::seconds lifetime);
    void setRotation(const Rotation& rotation);
    void setRefreshTokenInReply(bool included);
    void expireAccessTokens();
    void revokeTokens();
    void revokeTokens(std::string_view visitorId);
    void advanceClock(std::chrono::seconds by);
    void queueFault(std::string_view endpoint, std::size_t count, Fault fault);
    void setDelay(std::string_view endpoint, std::chrono::milliseconds delay);
    void setRateLimit(std::size_t perMinute, bool retryAfter);
    void clearFaults();
    /// The configuration in effect, as `/_fake/config` returns it.
    boost::json::object config() const;
    FakeWixState state() const;
    std::map<std::string, std::uint64_t> markers() const;
    std::vector<ReceivedRequest> requests(std::string_view endpoint) const;

private:
    Time now() const;
    HttpReply siteAnswer(const HttpRequest& request);
    void saveState();
    void mark(const HttpRequest& request, HttpReply& reply);
    HttpReply finished(HttpReply reply);

    Gate gate_;
    mutable std::mutex mutex_;
    Site site_;
    std::string stateFile_;  // empty: the state is kept in memory only
    GuidSource requestIds_;
    FaultPlan faults_;
    RateLimit rateLimit_;
    bool retryAfter_ = false;
    std::chrono::seconds clockOffset_{0};
    std::map<std::string, std::uint64_t> counts_;
    std::map<std::string, std::deque<ReceivedRequest>, std::less<>> log_;  // by endpoint, and all at `*`
    std::map<std::string, std::uint64_t> markers_;
    std::uint64_t openConnections_ = 0;
    std::uint64_t totalConnections_ = 0;
    std::uint64_t rateLimited_ = 0;
};

}  // namespace wix::testing::detail

#endif
