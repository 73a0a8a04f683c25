#include "base/fork_guard.hpp"

#include <pthread.h>

#include <atomic>

namespace wix::detail {
namespace {

/// Forks between the program's start and this process.
std::atomic<unsigned> forks{0};
static_assert(std::atomic<unsigned>::is_always_lock_free);  // the child may find any lock held

void countFork() noexcept { forks.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

ForkGuard::ForkGuard() : born_(forks.load(std::memory_order_relaxed)) {
    static const int registered = ::pthread_atfork(nullptr, nullptr, countFork);
    static_cast<void>(registered);
}

bool ForkGuard::isInChild() const noexcept { return forks.load(std::memory_order_relaxed) != born_; }

std::optional<Failure> ForkGuard::check() const {
    if (!isInChild()) return std::nullopt;
    return Failure(Errc::used_after_fork, std::string());
}

}  // namespace wix::detail
