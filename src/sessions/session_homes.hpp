// The Transports of one VisitorSessions, and which of them still have their execution context.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <vector>

#include "session.hpp"

namespace wix::detail {

using SessionCommonPtr = std::shared_ptr<const SessionCommon>;

/// The tokens of a session belong to one context; its calls may be sent over the Transport of another. Thread-safe.
class SessionHomes {
public:
    /// One for each Transport, at least one. The contexts must still exist.
    explicit SessionHomes(std::vector<SessionCommonPtr> commons);

    /// What sessions use whose context is that of `executor`; null: none of the contexts is.
    SessionCommonPtr of(const boost::asio::any_io_executor& executor) const;
    /// The first whose context still exists; null: there is none.
    SessionCommonPtr firstAlive() const;
    bool isAlive(const SessionCommon& common) const;
    /// The same for all: options, storage, and the guard against fork().
    const SessionCommon& any() const noexcept { return *homes_.front().common; }

private:
    class ContextWatch;
    struct Home {
        explicit Home(SessionCommonPtr shared);
        SessionCommonPtr common;
        const boost::asio::execution_context* context;
        std::shared_ptr<ContextWatch> watch;
    };
    std::vector<Home> homes_;
};

}  // namespace wix::detail
