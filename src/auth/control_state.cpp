#include "auth/control_state.hpp"

#include <utility>

namespace wix::detail {

ControlState::Next ControlState::ask(BootTime now) {
    askedAt_ = now;
    if (sent_ != Sent::nothing) return Next::join;
    if (succeededAt_ && now - *succeededAt_ < successCounts) return Next::succeeded;
    retryAfter_.reset();  // the sessions that were told have waited for it
    if (failedAt_ && now - *failedAt_ < pauseAfterFailure) return Next::failed;
    // A refused token is kept: the refusal may have been a firewall's. After an hour another one replaces it.
    if ((refreshToken_.empty() || refused_) && mayGrant(now)) {
        sent_ = Sent::grant;
        return Next::grant;
    }
    if (refreshToken_.empty()) return Next::failed;
    return startRefresh(Sent::refresh);
}

ControlState::Next ControlState::startRefresh(Sent what) noexcept {
    sent_ = what;
    return Next::refresh;
}

ControlState::Next ControlState::answered(const TokenAnswer& answer, BootTime now) {
    const Sent sent = std::exchange(sent_, Sent::nothing);
    const bool granted = answer.verdict == TokenVerdict::granted;
    if (sent == Sent::grant) {
        // A grant whose response was lost may have made a visitor, too.
        if (granted || answer.verdict == TokenVerdict::lost) grantedAt_ = now;
        if (!granted || answer.refreshToken.empty()) return fail(answer, now);
        refreshToken_ = answer.refreshToken;
        refused_ = false;
        return startRefresh(Sent::refresh);
    }
    if (granted) {
        if (!answer.refreshToken.empty()) refreshToken_ = answer.refreshToken;
        refused_ = false;
        succeededAt_ = now;
        failedAt_.reset();
        return Next::succeeded;
    }
    // The endpoint may have rotated the refresh token.
    if (answer.verdict == TokenVerdict::lost && sent == Sent::refresh) return startRefresh(Sent::replay);
    if (answer.verdict == TokenVerdict::ambiguous) refused_ = true;
    if (answer.verdict == TokenVerdict::rejected) refreshToken_.clear();
    return fail(answer, now);
}

ControlState::Next ControlState::fail(const TokenAnswer& answer, BootTime now) {
    failedAt_ = now;
    succeededAt_.reset();
    retryAfter_ = answer.retryAfter;
    return Next::failed;
}

void ControlState::abandoned(BootTime now) noexcept {
    sent_ = Sent::nothing;
    failedAt_ = now;
}

bool ControlState::isForgettable(BootTime now) const noexcept {
    return sent_ == Sent::nothing && (!askedAt_ || now - *askedAt_ >= betweenGrants) && mayGrant(now);
}

}  // namespace wix::detail
