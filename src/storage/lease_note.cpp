#include "storage/lease_note.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/descriptors.hpp"
#include "storage/file_steps.hpp"

namespace wix::detail {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds longestLease = std::chrono::hours(24);
constexpr std::size_t bootIdSize = 36;
constexpr std::size_t digits = 16;

std::string padded(milliseconds time) {
    std::string text = std::to_string(std::clamp<std::int64_t>(time.count(), 0, 9'999'999'999'999'999));
    return std::string(digits - text.size(), '0') + text;
}

std::optional<milliseconds> timeIn(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return milliseconds(value);
}

std::string bootId() {
    std::string text(bootIdSize, '-');
    const Descriptor file(
        withDescriptors([] { return ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC); }));
    // Without one the wall clock has to do: no machine then takes the boot clock of another for its own.
    if (file.get() < 0 || ::read(file.get(), text.data(), bootIdSize) != static_cast<ssize_t>(bootIdSize))
        text.assign(bootIdSize, '-');
    return text;
}

}  // namespace

LeaseMoment leaseMoment() {
    const Clock& clock = Clock::system();
    return LeaseMoment(bootId(), duration_cast<milliseconds>(clock.boot().time_since_epoch()),
                       duration_cast<milliseconds>(clock.wall().time_since_epoch()));
}

std::string writeLeaseNote(const LeaseMoment& now, milliseconds ttl) {
    ttl = std::clamp(ttl, milliseconds(0), longestLease);
    return now.boot + " " + padded(now.bootTime + ttl) + " " + padded(now.wallTime + ttl) + "\n";
}

bool leaseIsOver(std::string_view note, const LeaseMoment& now) {
    if (note.size() != leaseNoteSize || note[bootIdSize] != ' ' || note[bootIdSize + 1 + digits] != ' ' ||
        note.back() != '\n')
        return true;
    const auto bootEnd = timeIn(note.substr(bootIdSize + 1, digits));
    const auto wallEnd = timeIn(note.substr(bootIdSize + 1 + digits + 1, digits));
    if (!bootEnd || !wallEnd) return true;
    const bool sameBoot = note[0] != '-' && note.substr(0, bootIdSize) == now.boot;
    const milliseconds left = sameBoot ? *bootEnd - now.bootTime : *wallEnd - now.wallTime;
    // More than any lease has: the clock was set back.
    return left <= milliseconds(0) || left > longestLease;
}

bool leaseWithoutNoteIsOver(milliseconds touched, const LeaseMoment& now, milliseconds ttl) {
    ttl = std::clamp(ttl, milliseconds(0), longestLease);
    // Another machine's clock may be ahead, but a time that is further off than this is of a clock that was set.
    const milliseconds age = now.wallTime - touched;
    return age >= ttl || age <= -ttl;
}

}  // namespace wix::detail
