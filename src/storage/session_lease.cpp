// The renewal lease of a session file.
//
// A lease is the flock of the lease file, so it ends with its holder, however that ends. A holder that does not end, but
// does not go on either (it was stopped, or hangs), has left a note in the file: when its time is over, the next one
// removes the file and makes another. The lock of the old holder is then of a file that has no name, where it hinders
// nobody; should it wake up, the version of the record tells it that it was too late.
//
// All of this happens with the lock of the session file, which makes it one step for everybody else: two newcomers come
// one after the other, and nobody sees a lease file whose holder has not left its note yet. A crash in between leaves a
// lease file that nobody has locked, or none: both are free.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>

#include "storage/lease_note.hpp"
#include "storage/session_file.hpp"

namespace wix::detail {
namespace {

/// What a RenewalLease holds.
class HeldLease {
public:
    explicit HeldLease(Descriptor file) : file_(std::move(file)), holder_(::getpid()) {}
    HeldLease(const HeldLease&) = delete;
    HeldLease& operator=(const HeldLease&) = delete;
    /// Unlocks: closing is not enough, as a child of a fork may have the file open too. Its copy of this object, on the
    /// other hand, must leave the lease to its parent.
    ~HeldLease() {
        if (::getpid() == holder_) ::flock(file_.get(), LOCK_UN);
    }

private:
    const Descriptor file_;
    const pid_t holder_;
};

bool holdersTimeIsOver(int lease) {
    std::array<char, leaseNoteSize + 1> note{};
    const ssize_t size = ::pread(lease, note.data(), note.size(), 0);
    return size >= 0 && leaseIsOver(std::string_view(note.data(), static_cast<std::size_t>(size)), leaseMoment());
}

}  // namespace

result<std::optional<RenewalLease>> takeLease(int directory, const SessionPlace& place, std::chrono::milliseconds ttl) {
    const auto locked = place.takeLock(directory);
    if (!locked) return locked.error();
    const std::string name = place.leaseName();
    for (bool removed = false;; removed = true) {
        auto lease = place.openLockFile(directory, name);
        if (!lease) return lease.error();
        if (::flock(lease->get(), LOCK_EX | LOCK_NB) == 0) {
            const std::string note = writeLeaseNote(leaseMoment(), ttl);
            const ssize_t size = attempt(place.hook, FileStep::writeLease,
                                         [&] { return ::pwrite(lease->get(), note.data(), note.size(), 0); });
            if (size != static_cast<ssize_t>(note.size()) || ::ftruncate(lease->get(), size) != 0)
                return place.unavailable("cannot write its lease file", size < 0 ? errno : ENOSPC);
            return std::optional<RenewalLease>(std::in_place, std::make_shared<HeldLease>(std::move(*lease)));
        }
        if (errno != EWOULDBLOCK) return place.unavailable("cannot lock its lease file", errno);
        if (removed || !holdersTimeIsOver(lease->get())) return std::optional<RenewalLease>();
        if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT)
            return place.unavailable("cannot remove the lease of a process that hangs", errno);
    }
}

}  // namespace wix::detail
