#include "base/descriptors.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace wix::detail {
namespace {

struct Registry {
    explicit Registry(Registry* before) noexcept : inherited(before) {}

    std::mutex mutex;
    std::atomic<unsigned> closed{0};  // how often some were
    std::vector<std::weak_ptr<IdleDescriptors>> all;
    Registry* inherited;  // of the parent process; never used
};

std::atomic<Registry*> current{nullptr};
std::atomic<Registry*> inherited{nullptr};

/// In the child of a fork another one: what is registered is the parent's, and a thread of the parent may have the mutex.
/// Never destroyed: it is used by threads that outlive statics.
Registry& registry() {
    static const int registered = ::pthread_atfork(nullptr, nullptr, [] { inherited = current.exchange(nullptr); });
    static_cast<void>(registered);
    Registry* there = current;
    if (there) return *there;
    auto made = std::make_unique<Registry>(inherited);
    return current.compare_exchange_strong(there, made.get()) ? *made.release() : *there;
}

class KeepErrno {
public:
    KeepErrno() = default;
    ~KeepErrno() { errno = kept_; }
    KeepErrno(const KeepErrno&) = delete;
    KeepErrno& operator=(const KeepErrno&) = delete;

private:
    int kept_ = errno;
};

}  // namespace

void registerIdleDescriptors(std::weak_ptr<IdleDescriptors> idle) {
    Registry& here = registry();
    const std::lock_guard lock(here.mutex);
    std::erase_if(here.all, [](const auto& one) { return one.expired(); });
    here.all.push_back(std::move(idle));
}

bool isShortOfDescriptors(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

bool areDescriptorsExhausted() noexcept {
    const KeepErrno keep;
    const int probe = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (probe < 0) return isShortOfDescriptors(errno);
    ::close(probe);
    return false;
}

bool closeIdleDescriptors() noexcept try {
    const KeepErrno keep;
    Registry& here = registry();
    const unsigned before = here.closed;
    const std::lock_guard lock(here.mutex);
    if (here.closed != before) return true;  // by another thread meanwhile
    std::size_t count = 0;
    for (const auto& one : here.all)
        if (const auto idle = one.lock()) count += idle->closeIdle();
    if (count > 0) ++here.closed;
    return count > 0;
} catch (...) {  // out of memory
    return false;
}

}  // namespace wix::detail
