#include "http/http_transport.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "http/content_decoder.hpp"
#include "http/header_lookup.hpp"
#include "http/resend_rule.hpp"
#include "http/streamed_exchange.hpp"

namespace asio = boost::asio;

namespace wix::detail {
namespace {

/// A server that restarts closes all idle connections at once. A request of which no byte could be sent is not counted
/// (see WireRequest::resentOnStale), but it does not try all of them.
constexpr int mostResends = 2;
constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// Undoes the content coding. A failure names the request and keeps the request id.
result<HttpReply> decoded(HttpReply reply, const WireRequest& request) {
    const auto coding = findListHeader(reply.headers, "content-encoding");
    if (!coding || reply.body.empty() || request.keepsCoding()) return reply;
    const std::size_t errorLimit = reply.status >= 300 ? request.maxErrorBodyBytes : unlimited;
    result<std::string> content =
        reply.status == 206 && isCoded(*coding)
            ? Failure(Errc::response_invalid, "HTTP response: a range of an encoded body cannot be decoded")
            : decodeContent(*coding, std::move(reply.body), std::min(request.maxBodyBytes, errorLimit));
    if (content.has_error()) {
        if (errorLimit != unlimited && content.error().code == Errc::response_too_large) {
            reply.body.clear();
            return reply;
        }
        Failure failure = std::move(content).error();
        failure.context = request.describe() + ": " + failure.context;
        failure.requestId = std::string(findHeader(reply.headers, "x-wix-request-id").value_or(std::string_view()));
        failure.maybeSent = true;
        return failure;
    }
    reply.body = std::move(*content);
    return reply;
}

/// `Keep-Alive: timeout=5, max=100`: what is idle for longer will be closed, maybe just when it is used again.
std::optional<std::chrono::seconds> keepAliveOf(const HttpReply& reply) {
    const auto value = findListHeader(reply.headers, "keep-alive");
    const std::size_t at = value ? value->find("timeout=") : std::string::npos;
    if (at == std::string::npos) return std::nullopt;
    const std::string_view digits = std::string_view(*value).substr(at + 8);
    int seconds = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), seconds).ec != std::errc() || seconds < 0)
        return std::nullopt;
    return std::chrono::seconds(std::max(0, seconds - 1));  // it counts from before this answer was here
}

/// What the answer says about the connection: on one that was misdirected (421) the next request would be too.
void keep(ConnectionPool::Lease& lease, const ExchangeOutcome& outcome) {
    lease.setReusable(outcome.reusable && (outcome.reply.has_error() || outcome.reply->status != 421));
    if (!outcome.reusable || outcome.reply.has_error()) return;
    if (const auto idle = keepAliveOf(*outcome.reply)) lease.setIdleTime(*idle);
}

void reportResend(const WireRequest& request, const Failure& failure) noexcept {
    if (!request.observer) return;
    try {
        RequestRetried event;
        event.request = request.describe();
        event.attempt = request.attempt;
        event.reason = failure.code == Errc::response_invalid
                           ? "an idle connection had bytes that belong to no response"
                           : "an idle connection was closed by the server";
        event.error = failure.code;
        request.observer->requestRetried(event);
    } catch (...) {  // an observer harms no call
    }
}

}  // namespace

HttpTransport::HttpTransport(asio::any_io_executor executor, const TransportOptions& options, TlsContextPtr tls,
                             NameLookupFactory lookup, const Clock& clock)
    : clock_(clock),
      quotas_(options),
      maxBackground_(options.maxBackgroundRenewals),
      pool_(std::make_shared<ConnectionPool>(std::move(executor), options, std::move(tls), std::move(lookup), clock)) {
    registerIdleDescriptors(pool_);
}

// -- Requests ----------------------------------------------------------------------------------------------------------

asio::awaitable<result<HttpReply>> HttpTransport::send(WireRequestPtr request, WaitLimits limits) {
    return exchange(shared_from_this(), std::move(request), std::move(limits));
}

// The frames of these are kept small, like those of calls: see call_runner.hpp.

asio::awaitable<result<HttpReply>> HttpTransport::exchange(std::shared_ptr<HttpTransport> self, WireRequestPtr request,
                                                           WaitLimits limits) {
    for (int resends = mostResends;; --resends) {
        Lease lease = self->taken(*request);
        if (!lease) {
            result<Lease> opened = co_await connected(self, request, limits);
            if (opened.has_error()) co_return std::move(opened).error();
            lease = std::move(*opened);
        }
        if (isStreamed(*request)) {
            ExchangeOutcome outcome = co_await streamedExchange(*lease, request, limits);
            if (self->conclude(outcome, lease, *request, resends)) co_return std::move(outcome.reply);
        } else {
            ExchangeOutcome outcome = co_await lease->exchange(request, limits);
            if (self->conclude(outcome, lease, *request, resends)) co_return std::move(outcome.reply);
        }
    }
}

/// A connection that is idle, if there is one, and this is no child of a fork.
HttpTransport::Lease HttpTransport::taken(const WireRequest& request) {
    return checkProcess() ? Lease() : pool_->tryTake(request);
}

/// A connection that is open now.
asio::awaitable<result<HttpTransport::Lease>> HttpTransport::connected(std::shared_ptr<HttpTransport> self,
                                                                       WireRequestPtr request, WaitLimits limits) {
    if (auto forked = self->checkProcess()) co_return std::move(*forked);
    std::optional<Failure> failure = self->missingNames_.find(request->origin, self->clock_);
    if (!failure) {
        result<Lease> lease = co_await self->pool_->acquire(*request, limits);
        if (lease.has_error() || (*lease)->isOpen()) co_return lease;
        failure = co_await (*lease)->open(request->timeouts, limits);
        if (!failure) co_return lease;
        if (failure->code == Errc::name_not_found)
            self->missingNames_.remember(request->origin, *failure, self->clock_);
    }
    failure->context = request->describe() + ": " + failure->context;
    co_return std::move(*failure);
}

/// Makes of an exchange what the caller sees. False: it is to be repeated at once.
bool HttpTransport::conclude(ExchangeOutcome& outcome, Lease& lease, const WireRequest& request, int resends) {
    keep(lease, outcome);
    if (outcome.reply.has_value()) {
        outcome.reply = decoded(std::move(*outcome.reply), request);
        return true;
    }
    const Failure failure = outcome.reply.error();
    const bool mayResend = resends > 0 && !(failure.maybeSent && request.resentOnStale);
    const ResendFacts facts(lease.reused(), outcome.sawAnswer, outcome.foreignBytes);
    if (mayResend && resendAtOnce(failure, facts, request.idempotent) &&
        (!request.source || request.source->rewind()) && quotas_.takeRetry(request.origin)) {
        if (failure.maybeSent) request.resentOnStale = true;
        reportResend(request, failure);
        return false;
    }
    outcome.reply = asSeenByCaller(failure, request.idempotent);
    return true;
}

std::optional<Failure> HttpTransport::MissingNames::find(const Origin& origin, const Clock& clock) {
    if (!any_.load(std::memory_order_acquire)) return std::nullopt;
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [now = clock.boot()](const auto& entry) { return entry.second.until <= now; });
    any_.store(!entries_.empty(), std::memory_order_release);
    const auto found = entries_.find(origin.toString());
    if (found == entries_.end()) return std::nullopt;
    return found->second.failure;
}

void HttpTransport::MissingNames::remember(const Origin& origin, const Failure& failure, const Clock& clock) {
    const std::lock_guard lock(mutex_);
    entries_.insert_or_assign(origin.toString(), Entry(failure, clock.boot() + std::chrono::seconds(1)));
    any_.store(true, std::memory_order_release);
}

// -- Ahead of need -----------------------------------------------------------------------------------------------------

std::shared_ptr<void> HttpTransport::openAhead(const WireRequest& request) try {
    std::string origin = request.origin.toString();
    const ContextUse use(*pool_);
    if (!use) return nullptr;
    const std::lock_guard lock(mutex_);
    const auto found = ahead_.find(origin);
    auto need = found == ahead_.end() ? nullptr : found->second.lock();
    if (need) return need;
    std::optional<Lease> lease = pool_->acquireAhead(request.origin);
    if (!lease) return nullptr;
    need = std::make_shared<Need>();
    ahead_.insert_or_assign(origin, need);
    asio::co_spawn(executor(),
                   openUnless(shared_from_this(), need->over(), std::move(*lease), std::move(origin), request.timeouts),
                   asio::detached);
    return need;
} catch (const std::exception&) {  // out of memory: the request itself will tell
    return nullptr;
}

/// A failure is nobody's: whoever needs the connection tries again, and is told.
asio::awaitable<void> HttpTransport::openUnless(std::shared_ptr<HttpTransport> self, std::stop_token over, Lease lease,
                                                std::string origin, Timeouts timeouts) {
    const std::optional<Failure> failure =
        co_await lease->open(timeouts, WaitLimits(SteadyTime::max(), std::move(over)));
    lease.setReusable(!failure);
    const std::lock_guard lock(self->mutex_);
    self->ahead_.erase(origin);
}

std::shared_ptr<void> HttpTransport::backgroundSlot() {
    if (background_.fetch_add(1) >= maxBackground_) {
        --background_;
        return nullptr;
    }
    return std::shared_ptr<void>(this, [keep = shared_from_this()](void*) { --keep->background_; });
}

// -- The end -----------------------------------------------------------------------------------------------------------

void HttpTransport::close() {
    pool_->refuse();
    pool_->abort();
}

asio::awaitable<void> HttpTransport::drain(std::shared_ptr<HttpTransport> self, WaitLimits limits) {
    self->pool_->refuse();
    // What is late is cut like what was never waited for.
    [[maybe_unused]] const std::optional<Failure> late = co_await self->pool_->drained(std::move(limits));
    self->pool_->abort();
}

}  // namespace wix::detail
