#include "testing/core.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "testing/backstage.hpp"
#include "testing/wix_error.hpp"

namespace wix::testing::detail {

namespace {

constexpr std::size_t logLength = 256;
constexpr std::size_t loggedBody = 64u << 10;

HttpReply scripted(const ScriptedReply& script) {
    HttpReply reply;
    reply.status = script.status;
    reply.headers = script.headers;
    reply.body = script.body;
    reply.exact = true;
    if (!script.body.empty() && findHeader(script.headers, "Content-Type").empty()) {
        const bool json = script.body.front() == '{' || script.body.front() == '[';
        reply.headers.emplace_back("Content-Type", json ? "application/json" : "text/html");
    }
    return reply;
}

void remember(std::deque<ReceivedRequest>& log, ReceivedRequest request) {
    if (log.size() == logLength) log.pop_front();
    log.push_back(std::move(request));
}

}  // namespace

void checkEndpoint(std::string_view name) {
    const auto& names = endpointNames();
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    std::string text = "wix::testing::FakeWix has no endpoint '" + std::string(name) + "', only";
    for (const std::string_view known : names) text.append(" ").append(known);
    throw std::invalid_argument(text);
}

Core::Core(std::uint64_t seed, std::chrono::seconds accessTokenLifetime) : site_(seed), requestIds_(seed + 10) {
    site_.tokens().setLifetime(accessTokenLifetime);
    for (const std::string_view name : endpointNames()) {
        if (name != "*") counts_[std::string(name)] = 0;
    }
}

Plan Core::onHead(const HttpRequest& head) {
    Plan plan;
    if (isBackstage(head.path)) return plan;
    const std::lock_guard lock(mutex_);
    plan.endpoint = site_.match(head.method, head.path).endpoint;
    ++counts_[plan.endpoint];
    plan.fault = faults_.take(plan.endpoint);
    plan.delay = faults_.delayOf(plan.endpoint);
    return plan;
}

void Core::record(const Plan& plan, const HttpRequest& request) {
    if (plan.endpoint.empty()) return;
    ReceivedRequest received;
    received.method = request.method;
    received.target = request.target;
    received.headers = request.headers;
    received.body = request.body.substr(0, loggedBody);
    const std::lock_guard lock(mutex_);
    remember(log_["*"], received);
    remember(log_[plan.endpoint], std::move(received));
}

HttpReply Core::answer(const Plan& plan, const HttpRequest& request) {
    if (plan.endpoint.empty()) return finished(backstageAnswer(*this, request));
    const auto* script = plan.fault ? std::get_if<ScriptedReply>(&*plan.fault) : nullptr;
    return finished(script != nullptr ? scripted(*script) : siteAnswer(request));
}

HttpReply Core::refuse(int status, std::string_view code, std::string_view description) {
    return finished(applicationError(status, code, description));
}

HttpReply Core::siteAnswer(const HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    const Match match = site_.match(request.method, request.path);
    // Wix limits API calls; what it does to token requests is not known.
    const bool limited = match.endpoint != "token" && match.endpoint != "token-info";
    const std::optional<std::chrono::seconds> wait = limited ? rateLimit_.refuse(now()) : std::nullopt;
    if (!wait) {
        HttpReply reply = site_.answer(match, request, now());
        mark(request, reply);
        if (!stateFile_.empty() && request.method != "GET") saveState();
        return reply;
    }
    ++rateLimited_;
    HttpReply reply = applicationError(429, "RESOURCE_EXHAUSTED", "Too many requests");
    if (retryAfter_) reply.headers.emplace_back("Retry-After", std::to_string(wait->count()));
    return reply;
}

/// With the lock held.
void Core::mark(const HttpRequest& request, HttpReply& reply) {
    const std::string marker(request.header("X-Request-Marker"));
    if (marker.empty()) return;
    reply.headers.emplace_back("X-Request-Marker", marker);
    if (reply.status != 401) ++markers_[marker];
}

// What every answer has, unless a test has dictated it.
HttpReply Core::finished(HttpReply reply) {
    const std::lock_guard lock(mutex_);
    if (findHeader(reply.headers, "Date").empty()) reply.headers.emplace_back("Date", formatHttpDate(now()));
    if (findHeader(reply.headers, "x-wix-request-id").empty()) {
        reply.headers.emplace_back("x-wix-request-id", requestIds_.next());
    }
    return reply;
}

void Core::connectionOpened() {
    const std::lock_guard lock(mutex_);
    ++openConnections_;
    ++totalConnections_;
}

void Core::connectionClosed() {
    const std::lock_guard lock(mutex_);
    --openConnections_;
}

void Core::setAccessTokenLifetime(std::chrono::seconds lifetime) {
    const std::lock_guard lock(mutex_);
    site_.tokens().setLifetime(lifetime);
}

void Core::setRotation(const Rotation& rotation) {
    const std::lock_guard lock(mutex_);
    site_.tokens().setRotation(rotation);
}

void Core::setRefreshTokenInReply(bool included) {
    const std::lock_guard lock(mutex_);
    site_.tokens().setRefreshTokenInReply(included);
}

void Core::expireAccessTokens() {
    const std::lock_guard lock(mutex_);
    site_.tokens().expireAccess();
}

void Core::revokeTokens() {
    const std::lock_guard lock(mutex_);
    site_.tokens().revokeAll();
}

void Core::revokeTokens(std::string_view visitorId) {
    const std::lock_guard lock(mutex_);
    site_.tokens().revoke(visitorId);
}

void Core::advanceClock(std::chrono::seconds by) {
    const std::lock_guard lock(mutex_);
    clockOffset_ += by;
}

void Core::queueFault(std::string_view endpoint, std::size_t count, Fault fault) {
    checkEndpoint(endpoint);
    const std::lock_guard lock(mutex_);
    faults_.queue(endpoint, count, std::move(fault));
}

void Core::setDelay(std::string_view endpoint, std::chrono::milliseconds delay) {
    checkEndpoint(endpoint);
    const std::lock_guard lock(mutex_);
    faults_.setDelay(endpoint, delay);
}

void Core::setRateLimit(std::size_t perMinute, bool retryAfter) {
    const std::lock_guard lock(mutex_);
    rateLimit_ = RateLimit(perMinute);
    retryAfter_ = retryAfter;
}

void Core::clearFaults() {
    {
        const std::lock_guard lock(mutex_);
        faults_.clear();
        rateLimit_ = RateLimit();
    }
    gate_.releaseAll();
}

FakeWixState Core::state() const {
    const std::lock_guard lock(mutex_);
    FakeWixState state;
    state.requests = counts_;
    state.tokens = site_.tokens().issued();
    state.visitors = site_.tokens().visitors();
    for (const auto& [visitorId, cart] : site_.shop().carts()) {
        CartSummary summary;
        summary.visitorId = visitorId;
        summary.lines = cart.lines().size();
        for (const CartLine& line : cart.lines()) summary.items += line.quantity;
        state.carts.push_back(std::move(summary));
    }
    state.reservations = site_.office().active(now());
    state.openConnections = openConnections_;
    state.totalConnections = totalConnections_;
    state.rateLimited = rateLimited_;
    state.consistencyIssued = site_.consistency().issued();
    state.consistencyReplayed = site_.consistency().replayed();
    state.consistencyForeign = site_.consistency().foreign();
    return state;
}

std::map<std::string, std::uint64_t> Core::markers() const {
    const std::lock_guard lock(mutex_);
    return markers_;
}

std::vector<ReceivedRequest> Core::requests(std::string_view endpoint) const {
    checkEndpoint(endpoint);
    const std::lock_guard lock(mutex_);
    const auto found = log_.find(endpoint);
    if (found == log_.end()) return {};
    return std::vector<ReceivedRequest>(found->second.begin(), found->second.end());
}

Time Core::now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) + clockOffset_;
}

}  // namespace wix::testing::detail
