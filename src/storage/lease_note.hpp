// What is in a lease file: until when its holder may go on if it does not let go by itself. Pure but for leaseMoment().
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace wix::detail {

/// A point in time on both clocks of a machine.
struct LeaseMoment {
    LeaseMoment() = default;
    LeaseMoment(std::string bootId, std::chrono::milliseconds sinceBoot, std::chrono::milliseconds since1970)
        : boot(std::move(bootId)), bootTime(sinceBoot), wallTime(since1970) {}
    std::string boot;  ///< Which start of which machine `bootTime` counts from: 36 characters.
    std::chrono::milliseconds bootTime{0};
    std::chrono::milliseconds wallTime{0};
};

/// Now, of this machine.
LeaseMoment leaseMoment();

/// All notes have one length, so that a new one covers an old one in place: that needs no space on a full disk.
inline constexpr std::size_t leaseNoteSize = 36 + 1 + 16 + 1 + 16 + 1;

/// The note of a lease that is taken `now`. No lease is longer than a day.
std::string writeLeaseNote(const LeaseMoment& now, std::chrono::milliseconds ttl);

/// Whether the time of a note is over. On the machine that wrote it, its boot clock counts, which nobody can set; the wall
/// clock on another one that shares the file system. What is no note has ended: no holder of ours has left it so.
bool leaseIsOver(std::string_view note, const LeaseMoment& now);

/// The same of a lease file whose holder had no space for a note, or not for all of it: the wall clock time when the file
/// was touched and the ttl of whoever wants to know have to do.
bool leaseWithoutNoteIsOver(std::chrono::milliseconds touched, const LeaseMoment& now, std::chrono::milliseconds ttl);

}  // namespace wix::detail
