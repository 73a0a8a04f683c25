// What breaks while a session is saved: the old one or the new one is there, never a part, and nothing is left behind.
#include "storage/session_file.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
namespace fs = std::filesystem;

namespace {

Tokens tokens(const std::string& mark) {
    return Tokens(AccessToken("access-" + mark, std::chrono::sys_seconds(std::chrono::seconds(1))),
                  RefreshToken("refresh-" + mark, TokenRole::visitor));
}

int stepsLeft = 0;  // until the one that fails
int failWith = 0;   // 0: the process is killed there
FileStep failedStep{};
std::vector<FileStep> seen;

int failingHook(FileStep step) {
    seen.push_back(step);
    if (stepsLeft-- != 0) return 0;
    failedStep = step;
    if (failWith == 0) ::raise(SIGKILL);
    return failWith;
}

void failAt(int step, int error) {
    seen.clear();
    stepsLeft = step;
    failWith = error;
}

/// Whether the record is whole, and which one it is.
std::string recordIn(const fs::path& file) {
    const auto stored = SessionFile(file).load("key");
    REQUIRE(stored.has_value());
    REQUIRE(stored->has_value());
    return (*stored)->tokens.refreshToken.value;
}

std::uint64_t versionIn(const fs::path& file) {
    const auto stored = SessionFile(file).load("key");
    REQUIRE(stored.has_value());
    return *stored ? (*stored)->version : 0;
}

const std::set<std::string> fileAndLock{"session.json", ".session.json.lock"};
constexpr int stepsOfSave = 16, stepsOfErase = stepsOfSave;

}  // namespace

TEST_CASE("a save takes these steps, in this order") {
    const TempDirectory directory;
    SessionFile session(directory / "session.json", &failingHook);
    failAt(-1, EIO);
    REQUIRE(session.save("key", tokens("old"), 0).has_value());
    failAt(-1, EIO);
    REQUIRE(session.save("key", tokens("new"), versionIn(directory / "session.json")).has_value());
    using enum FileStep;
    CHECK((seen == std::vector<FileStep>{openDirectory, openFile, readFile, readFile, openLock, takeLock, openFile,
                                         readFile, readFile, createTemporary, protectTemporary, writeTemporary,
                                         syncTemporary, closeTemporary, FileStep::rename, syncDirectory}));
    CHECK(seen.size() == stepsOfSave);
    failAt(-1, EIO);
    REQUIRE(session.erase("key").has_value());
    CHECK((seen == std::vector<FileStep>{openDirectory, openFile, readFile, readFile, openLock, takeLock, openFile,
                                         readFile, readFile, createTemporary, protectTemporary, writeTemporary,
                                         syncTemporary, closeTemporary, FileStep::rename, syncDirectory}));
    CHECK(seen.size() == stepsOfErase);
}

TEST_CASE("each step of a save that fails leaves the old record, or after the rename the new one [95]") {
    int failures = 0;
    for (int error : {ENOSPC, EIO, EROFS, EMFILE, EACCES}) {
        for (int step = 0;; ++step) {
            const TempDirectory directory;
            const fs::path file = directory / "session.json";
            SessionFile session(file, &failingHook);
            failAt(-1, error);
            REQUIRE(session.save("key", tokens("old"), 0).has_value());
            const std::uint64_t old = versionIn(file);
            failAt(step, error);
            const auto saved = session.save("key", tokens("new"), old);
            if (saved) {
                CHECK(step == stepsOfSave);  // more than there are
                break;
            }
            CAPTURE(step);
            CHECK(saved.error().code == Errc::storage_unavailable);
            CHECK(saved.error().context.find(file.string()) != std::string::npos);
            CHECK(saved.error().context.find("refresh") == std::string::npos);
            const bool renamed = failedStep == FileStep::syncDirectory;
            CHECK(recordIn(file) == (renamed ? "refresh-new" : "refresh-old"));
            CHECK((versionIn(file) == old) == !renamed);
            CHECK(directory.names() == fileAndLock);
            // The next attempt works, on what is there.
            CHECK(session.save("key", tokens("next"), versionIn(file))->isSaved());
            ++failures;
        }
    }
    CHECK(failures == 5 * stepsOfSave);
}

TEST_CASE("each step of an erase that fails leaves the record, or after the rename an empty one [95]") {
    for (int step = 0; step < stepsOfErase; ++step) {
        const TempDirectory directory;
        const fs::path file = directory / "session.json";
        SessionFile session(file, &failingHook);
        failAt(-1, EIO);
        REQUIRE(session.save("key", tokens("old"), 0).has_value());
        failAt(step, EIO);
        const auto erased = session.erase("key");
        CAPTURE(step);
        REQUIRE(!erased.has_value());
        CHECK(erased.error().code == Errc::storage_unavailable);
        CHECK(recordIn(file) == (failedStep == FileStep::syncDirectory ? "" : "refresh-old"));
        CHECK(directory.names() == fileAndLock);
        CHECK(session.erase("key").has_value());
        CHECK(recordIn(file).empty());
    }
}

TEST_CASE("an interrupted call is made again") {
    const TempDirectory directory;
    for (int step = 0; step < stepsOfSave; ++step) {
        const fs::path file = directory / ("session" + std::to_string(step));
        SessionFile session(file, &failingHook);
        failAt(-1, 0);
        REQUIRE(session.save("key", tokens("old"), 0).has_value());
        const std::uint64_t old = versionIn(file);
        failAt(step, EINTR);
        CAPTURE(step);
        const auto saved = session.save("key", tokens("new"), old);
        // Except close: Linux has closed the file already, and its data may be lost.
        CHECK(saved.has_value() == (failedStep != FileStep::closeTemporary));
    }
}

TEST_CASE("a file system that cannot sync a directory is no failure") {
    const TempDirectory directory;
    for (int error : {EINVAL, ENOTSUP}) {
        SessionFile session(directory / std::to_string(error), &failingHook);
        failAt(11, error);  // of a first save, which reads nothing
        CHECK(session.save("key", tokens("1"), 0).has_value());
        CHECK(failedStep == FileStep::syncDirectory);
    }
}

TEST_CASE("a process that is killed at any step leaves a whole record, and its rest is cleaned up [95]") {
    int killed = 0;
    for (int step = 0; step <= stepsOfSave; ++step) {
        const TempDirectory directory;
        const fs::path file = directory / "session.json";
        REQUIRE(SessionFile(file).save("key", tokens("old"), 0).has_value());
        const std::uint64_t old = versionIn(file);
        failAt(step, 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            SessionFile session(file, &failingHook);
            static_cast<void>(session.save("key", tokens("new"), old));
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        killed += WIFSIGNALED(status) ? 1 : 0;
        CAPTURE(step);
        // The last step is the sync after the rename.
        CHECK(recordIn(file) == (step < stepsOfSave - 1 ? "refresh-old" : "refresh-new"));
        SessionFile next(file);
        CHECK(next.save("key", tokens("next"), versionIn(file))->isSaved());
        CHECK(recordIn(file) == "refresh-next");
        CHECK(directory.names() == fileAndLock);
    }
    CHECK(killed == stepsOfSave);
}

TEST_CASE("a full disk in the middle of the file: short writes go on, and the rest is an error [95]") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    const std::uint64_t old = session.save("key", tokens("old"), 0)->version();
    // A limit of the process stands in for the disk: write() first writes less, then fails.
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit tight = before;
    tight.rlim_cur = 50;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    const auto saved = session.save("key", tokens("new"), old);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    REQUIRE(!saved.has_value());
    CHECK(saved.error().code == Errc::storage_unavailable);
    CHECK(saved.error().context.ends_with("cannot write its new version: File too large"));
    CHECK(recordIn(file) == "refresh-old");
    CHECK(directory.names() == fileAndLock);
}

TEST_CASE("the new file is private whatever the umask") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    for (::mode_t mask : {0000, 0077, 0777}) {
        const ::mode_t before = ::umask(mask);
        SessionFile session(file);
        const auto saved =
            session.save("key", tokens("1"), fs::exists(file) ? session.load("key").value()->version : 0);
        ::umask(before);
        CHECK(saved.has_value());
        struct stat status {};
        REQUIRE(::stat(file.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
    }
}

TEST_CASE("only leftovers of this file are removed, and only safe ones") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    const std::string leftover = ".session.json.0123456789abcdef.wix-tmp";
    const std::set<std::string> others = {
        ".session.json.0123456789abcde.wix-tmp",   ".session.json.0123456789abcdeF.wix-tmp",
        ".session.json.0123456789abcdeff.wix-tmp", ".session.json.0123456789abcdef.wix-tmp2",
        ".other.json.0123456789abcdef.wix-tmp",    "session.json.0123456789abcdef.wix-tmp",
        ".session.json.0123456789abcdef.tmp",      "session.json~",
        "..session.json.0123456789abcdef.wix-tmp",
    };
    for (const std::string& name : others) put(directory / name, "other");
    put(directory / leftover, "leftover");
    // A link, and a directory, of the right name are not ours.
    put(directory / "target", "other");
    fs::create_symlink(directory / "target", directory / ".session.json.aaaaaaaaaaaaaaaa.wix-tmp");
    fs::create_directory(directory / ".session.json.bbbbbbbbbbbbbbbb.wix-tmp");
    if (::geteuid() == 0) {
        put(directory / ".session.json.cccccccccccccccc.wix-tmp", "foreign");
        REQUIRE(::chown((directory / ".session.json.cccccccccccccccc.wix-tmp").c_str(), 65534, 65534) == 0);
    }
    std::set<std::string> expected = directory.names();
    expected.erase(leftover);
    expected.insert("session.json");
    expected.insert(".session.json.lock");

    SessionFile session(file);
    CHECK(!session.load("key").value());
    CHECK(directory.names().contains(leftover));  // reading changes nothing
    CHECK(session.save("key", tokens("1"), 0)->isSaved());
    CHECK(directory.names() == expected);
    CHECK(contentOf(directory / "target") == "other");

    put(directory / leftover, "leftover");
    CHECK(SessionFile(file).erase("key").has_value());
    CHECK(directory.names() == expected);
    CHECK(contentOf(file).find("refresh-") == std::string::npos);
    put(directory / leftover, "leftover");
    CHECK(SessionFile(file).erase("key").has_value());  // also if the record is empty already
    CHECK(directory.names() == expected);
    // Of a first save that crashed: there is no record.
    for (const bool withLock : {true, false}) {
        fs::remove(file);
        expected.erase("session.json");
        if (!withLock) {
            fs::remove(directory / ".session.json.lock");
            expected.erase(".session.json.lock");
        }
        put(directory / leftover, "leftover");
        CHECK(SessionFile(file).erase("key").has_value());
        CHECK(directory.names() == expected);
    }
}
