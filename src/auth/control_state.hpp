// The control of ambiguous refusals as a state machine: whether the token endpoint accepts refreshes of this client now.
// Pure. control_visitor.hpp sends its requests.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "auth/token_endpoint.hpp"
#include "base/clock.hpp"

namespace wix::detail {

/// What the sessions that asked are told.
struct ControlOutcome {
    ControlOutcome() = default;
    explicit ControlOutcome(Failure) {}
    ControlOutcome(bool success, std::optional<std::chrono::milliseconds> after)
        : succeeded(success), retryAfter(after) {}

    bool succeeded = false;
    std::optional<std::chrono::milliseconds> retryAfter;  ///< If it failed, and the response says so.
};

class ControlState {
public:
    /// A success counts for all sessions for this time.
    static constexpr std::chrono::seconds successCounts{10};
    /// After a failure no session asks again for this time.
    static constexpr std::chrono::minutes pauseAfterFailure{5};
    /// At most one visitor is made in this time.
    static constexpr std::chrono::hours betweenGrants{1};

    enum class Next {
        succeeded,  ///< No request is needed, or the last one succeeded.
        failed,     ///< The same for a failure.
        join,       ///< A request is in flight: wait for it.
        grant,      ///< Send an anonymous grant, and report with answered().
        refresh,    ///< Send a refresh with refreshToken(), and report with answered().
    };

    /// A session asks.
    Next ask(BootTime now);
    /// The response to the request in flight, or its absence.
    Next answered(const TokenAnswer& answer, BootTime now);

    /// There will be no response.
    void abandoned(BootTime now) noexcept;

    const std::string& refreshToken() const noexcept { return refreshToken_; }
    /// The Retry-After of the request that failed.
    std::optional<std::chrono::milliseconds> retryAfter() const noexcept { return retryAfter_; }
    /// Whether a new object would do as well.
    bool isForgettable(BootTime now) const noexcept;

private:
    enum class Sent { nothing, grant, refresh, replay };

    Next startRefresh(Sent what) noexcept;
    Next fail(const TokenAnswer& answer, BootTime now);
    bool mayGrant(BootTime now) const noexcept { return !grantedAt_ || now - *grantedAt_ >= betweenGrants; }

    Sent sent_ = Sent::nothing;
    std::string refreshToken_;
    bool refused_ = false;  // the endpoint refused it: it may be dead
    std::optional<BootTime> grantedAt_;
    std::optional<BootTime> succeededAt_;
    std::optional<BootTime> failedAt_;
    std::optional<BootTime> askedAt_;
    std::optional<std::chrono::milliseconds> retryAfter_;
};

}  // namespace wix::detail
