// The renewal lease of a session file: one holder at a time, however the one before has ended.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "base/blocking_threads.hpp"
#include "storage/lease_note.hpp"
#include "storage/session_file.hpp"
#include "storage/temp_directory.hpp"
#include "support/eventually.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
using std::chrono::milliseconds;
using wix::test::eventually;
namespace fs = std::filesystem;

namespace {

constexpr auto hour = std::chrono::hours(1);
const std::string leaseName = ".session.json.lease";

bool granted(const fs::path& file, milliseconds ttl = hour) {
    const auto lease = SessionFile(file).acquireLease(ttl);
    REQUIRE(lease.has_value());
    return lease->has_value();
}

/// A process that has a lease and does nothing with it.
class Holder {
public:
    Holder(const fs::path& file, milliseconds ttl) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        process_ = ::fork();
        REQUIRE(process_ >= 0);
        if (process_ == 0) {
            ::alarm(60);
            const auto lease = SessionFile(file).acquireLease(ttl);
            const char answer = lease && *lease ? 'y' : 'n';
            static_cast<void>(::write(ends[1], &answer, 1) == 1);
            for (;;) ::pause();
        }
        char answer = 0;
        CHECK(::read(ends[0], &answer, 1) == 1);
        CHECK(answer == 'y');
        ::close(ends[0]);
        ::close(ends[1]);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() { kill(); }
    void stop() {
        ::kill(process_, SIGSTOP);
        int status = 0;
        REQUIRE(::waitpid(process_, &status, WUNTRACED) == process_);
        REQUIRE(WIFSTOPPED(status));
    }
    void kill() {
        if (process_ < 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = -1;
    }

private:
    pid_t process_ = -1;
};

int failWith = 0;
FileStep failAt{};
int failingHook(FileStep step) { return step == failAt ? failWith : 0; }

}  // namespace

TEST_CASE("a lease is one holder's until it is let go, in one process too") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    auto lease = SessionFile(file).acquireLease(hour);
    REQUIRE(lease.has_value());
    REQUIRE(lease->has_value());
    CHECK(!granted(file));
    CHECK(granted(directory / "other.json"));
    struct stat status {};
    REQUIRE(::stat((directory / leaseName).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    lease->reset();
    CHECK(granted(file));
    CHECK(granted(file));
}

TEST_CASE("the lease of a process that was killed is free at once") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    Holder holder(file, hour);
    CHECK(!granted(file));
    holder.kill();
    CHECK(granted(file));
}

TEST_CASE("the lease of a process that was stopped ends with its time, and one takes it over") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    Holder holder(file, milliseconds(50));
    holder.stop();
    std::optional<RenewalLease> next;
    CHECK(eventually([&] {
        auto lease = SessionFile(file).acquireLease(hour);
        if (lease) next = std::move(*lease);
        return next.has_value();
    }));
    CHECK(!granted(file));
    holder.kill();  // the end of the one that was too slow does not end the lease of the other
    CHECK(!granted(file));
    next.reset();
    CHECK(granted(file));
}

TEST_CASE("a lease that was too slow does not end the next one's when it is let go") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    auto slow = SessionFile(file).acquireLease(milliseconds(0));
    REQUIRE((slow && *slow));
    auto next = SessionFile(file).acquireLease(hour);
    REQUIRE((next && *next));
    slow->reset();
    CHECK(!granted(file));
}

TEST_CASE("a child of a fork neither keeps a lease that its parent lets go, nor lets go its parent's") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    auto lease = SessionFile(file).acquireLease(hour);
    REQUIRE((lease && *lease));
    pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        lease->reset();
        ::_exit(0);
    }
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK(!granted(file));

    child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(60);
        for (;;) ::pause();
    }
    lease->reset();
    CHECK(granted(file));
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("a lease file without a note, or with another one's, hinders nobody") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    for (const std::string& content : {std::string(), std::string("rubbish"), std::string(1'000, '9')}) {
        BlockingThreads::forCalls().wait();  // for the removal of the lease before
        put(directory / leaseName, content);
        const auto lease = SessionFile(file).acquireLease(hour);
        REQUIRE((lease && *lease));
        CHECK(!granted(file));
    }
}

TEST_CASE("a lease that cannot be had is a failure, not a lease, and leaves none behind") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    for (const FileStep step : {FileStep::openDirectory, FileStep::openLock, FileStep::takeLock}) {
        for (const int error : {ENOSPC, EROFS, EIO, EMFILE}) {
            failAt = step;
            failWith = error;
            const auto lease = SessionFile(file, &failingHook).acquireLease(hour);
            REQUIRE(!lease.has_value());
            CHECK(lease.error().code == Errc::storage_unavailable);
            CHECK(lease.error().context.find(file.string()) != std::string::npos);
            CHECK(granted(file));
        }
    }
}

TEST_CASE("without space for its note a lease is one all the same, for the time that others would have it [95]") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    const auto setTime = [&](std::chrono::seconds ago) {
        struct timespec times[2] = {};
        ::clock_gettime(CLOCK_REALTIME, &times[0]);
        times[0].tv_sec -= ago.count();
        times[1] = times[0];
        REQUIRE(::utimensat(AT_FDCWD, (directory / leaseName).c_str(), times, 0) == 0);
    };
    failAt = FileStep::writeLease;
    for (const int error : {ENOSPC, EDQUOT, EIO}) {
        // The note of an earlier holder, whose time is over, or one that is too long; and an old empty file.
        for (const std::string& before :
             {writeLeaseNote(leaseMoment(), milliseconds(0)), std::string(1'000, '9'), std::string()}) {
            BlockingThreads::forCalls().wait();
            put(directory / leaseName, before);
            setTime(2 * hour);
            failWith = error;
            auto lease = SessionFile(file, &failingHook).acquireLease(milliseconds(50));
            failWith = 0;
            REQUIRE((lease && *lease));
            CHECK(!granted(file));
            setTime(std::chrono::minutes(59));
            CHECK(!granted(file));
            CHECK(granted(file, std::chrono::minutes(58)));
            lease->reset();
            CHECK(granted(file));
        }
    }
    // A clock that was set back by more than the time of a lease does not keep others off for longer.
    failWith = ENOSPC;
    const auto lease = SessionFile(file, &failingHook).acquireLease(hour);
    failWith = 0;
    setTime(-2 * hour);
    CHECK(granted(file));
}

TEST_CASE("an erased session keeps its lock files, and a lease that is held stays held") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    REQUIRE(session.save("key", Tokens(AccessToken("a", {}), RefreshToken()), 0).has_value());
    auto lease = session.acquireLease(hour);
    REQUIRE((lease && *lease));
    CHECK(session.erase("key").has_value());
    CHECK(directory.names() == std::set<std::string>{"session.json", ".session.json.lock", leaseName});
    CHECK(!granted(file));
    lease->reset();
    CHECK(granted(file));
}
