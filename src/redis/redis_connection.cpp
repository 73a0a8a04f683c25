#include "redis/redis_connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <utility>

#include "base/deadline_check.hpp"
#include "redis/redis_call.hpp"

namespace asio = boost::asio;

namespace wix::detail {

RedisConnection::RedisConnection(const asio::any_io_executor& executor, RedisUrl url, RedisOptions options,
                                 TlsContextPtr tls, const Clock& clock)
    : ContextBound(executor),
      clock_(clock),
      url_(std::move(url)),
      options_(std::move(options)),
      tls_(std::move(tls)),
      home_(asio::make_strand(executor)),
      timer_(std::make_unique<MonotonicTimer>(home_)) {}

RedisConnection::~RedisConnection() { close(); }

asio::any_io_executor RedisConnection::home() const {
    const std::lock_guard lock(mutex_);
    return home_;
}

Failure RedisConnection::noAnswer() const {
    return Failure(Errc::storage_unavailable,
                   describe("no answer within " + std::to_string(options_.commandTimeout.count()) + " ms"));
}

Failure RedisConnection::usedAfterFork() const {
    return Failure(Errc::used_after_fork, describe("a storage of the parent"));
}

void RedisConnection::contextGone() noexcept {
    close();
    addresses_.clear();
    releases_.clear();
    // These own the coroutines of their callers, which may own anything; so each is let go of with nothing half done.
    const auto waiting = std::exchange(waiting_, {});
    const auto line = std::exchange(line_, {});
    const auto timer = std::exchange(timer_, nullptr);
    asio::any_io_executor home;
    const std::lock_guard lock(mutex_);
    std::swap(home, home_);
}

// -- Commands ----------------------------------------------------------------------------------------------------------

void RedisConnection::submit(std::shared_ptr<RedisCall> call) {
    if (leaveToParent()) return call->failed(usedAfterFork());
    dropUseless();
    if (phase_ == Phase::open) return send(std::move(call));
    waiting_.push_back(std::move(call));
    if (phase_ == Phase::closed) open();
}

void RedisConnection::giveBack(LeaseRelease release) noexcept {
    if (isInChild()) return;
    try {
        const std::lock_guard lock(mutex_);  // the context cannot end while we use its executor
        if (!home_) return;
        asio::post(home_, [self = self(), release = std::move(release)]() mutable {
            if (self->leaveToParent() || !*release.wasAskedFor) return;
            self->dropUseless();
            if (self->phase_ == Phase::open) return self->send(std::move(release));
            self->releases_.add(std::move(release));
        });
    } catch (...) {  // out of memory: nobody waits for it
    }
}

/// A server that was restarted has closed the connection while nobody listened. One that is no primary any more keeps it,
/// but the name may stand for another one now. While the machine was suspended the other side may have forgotten it.
void RedisConnection::dropUseless() {
    if (phase_ != Phase::open || !line_.empty()) return;
    if (demoted_ || clock_.boot() - lastReply_ >= maxIdleTime || !link_->isQuiet()) close();
}

void RedisConnection::send(std::shared_ptr<RedisCall> call) {
    const auto waiting = call;
    waiting->isSent();
    if (!send(Sent(std::move(call), MonotonicClock::now() + options_.commandTimeout), waiting->command()))
        waiting->failed(Failure(Errc::storage_unavailable, describe("a command could not be sent")));
}

void RedisConnection::send(LeaseRelease release) {
    Sent entry(nullptr, MonotonicClock::now() + options_.commandTimeout);
    entry.release = std::make_unique<LeaseRelease>(release);
    if (!send(std::move(entry), release.command)) releases_.add(std::move(release));
}

bool RedisConnection::send(Sent entry, const RedisCommand& command) {
    line_.push_back(std::move(entry));
    const bool isSent = link_->send(command);
    if (!isSent) line_.pop_back();
    watchClock();
    return isSent;
}

// -- Opening -----------------------------------------------------------------------------------------------------------

void RedisConnection::open() {
    phase_ = Phase::resolving;
    openDeadline_ = phaseDeadline_ = MonotonicClock::now() + options_.connectTimeout;
    addresses_.clear();
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(url_.host, ec);
    if (!ec) {
        addresses_.emplace_back(address, url_.port);
        return connectNext(std::string());
    }
    resolver_ = std::make_unique<Resolver>(home_);
    resolver_->async_resolve(url_.host, std::to_string(url_.port), Resolver::numeric_service,
                             [self = self()](const boost::system::error_code& error,
                                             const Resolver::results_type& found) { self->resolved(error, found); });
    watchClock();
}

void RedisConnection::resolved(const boost::system::error_code& error, const Resolver::results_type& found) {
    // A lookup that was given up says so after another one may have begun.
    if (error == asio::error::operation_aborted || phase_ != Phase::resolving) return;
    resolver_.reset();
    if (error) return cannotOpen("the host name does not resolve (" + error.message() + ")");
    for (const auto& entry : found) addresses_.push_back(entry.endpoint());
    connectNext("the host name has no address");
}

/// The next address, with its share of the time; `whyNot` is what was wrong with the one before.
void RedisConnection::connectNext(const std::string& whyNot) {
    if (leaveToParent()) return;
    std::string why = whyNot;
    while (!addresses_.empty()) {
        const auto now = MonotonicClock::now();
        phaseDeadline_ = now + (openDeadline_ - now) / static_cast<int>(addresses_.size());
        const Tcp::endpoint address = addresses_.front();
        addresses_.pop_front();
        phase_ = Phase::connecting;
        link_ = std::make_shared<RedisLink>(static_cast<RedisLink::Owner&>(*this), weak_from_this());
        std::unique_ptr<RedisTls> tls;
        if (tls_) tls = std::make_unique<RedisTls>(tls_, Origin(true, url_.host, url_.port));
        if (auto failed = link_->connect(home_, address, options_.commandTimeout, std::move(tls))) {
            why = "connecting: " + *failed;
            continue;
        }
        if (!tls_) greet();
        return watchClock();
    }
    cannotOpen(why);
}

/// Written as soon as the connection is there; with TLS not before the server's certificate has been verified.
void RedisConnection::greet() {
    greetings_ = 0;
    if (!url_.password.empty()) {
        RedisCommand auth{"AUTH"};
        if (!url_.user.empty()) auth.push_back(url_.user);
        auth.push_back(url_.password);
        if (link_->send(auth)) ++greetings_;
    }
    if (url_.database != 0 && link_->send(RedisCommand{"SELECT", std::to_string(url_.database)})) ++greetings_;
}

void RedisConnection::linkConnected() {
    if (tls_) greet();
    if (greetings_ == 0) opened();
}

void RedisConnection::opened() {
    phase_ = Phase::open;
    lastReply_ = clock_.boot();
    addresses_.clear();
    // Before the others, who may want the same leases.
    for (LeaseRelease& release : releases_.take(clock_.boot())) send(std::move(release));
    for (auto& call : std::exchange(waiting_, {}))
        if (!call->isDone()) send(std::move(call));
    watchClock();
}

void RedisConnection::cannotOpen(const std::string& why) { fail(Failure(Errc::storage_unavailable, describe(why))); }

/// Who waits for the connection hears why there is none.
void RedisConnection::fail(Failure failure) {
    close();
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& call : waiting) call->failed(failure);
    watchClock();
}

void RedisConnection::close() {
    phase_ = Phase::closed;
    demoted_ = false;
    resolver_.reset();
    if (const auto link = std::exchange(link_, nullptr)) link->close();
}

/// In the child of a fork: the connection and its answers are the parent's, and those who wait here are told so.
bool RedisConnection::leaveToParent() {
    if (!isInChild()) return false;
    close();
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& call : waiting) call->failed(usedAfterFork());
    for (const Sent& sent : std::exchange(line_, {}))
        if (sent.call) sent.call->failed(usedAfterFork());
    return true;
}

// -- Replies, and the end ----------------------------------------------------------------------------------------------

void RedisConnection::linkReplied(RedisReply reply) {
    if (phase_ == Phase::connecting) {
        if (reply.kind == RedisReply::Kind::error) return fail(redisFailure(url_.where(), reply.content));
        if (--greetings_ == 0) opened();
        return;
    }
    if (line_.empty()) return;
    lastReply_ = clock_.boot();
    const auto call = std::move(line_.front().call);
    line_.pop_front();
    if (reply.kind == RedisReply::Kind::error && reply.content.starts_with("READONLY ")) demoted_ = true;
    if (call) call->replied(std::move(reply));
    watchClock();
}

Failure RedisConnection::endFailure(RedisLink::End how, const std::string& reason) const {
    switch (how) {
        case RedisLink::End::garbage:
            return unexpectedReply(url_.where());
        case RedisLink::End::tooLarge:
            return Failure(Errc::storage_damaged, describe("an answer of more than 1 MiB is no session"));
        case RedisLink::End::tls:
            return Failure(Errc::storage_unavailable,
                           describe("it speaks TLS at this port; the URL must begin with rediss://"));
        case RedisLink::End::lost:
            break;
    }
    return Failure(Errc::storage_unavailable, describe(reason));
}

void RedisConnection::linkEnded(RedisLink::End how, const std::string& reason) {
    if (leaveToParent()) return watchClock();
    if (phase_ == Phase::connecting) {
        close();
        if (how != RedisLink::End::lost) return fail(endFailure(how, reason));
        return connectNext("connecting: " + reason);
    }
    close();
    auto line = takeLine();
    Failure failure = endFailure(RedisLink::End::lost, reason);
    if (how != RedisLink::End::lost && !line.empty()) {
        // The answer to the first one is to blame; the others have nothing to do with it.
        const auto guilty = std::move(line.front().call);
        line.pop_front();
        failure = endFailure(how, reason);
        if (guilty) guilty->failed(failure);
    }
    reopen(std::move(line), failure);
}

/// Who waits for a reply that will not come. Whether a lease has been given back nobody knows, so that is done again.
std::deque<RedisConnection::Sent> RedisConnection::takeLine() {
    auto line = std::exchange(line_, {});
    for (const Sent& sent : line)
        if (sent.release) releases_.add(std::move(*sent.release));
    return line;
}

void RedisConnection::reopen(std::deque<Sent> unanswered, const Failure& failure) {
    for (Sent& sent : unanswered) {
        if (!sent.call || sent.call->isDone()) continue;
        if (sent.call->mayRepeat())
            waiting_.push_back(std::move(sent.call));
        else
            sent.call->failed(failure);
    }
    if (!waiting_.empty()) open();
    watchClock();
}

// -- Time --------------------------------------------------------------------------------------------------------------

void RedisConnection::watchClock() {
    if (!timer_) return;
    const bool opening = phase_ == Phase::resolving || phase_ == Phase::connecting;
    if (!opening && line_.empty()) {
        if (watching_) timer_->cancel();
        return;
    }
    const SteadyTime next = std::max(opening ? phaseDeadline_ : line_.front().deadline, notBefore_);
    if (watching_ && alarm_ <= next) return;  // it looks again then
    alarm_ = next;
    watching_ = true;
    timer_->expires_at(next);
    timer_->async_wait(
        [self = self(), watch = ++watch_](const boost::system::error_code&) { self->clockWatched(watch); });
}

void RedisConnection::clockWatched(unsigned watch) {
    if (watch != watch_ || !timer_) return;
    watching_ = false;
    const SteadyTime now = MonotonicClock::now();
    DeadlineCheck check;
    check.plan(alarm_);
    if (check.run(now))
        isLate();
    else
        notBefore_ = now + DeadlineCheck::grace;
    watchClock();
}

void RedisConnection::isLate() {
    if (leaveToParent()) return;
    const auto now = MonotonicClock::now();
    if (phase_ == Phase::resolving || phase_ == Phase::connecting) {
        if (now < phaseDeadline_) return;
        const std::string limit = " within " + std::to_string(options_.connectTimeout.count()) + " ms";
        if (phase_ == Phase::resolving) return cannotOpen("the host name does not resolve" + limit);
        const bool inHandshake = link_ && link_->isInHandshake();
        close();
        return connectNext(inHandshake ? "no TLS handshake" + limit + "; does the server speak TLS at this port?"
                                       : "no connection" + limit);
    }
    if (line_.empty() || now < line_.front().deadline) return;
    close();
    for (const Sent& sent : takeLine())
        if (sent.call) sent.call->failed(noAnswer());
}

}  // namespace wix::detail
