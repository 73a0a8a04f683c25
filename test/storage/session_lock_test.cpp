// The lock that orders the saves of several processes, and lock files that are not ours.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

#include "storage/lock_wait.hpp"
#include "storage/session_file.hpp"
#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
namespace fs = std::filesystem;

namespace {

constexpr auto hour = std::chrono::hours(1);
const std::string lockName = ".session.json.lock", leaseName = ".session.json.lease";

Tokens tokens(const std::string& mark) { return Tokens(AccessToken(mark, {}), RefreshToken(mark, TokenRole::visitor)); }

/// What another process does while it saves.
Descriptor lockedFile(const fs::path& file) {
    Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::flock(lock.get(), LOCK_EX | LOCK_NB) == 0);
    return lock;
}

template <class T>
void checkFails(const result<T>& outcome, Errc code, const std::string& part) {
    REQUIRE(!outcome.has_value());
    CHECK(outcome.error().code == code);
    CAPTURE(outcome.error().context);
    CHECK(outcome.error().context.find(part) != std::string::npos);
}

/// Between the opening of the lock file and the lock, somebody removes it, and another process begins to save.
fs::path lockToSwap;
std::optional<Descriptor> swappedLock;
int swappingHook(FileStep step) {
    if (step != FileStep::takeLock || swappedLock) return 0;
    fs::remove(lockToSwap);
    swappedLock.emplace(lockedFile(lockToSwap));
    return 0;
}

int deniedAt = 0;
int readOnlyHook(FileStep step) {
    if (step != FileStep::openLock && step != FileStep::createTemporary) return 0;
    return deniedAt;
}

}  // namespace

TEST_CASE("while another process has the lock, sessions can be read, and a save fails within bounded time") {
    const LockWait brief(std::chrono::milliseconds(20));
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    const std::uint64_t version = session.save("key", tokens("1"), 0)->version();
    {
        const Descriptor other = lockedFile(directory / lockName);
        CHECK(session.load("key").value()->version == version);
        checkFails(session.save("key", tokens("2"), version), Errc::storage_unavailable,
                   "another process holds the lock");
        checkFails(session.erase("key"), Errc::storage_unavailable, "another process holds the lock");
        checkFails(session.acquireLease(hour), Errc::storage_unavailable, "another process holds the lock");
        CHECK(!session.save("key", tokens("2"), 0)->isSaved());  // a conflict is one without it
    }
    CHECK(session.save("key", tokens("2"), version)->isSaved());
}

TEST_CASE("a lock whose file was removed is nobody's") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    const std::uint64_t version = session.save("key", tokens("1"), 0)->version();
    const Descriptor other = lockedFile(directory / lockName);
    fs::remove(directory / lockName);
    CHECK(session.save("key", tokens("2"), version)->isSaved());
}

TEST_CASE("a lock file that is replaced while it is being locked is not the lock") {
    const LockWait brief(std::chrono::milliseconds(20));
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    lockToSwap = directory / lockName;
    SessionFile session(file, &swappingHook);
    checkFails(session.save("key", tokens("1"), 0), Errc::storage_unavailable, "another process holds the lock");
    CHECK(!fs::exists(file));
    swappedLock.reset();
}

TEST_CASE("leftovers of a process that is saving just now stay") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    const std::string leftover = ".session.json.0123456789abcdef.wix-tmp";
    put(directory / leftover, "new");
    {
        const Descriptor other = lockedFile(directory / lockName);
        CHECK(!SessionFile(file).save("key", tokens("1"), 0).has_value());
        CHECK(fs::exists(directory / leftover));
    }
    CHECK(SessionFile(file).save("key", tokens("1"), 0).has_value());
    CHECK(!fs::exists(directory / leftover));
}

TEST_CASE("a lock or lease file that is a link, no file, or open to others is refused [96]") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    const std::uint64_t version = SessionFile(file).save("key", tokens("1"), 0)->version();
    const std::string before = contentOf(file);
    fs::remove(directory / lockName);
    put(directory / "target", "target");
    for (const std::string& name : {lockName, leaseName}) {
        const fs::path bad = directory / name;
        const auto check = [&](const std::string& part) {
            CAPTURE(part);
            SessionFile session(file);
            CHECK(session.load("key").value()->version == version);  // reading needs neither
            checkFails(session.acquireLease(hour), Errc::storage_refused, bad.string() + " " + part);
            if (name == leaseName) return;
            checkFails(session.save("key", tokens("2"), version), Errc::storage_refused, bad.string() + " " + part);
            checkFails(session.erase("key"), Errc::storage_refused, bad.string() + " " + part);
        };
        fs::create_symlink(directory / "target", bad);
        check("is a symbolic link; remove it");
        fs::remove(bad);
        fs::create_symlink(directory / "nothing", bad);
        check("is a symbolic link; remove it");
        CHECK(!fs::exists(directory / "nothing"));
        fs::remove(bad);
        REQUIRE(::mkfifo(bad.c_str(), 0600) == 0);
        check("is not a regular file; remove it");
        fs::remove(bad);
        fs::create_directory(bad);
        check("is not a regular file; remove it");
        fs::remove(bad);
        put(bad, "");
        for (const ::mode_t mode : {0666, 0644, 0602, 0610}) {
            REQUIRE(::chmod(bad.c_str(), mode) == 0);
            check("may be used by others; run: chmod 600 " + bad.string());
        }
        if (::geteuid() == 0) {
            REQUIRE(::chmod(bad.c_str(), 0600) == 0);
            REQUIRE(::chown(bad.c_str(), 65534, 65534) == 0);
            check("belongs to another user");
        }
        fs::remove(bad);
        CHECK(contentOf(file) == before);
        CHECK(contentOf(directory / "target") == "target");
    }
    CHECK(SessionFile(file).save("key", tokens("2"), version)->isSaved());
}

TEST_CASE("without a lock file, on a full or read-only disk, a session is still read [95]") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    const std::uint64_t version = SessionFile(file).save("key", tokens("1"), 0)->version();
    fs::remove(directory / lockName);
    const std::string before = contentOf(file);
    for (const int error : {EROFS, ENOSPC, EACCES, EDQUOT}) {
        deniedAt = error;
        SessionFile session(file, &readOnlyHook);
        CHECK(session.load("key").value()->version == version);
        CHECK(!session.save("key", tokens("2"), 0)->isSaved());
        checkFails(session.save("key", tokens("2"), version), Errc::storage_unavailable, "cannot open its lock file");
        checkFails(session.erase("key"), Errc::storage_unavailable, "cannot open its lock file");
        checkFails(session.acquireLease(hour), Errc::storage_unavailable, "cannot open its lock file");
        CHECK(contentOf(file) == before);
        CHECK(directory.names() == std::set<std::string>{"session.json"});
        CHECK(SessionFile(directory / "none.json", &readOnlyHook).erase("key").has_value());
    }
}

TEST_CASE("lock files are private whatever the umask") {
    const TempDirectory directory;
    for (const ::mode_t mask : {0000, 0077, 0177, 0777}) {
        const fs::path file = directory / ("session" + std::to_string(mask));
        const ::mode_t before = ::umask(mask);
        const auto saved = SessionFile(file).save("key", tokens("1"), 0);
        const auto lease = SessionFile(file).acquireLease(hour);
        ::umask(before);
        CHECK(saved.has_value());
        CHECK((lease && *lease));
        for (const std::string end : {".lock", ".lease"}) {
            struct stat status {};
            REQUIRE(::stat((directory / ("." + file.filename().string() + end)).c_str(), &status) == 0);
            CHECK((status.st_mode & 07777) == 0600);
        }
    }
}
