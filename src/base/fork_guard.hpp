// Tells the child of a fork from its parent: sockets, an epoll set and sessions are the parent's, and both would use them.
#pragma once

#include <optional>

#include <wix/error.hpp>

namespace wix::detail {

/// Part of what must not be used in the child of a fork that comes after it was made. Thread-safe.
class ForkGuard {
public:
    ForkGuard();

    /// Whether this process is a child of the one that made the guard.
    bool isInChild() const noexcept;
    /// Errc::used_after_fork in a child.
    std::optional<Failure> check() const;

private:
    unsigned born_;
};

}  // namespace wix::detail
