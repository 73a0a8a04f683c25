// Which redirects are followed, and with which request. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "http/http_reply.hpp"
#include "http/transport_interface.hpp"

namespace wix::detail {

/// 301, 302, 303, 307 and 308.
bool isRedirect(int status) noexcept;

/// What becomes of a redirect.
struct RedirectDecision {
    explicit RedirectDecision(std::string_view why) : reason(why) {}

    std::optional<WireRequest> next;  ///< Nothing: the redirect is the call's answer.
    std::string_view reason;          ///< Static text, as in CallDecision.
    /// The next request goes to another origin than the one that answered: it has none of what was meant for that one
    /// only. No token goes with it, nor with those that follow.
    bool leavesOrigin = false;
    bool keepsBody = false;  ///< It goes out once more.
};

/// `reply` is a redirect that answers `request`. `left`: so many may still be followed.
///
/// As browsers do, a POST becomes a GET after 301 and 302, and everything but HEAD after 303; 307 and 308 change nothing.
/// To another origin go User-Agent, Accept and Accept-Language alone, and no request with a body.
RedirectDecision followRedirect(const WireRequest& request, const HttpReply& reply, int left);

}  // namespace wix::detail
