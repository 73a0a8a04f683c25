// The renewal lease of a session file.
//
// A lease is the flock of the lease file, so it ends with its holder, however that ends. A holder that does not end, but
// does not go on either (it was stopped, or hangs), has left a note in the file: when its time is over, the next one
// removes the file and makes another. The lock of the old holder is then of a file that has no name, where it hinders
// nobody; should it wake up, the version of the record tells it that it was too late.
//
// A holder unlocks the lease file and removes it afterwards, on a blocking thread, so that a session at rest has no more
// files than its record and its lock.
//
// All of this happens with the lock of the session file, which makes it one step for everybody else: two newcomers come
// one after the other, and nobody sees a lease file whose holder has not left its note yet. A crash in between leaves a
// lease file that nobody has locked, or none: both are free.
//
// On a full disk there may be no space for the note. The lease is one all the same, or two processes would renew one
// token; who finds it grants its holder the time that it would ask for itself, from when the file was last touched.
//
// Each lease is an open file. A server that renews thousands of sessions at once needs these for its connections: beyond
// a number that is more than the token endpoint is asked at a time, the answer is that another holds the lease.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/blocking_threads.hpp"
#include "base/descriptors.hpp"
#include "storage/lease_note.hpp"
#include "storage/session_file.hpp"

namespace wix::detail {
namespace {

constexpr int mostLeases = 64;

/// How many leases a process holds.
struct Count {
    constexpr Count() = default;
    constexpr Count(pid_t whose, int leases) : process(whose), number(leases) {}
    pid_t process = 0;
    int number = 0;
};

/// One of the leases that this process may hold at a time, in whichever files. What a child of a fork has of its parent's
/// is not counted there.
class LeasePlace {
public:
    /// Nothing if there is none.
    static std::optional<LeasePlace> take() {
        const pid_t process = ::getpid();
        Count before = taken.load(), after;
        do {
            after = before.process == process ? before : Count(process, 0);
            if (after.number >= mostLeases) return std::nullopt;
            ++after.number;
        } while (!taken.compare_exchange_weak(before, after));
        return LeasePlace(process);
    }
    LeasePlace(LeasePlace&& other) noexcept : holder_(std::exchange(other.holder_, 0)) {}
    LeasePlace& operator=(LeasePlace&&) = delete;
    ~LeasePlace() {
        if (!isOfThisProcess()) return;
        Count before = taken.load();
        while (before.process == holder_ && !taken.compare_exchange_weak(before, Count(holder_, before.number - 1))) {
        }
    }
    bool isOfThisProcess() const { return holder_ == ::getpid(); }

private:
    explicit LeasePlace(pid_t holder) : holder_(holder) {}
    static constinit inline std::atomic<Count> taken{Count()};
    pid_t holder_;
};

/// Removes a lease file that is not locked any more. If it cannot, the file stays and does no harm.
class LeaseRemoval final : public BlockingJob {
public:
    LeaseRemoval(Descriptor file, SessionPlace session) : file_(std::move(file)), session_(std::move(session)) {}
    void perform() noexcept override {
        try {
            remove();
        } catch (...) {  // out of memory
        }
    }
    std::shared_ptr<void> complete() noexcept override { return nullptr; }

private:
    void remove() {
        const Descriptor directory(
            withDescriptors([this] { return ::open(session_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
        if (directory.get() < 0) return;
        const auto lock = session_.tryLock(directory.get());
        if (!lock || !lock->isHeld() || ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) return;
        const std::string name = session_.leaseName();
        if (SessionPlace::isEntry(directory.get(), name, file_)) ::unlinkat(directory.get(), name.c_str(), 0);
        ::flock(file_.get(), LOCK_UN);
    }

    const Descriptor file_;
    const SessionPlace session_;
};

/// What a RenewalLease holds.
class HeldLease {
public:
    HeldLease(LeasePlace place, Descriptor file, SessionPlace session)
        : place_(std::move(place)), file_(std::move(file)), session_(std::move(session)) {}
    HeldLease(const HeldLease&) = delete;
    HeldLease& operator=(const HeldLease&) = delete;
    /// Unlocks: closing is not enough, as a child of a fork may have the file open too. Its copy of this object, on the
    /// other hand, must leave the lease to its parent.
    ~HeldLease() {
        if (!place_.isOfThisProcess()) return;
        ::flock(file_.get(), LOCK_UN);
        try {
            std::string key = fileCallKey(session_.file);
            BlockingThreads::forCalls().submit(std::make_shared<LeaseRemoval>(std::move(file_), std::move(session_)),
                                               std::move(key));
        } catch (...) {  // out of memory: the file stays
        }
    }

private:
    const LeasePlace place_;
    Descriptor file_;
    SessionPlace session_;
};

/// If there is no space for it, at least no note of an earlier holder stands for it.
void leaveNote(int lease, const SessionPlace& place, std::chrono::milliseconds ttl) {
    const std::string note = writeLeaseNote(leaseMoment(), ttl);
    const ssize_t size =
        attempt(place.hook, FileStep::writeLease, [&] { return ::pwrite(lease, note.data(), note.size(), 0); });
    if (size == static_cast<ssize_t>(note.size()) && ::ftruncate(lease, size) == 0) return;
    if (::ftruncate(lease, 0) == 0) ::futimens(lease, nullptr);
}

/// `ttl` is what whoever asks would have it for.
bool holdersTimeIsOver(int lease, std::chrono::milliseconds ttl) {
    std::array<char, leaseNoteSize + 1> note{};
    const ssize_t size = ::pread(lease, note.data(), note.size(), 0);
    struct stat status {};
    if (size < 0 || ::fstat(lease, &status) != 0) return false;
    if (static_cast<std::size_t>(size) >= leaseNoteSize)
        return leaseIsOver(std::string_view(note.data(), static_cast<std::size_t>(size)), leaseMoment());
    const std::chrono::milliseconds touched(status.st_mtim.tv_sec * std::int64_t{1'000} +
                                            status.st_mtim.tv_nsec / 1'000'000);
    return leaseWithoutNoteIsOver(touched, leaseMoment(), ttl);
}

}  // namespace

result<std::optional<RenewalLease>> takeLease(int directory, const SessionPlace& place, std::chrono::milliseconds ttl) {
    std::optional<LeasePlace> free = LeasePlace::take();
    if (!free) return std::optional<RenewalLease>();
    const auto locked = place.takeLock(directory);
    if (!locked) return locked.error();
    const std::string name = place.leaseName();
    for (bool removed = false;; removed = true) {
        auto lease = place.openLockFile(directory, name);
        if (!lease) return lease.error();
        if (::flock(lease->get(), LOCK_EX | LOCK_NB) == 0) {
            leaveNote(lease->get(), place, ttl);
            return std::optional<RenewalLease>(std::in_place,
                                               std::make_shared<HeldLease>(std::move(*free), std::move(*lease), place));
        }
        if (errno != EWOULDBLOCK) return place.unavailable("cannot lock its lease file", errno);
        if (removed || !holdersTimeIsOver(lease->get(), ttl)) return std::optional<RenewalLease>();
        if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT)
            return place.unavailable("cannot remove the lease of a process that hangs", errno);
    }
}

}  // namespace wix::detail
