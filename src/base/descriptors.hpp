// What to do when the process has no descriptor left: give up those that are open but idle, and try again.
//
// Exported, for wix::redis in a library of its own: there is one list for the process.
#pragma once

#include <cerrno>
#include <cstddef>
#include <memory>

#include <wix/config.hpp>

namespace wix::detail {

/// Has descriptors that are open and not in use.
class IdleDescriptors {
public:
    /// Closes them, and returns how many there were. From any thread.
    virtual std::size_t closeIdle() noexcept = 0;

protected:
    ~IdleDescriptors() = default;
};

/// From now on these are closed when descriptors run out, as long as the object exists. Thread-safe.
WIX_EXPORT void registerIdleDescriptors(std::weak_ptr<IdleDescriptors> idle);

/// Whether `error` says that there is no descriptor, or no memory of the system's for one.
WIX_EXPORT bool isShortOfDescriptors(int error) noexcept;

/// Whether this process can open no descriptor now: for calls that do not say why they failed.
WIX_EXPORT bool areDescriptorsExhausted() noexcept;

/// Closes all idle descriptors of the process. False: there were none, so that trying again is of no use. Keeps errno.
WIX_EXPORT bool closeIdleDescriptors() noexcept;

/// Makes a system call that opens a descriptor, and makes it again if descriptors have run out and some could be closed.
template <class Call>
auto withDescriptors(Call call) {
    auto value = call();
    if (value < 0 && isShortOfDescriptors(errno) && closeIdleDescriptors()) value = call();
    return value;
}

}  // namespace wix::detail
