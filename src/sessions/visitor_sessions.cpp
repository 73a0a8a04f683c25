#include <wix/visitor_sessions.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "call/option_rules.hpp"
#include "session.hpp"
#include "sessions/session_homes.hpp"
#include "sessions/session_key.hpp"
#include "sessions/session_table.hpp"

namespace asio = boost::asio;

namespace wix {
namespace {

using detail::SessionPtr;

void check(std::optional<Failure> failure) {
    if (failure) throw Error(std::move(*failure));
}

std::optional<Failure> checkLimits(const VisitorSessionsOptions& limits) {
    if (limits.maxSessions < 1 || limits.maxSessions > 10'000'000)
        return Failure(Errc::invalid_argument, "VisitorSessionsOptions::maxSessions must be 1 to 10000000");
    if (limits.maxIdleTime <= std::chrono::milliseconds(0) || limits.maxIdleTime > std::chrono::hours(24))
        return Failure(Errc::invalid_argument,
                       "VisitorSessionsOptions::maxIdleTime must be more than 0 and at most 24 h");
    return std::nullopt;
}

/// A session of one visitor would be everybody's; and one that is not stored would be gone when it leaves memory.
std::optional<Failure> checkShared(const OAuthStrategy& strategy) {
    if (!strategy.storage)
        return Failure(Errc::invalid_argument,
                       "VisitorSessions: OAuthStrategy::storage must be set, for sessions that leave memory");
    if (!strategy.tokens.empty())
        return Failure(Errc::invalid_argument,
                       "VisitorSessions: OAuthStrategy::tokens must be empty: they would be every visitor's");
    return std::nullopt;
}

/// Nobody has a handle or an operation of it, nothing is under way, and the storage has what it has. Nobody but the table
/// could begin anything with it then.
bool mayGo(const SessionPtr& session) {
    if (session.use_count() != 1) return false;
    std::atomic_thread_fence(std::memory_order_acquire);  // what was done through the other handles is seen here
    if (session->tokens->isIdle()) return true;
    session->tokens->saveAgain();  // for a visitor who stays away nobody else would
    return false;
}

}  // namespace

class VisitorSessions::Impl {
public:
    Impl(std::vector<detail::SessionCommonPtr> commons, const VisitorSessionsOptions& limits)
        : homes_(std::move(commons)), table_(detail::SessionTableLimits(limits.maxSessions, limits.maxIdleTime)) {}

    std::optional<Failure> checkProcess() const { return homes_.any().transport->checkProcess(); }

    /// The session of `key` for calls from `caller`.
    SessionPtr open(const std::string& key, const asio::any_io_executor& caller) {
        check(checkProcess());  // a thread of the parent may have had the mutex
        check(detail::checkVisitorKey(key));
        const std::string name = detail::storageKeyOf(key);
        std::vector<SessionPtr> removed;  // destroyed without the mutex
        const std::lock_guard lock(mutex_);
        if (closed_)
            throw Error(Failure(asio::error::operation_aborted, "VisitorSessions::open(key): the sessions are closed"));
        const auto now = std::chrono::steady_clock::now();
        const detail::SessionCommonPtr near = homes_.of(caller);
        SessionPtr session;
        std::unique_ptr<detail::UnsavedTokens> unsaved;
        if (const SessionPtr* found = table_.find(name, now)) session = *found;
        if (session &&
            (session->tokens->isClosed() || session->tokens->hasLostContext())) {  // closed by Client::close()
            unsaved = session->tokens->takeUnsavedTokens();
            session.reset();
            removed.push_back(table_.remove(name));
        }
        if (session) ++counts_.found;
        counts_.evictedIdle += table_.sweep(now, mayGo, removed);
        if (!session) {
            session = make(name, near ? near : homes_.firstAlive(), now, removed);
            if (unsaved) session->tokens->begin(std::move(unsaved));
        }
        ++counts_.opened;
        if (!near || session->common == near) return session;
        return std::make_shared<detail::Session>(near, session);
    }

    std::vector<SessionPtr> close() {
        const std::lock_guard lock(mutex_);
        std::vector<SessionPtr> all = table_.takeAll();
        closed_ = true;
        for (SessionPtr& session : all) {
            if (!session->tokens->hasLostContext()) continue;
            auto unsaved = session->tokens->takeUnsavedTokens();
            const detail::SessionCommonPtr home = homes_.firstAlive();
            if (!unsaved || !home) continue;
            // After the client id and a slash, which a client id has not got there.
            const std::string_view whole = session->tokens->storageKey();
            session = std::make_shared<detail::Session>(home, std::string(whole.substr(whole.find('/') + 1)));
            session->tokens->begin(std::move(unsaved));
        }
        return all;
    }

    VisitorSessionsStatistics statistics() const {
        if (checkProcess()) return VisitorSessionsStatistics();
        const std::lock_guard lock(mutex_);
        VisitorSessionsStatistics now = counts_;
        now.sessions = table_.size();
        return now;
    }

    static asio::awaitable<Client> openClient(std::shared_ptr<Impl> self, std::string key) {
        const asio::any_io_executor caller = co_await asio::this_coro::executor;
        co_return Client(self->open(key, caller));
    }
    static asio::awaitable<void> closeAll(std::shared_ptr<Impl> self);

private:
    SessionPtr make(const std::string& name, const detail::SessionCommonPtr& home, detail::TableTime now,
                    std::vector<SessionPtr>& removed) {
        if (!home)
            throw Error(Failure(asio::error::operation_aborted,
                                "VisitorSessions::open(key): the io_context of every Transport has been destroyed"));
        const std::size_t before = removed.size();
        if (!table_.makeRoom(now, mayGo, removed)) {
            ++counts_.refused;
            throw Error(Errc::too_many_sessions,
                        "VisitorSessions::open(key), " + std::to_string(table_.size()) + " sessions in memory");
        }
        counts_.evictedForSpace += removed.size() - before;
        auto made = std::make_shared<detail::Session>(home, name);
        const std::string_view whole = made->tokens->storageKey();  // the client id, a slash, and the name
        return table_.insert(whole.substr(whole.size() - name.size()), std::move(made), now);
    }

    const detail::SessionHomes homes_;
    mutable std::mutex mutex_;  // guards what follows; never held across an await
    detail::SessionTable<SessionPtr> table_;
    VisitorSessionsStatistics counts_;
    bool closed_ = false;
};

/// All are told before the first is awaited: their last exchanges and saves go on side by side.
asio::awaitable<void> VisitorSessions::Impl::closeAll(std::shared_ptr<Impl> self) {
    check(self->checkProcess());
    const std::vector<SessionPtr> sessions = self->close();
    for (const SessionPtr& session : sessions) session->tokens->abandon();
    std::optional<Failure> first;
    for (const SessionPtr& session : sessions) {
        if (session->tokens->isAtRest()) continue;
        const result<detail::SnapshotPtr> ended = co_await session->tokens->close();
        // A drain that took too long was cut; there is nothing that the caller could do about it.
        if (!first && ended.has_error() && ended.error().code != Errc::timeout) first = ended.error();
    }
    check(std::move(first));
}

VisitorSessions::VisitorSessions(Transport transport, OAuthStrategy strategy, ClientOptions options,
                                 VisitorSessionsOptions limits)
    : VisitorSessions(std::vector<Transport>(1, std::move(transport)), std::move(strategy), std::move(options),
                      limits) {}

VisitorSessions::VisitorSessions(std::vector<Transport> transports, OAuthStrategy strategy, ClientOptions options,
                                 VisitorSessionsOptions limits) {
    if (transports.empty())
        throw Error(Errc::invalid_argument, "VisitorSessions: transports must have at least one Transport");
    for (const Transport& transport : transports) check(transport.impl_->checkProcess());
    check(checkShared(strategy));
    strategy.sessionKey.clear();
    check(detail::checkStrategy(strategy));
    check(detail::checkOptions(options));
    check(checkLimits(limits));
    std::vector<detail::SessionCommonPtr> commons;
    commons.reserve(transports.size());
    for (Transport& transport : transports)
        commons.push_back(std::make_shared<detail::SessionCommon>(std::move(transport.impl_), false, strategy, options,
                                                                  detail::Clock::system()));
    impl_ = std::make_shared<Impl>(std::move(commons), limits);
}

asio::awaitable<Client> VisitorSessions::open(std::string key) const { return Impl::openClient(impl_, std::move(key)); }
VisitorSessionsStatistics VisitorSessions::statistics() const { return impl_->statistics(); }
asio::awaitable<void> VisitorSessions::close() const { return Impl::closeAll(impl_); }

}  // namespace wix
