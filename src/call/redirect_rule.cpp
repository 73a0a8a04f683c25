#include "call/redirect_rule.hpp"

#include <algorithm>
#include <functional>
#include <initializer_list>

#include "call/call_state.hpp"
#include "http/header_lookup.hpp"

namespace wix::detail {
namespace {

bool isAnyOf(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
    return std::any_of(names.begin(), names.end(), [name](auto one) { return equalsIgnoreCase(name, one); });
}

bool mayCrossOrigins(const Header& field) noexcept {
    return isAnyOf(field.first, {"User-Agent", "Accept", "Accept-Language"});
}

bool describesBody(const Header& field) noexcept {
    return isAnyOf(field.first, {"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"});
}

bool becomesGet(int status, std::string_view method) noexcept {
    if (status == 303) return method != "HEAD" && method != "GET";
    return (status == 301 || status == 302) && method == "POST";
}

/// Several are an attempt to be read differently by different readers.
std::optional<std::string_view> onlyLocation(const Headers& headers) noexcept {
    const auto isLocation = [](const Header& field) { return equalsIgnoreCase(field.first, "Location"); };
    if (std::count_if(headers.begin(), headers.end(), isLocation) != 1) return std::nullopt;
    return findHeader(headers, "Location");
}

}  // namespace

bool isRedirect(int status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

RedirectDecision followRedirect(const WireRequest& request, const HttpReply& reply, int left) {
    if (left <= 0) return RedirectDecision("no redirects left");
    const auto location = onlyLocation(reply.headers);
    if (!location) return RedirectDecision("a redirect without one Location");
    auto target = resolveLocation(*location, request.origin, request.target);
    if (!target) return RedirectDecision("a redirect to where nothing is sent");

    RedirectDecision decision("redirected");
    const bool toGet = becomesGet(reply.status, request.method);
    decision.leavesOrigin = target->origin != request.origin;
    decision.keepsBody = !toGet && (request.source || !request.body.empty());
    if (decision.leavesOrigin && decision.keepsBody)
        return RedirectDecision("a redirect with a body to another origin");

    WireRequest& next = decision.next.emplace(request);
    next.origin = std::move(target->origin);
    next.target = std::move(target->target);
    if (toGet) {
        next.method = "GET";
        next.body.clear();
        next.source.reset();
        std::erase_if(next.headers, describesBody);
    }
    if (decision.leavesOrigin) std::erase_if(next.headers, std::not_fn(mayCrossOrigins));
    // What its caller said of the first request may not be true of this one, and an empty POST follows as a POST.
    next.idempotent = isIdempotent(next.method, next.target) || hasIdempotencyKey(next.headers);
    return decision;
}

}  // namespace wix::detail
