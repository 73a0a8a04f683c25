#include "sessions/session_homes.hpp"

#include <boost/asio/query.hpp>

#include <atomic>
#include <utility>

#include "async/context_registry.hpp"

namespace asio = boost::asio;

namespace wix::detail {

class SessionHomes::ContextWatch final : public ContextBound {
public:
    explicit ContextWatch(const asio::any_io_executor& executor) : ContextBound(executor) {}
    void contextGone() noexcept override { gone_ = true; }
    bool isAlive() const noexcept { return !gone_; }

private:
    std::atomic<bool> gone_{false};
};

SessionHomes::Home::Home(SessionCommonPtr shared)
    : common(std::move(shared)),
      context(&asio::query(common->transport->executor(), asio::execution::context)),
      watch(std::make_shared<ContextWatch>(common->transport->executor())) {}

SessionHomes::SessionHomes(std::vector<SessionCommonPtr> commons) {
    homes_.reserve(commons.size());
    for (SessionCommonPtr& common : commons) homes_.emplace_back(std::move(common));
}

/// A new context may have the address of one that was destroyed: only those that still exist are compared.
SessionCommonPtr SessionHomes::of(const asio::any_io_executor& executor) const {
    const asio::execution_context* context = &asio::query(executor, asio::execution::context);
    for (const Home& home : homes_)
        if (home.context == context && home.watch->isAlive()) return home.common;
    return nullptr;
}

SessionCommonPtr SessionHomes::firstAlive() const {
    for (const Home& home : homes_)
        if (home.watch->isAlive()) return home.common;
    return nullptr;
}

bool SessionHomes::isAlive(const SessionCommon& common) const {
    for (const Home& home : homes_)
        if (home.common.get() == &common) return home.watch->isAlive();
    return false;
}

}  // namespace wix::detail
