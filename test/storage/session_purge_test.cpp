// What a session leaves on the disk: two files at rest, none after a purge.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <wix/error.hpp>
#include <wix/token_storage.hpp>

#include "storage/run_awaitable.hpp"
#include "storage/session_name.hpp"
#include "storage/temp_directory.hpp"
#include "support/eventually.hpp"

using namespace wix;
using namespace wix::detail::test;
using wix::detail::sessionFileName;
using wix::test::eventually;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::hours day(24);

Tokens tokens(const std::string& mark) { return Tokens(AccessToken(mark, {}), RefreshToken(mark, TokenRole::visitor)); }

std::set<std::string> entriesOf(const fs::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename().string());
    return names;
}

std::set<std::string> filesAtRest(const std::string& name) { return {name, "." + name + ".lock"}; }

void makeOlder(const fs::path& file, std::chrono::hours age) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - age);
}

struct Directory {
    Directory() : storage(FileTokenStorage::inDirectory(files.path())) {}
    std::uint64_t save(const std::string& key) {
        const std::optional<StoredTokens> there = runAwaitable(storage->load(key));
        return runAwaitable(storage->save(key, tokens(key), there ? there->version : 0)).version();
    }
    fs::path fileOf(const std::string& key) const { return files / sessionFileName(key); }
    std::size_t purge(std::chrono::seconds age) { return runAwaitable(storage->purge(age)); }

    TempDirectory files;
    std::shared_ptr<FileTokenStorage> storage;
};

/// A lock that another process has.
class Lock {
public:
    explicit Lock(const fs::path& file) : number_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
        REQUIRE(::flock(number_, LOCK_EX | LOCK_NB) == 0);
    }
    ~Lock() { ::close(number_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

private:
    int number_;
};

}  // namespace

TEST_CASE("the greatest age removes no session, and a time in the far future is no age [D4]") {
    Directory directory;
    directory.save("anna");
    CHECK(directory.purge(std::chrono::seconds::max()) == 0);
    const timespec year2500{16'725'225'600, 0};
    const timespec times[2] = {year2500, year2500};
    REQUIRE(::utimensat(AT_FDCWD, directory.fileOf("anna").c_str(), times, 0) == 0);
    CHECK(directory.purge(30 * day) == 0);
    CHECK(fs::exists(directory.fileOf("anna")));
}

TEST_CASE("a session at rest has two files: its record and its lock [D4]") {
    Directory sessions;
    for (int renewal = 0; renewal < 3; ++renewal) {
        const auto lease = runAwaitable(sessions.storage->acquireLease("anna", std::chrono::minutes(1)));
        REQUIRE(lease);
        sessions.save("anna");
    }
    CHECK(eventually([&] { return entriesOf(sessions.files.path()) == filesAtRest(sessionFileName("anna")); }));
}

TEST_CASE("a lease that another object has taken meanwhile keeps its file [D4]") {
    Directory sessions;
    sessions.save("anna");
    for (int i = 0; i < 50; ++i) {
        std::optional<RenewalLease> lease =
            runAwaitable(sessions.storage->acquireLease("anna", std::chrono::minutes(1)));
        REQUIRE(lease);
        lease.reset();
        lease = runAwaitable(sessions.storage->acquireLease("anna", std::chrono::minutes(1)));
        REQUIRE(lease);
        const auto other = FileTokenStorage::inDirectory(sessions.files.path());
        CHECK_FALSE(runAwaitable(other->acquireLease("anna", std::chrono::minutes(1))));
    }
}

TEST_CASE("a purge removes sessions that were written longer ago, with the files beside them [D4]") {
    Directory sessions;
    for (const char* key : {"old", "ended", "young"}) sessions.save(key);
    runAwaitable(sessions.storage->erase("ended"));
    makeOlder(sessions.fileOf("old"), 31 * day);
    makeOlder(sessions.fileOf("ended"), 31 * day);
    makeOlder(sessions.fileOf("young"), 29 * day);
    CHECK(sessions.purge(30 * day) == 2);
    CHECK(entriesOf(sessions.files.path()) == filesAtRest(sessionFileName("young")));
    CHECK(runAwaitable(sessions.storage->load("young"))->tokens == tokens("young"));
    CHECK_FALSE(runAwaitable(sessions.storage->load("old")));
    CHECK(sessions.purge(30 * day) == 0);
}

TEST_CASE("a purge leaves sessions alone that are being saved or renewed [D4]") {
    Directory sessions;
    for (const char* key : {"saved", "renewed"}) sessions.save(key);
    const std::set<std::string> before = entriesOf(sessions.files.path());
    const Lock lock(sessions.files / ("." + sessionFileName("saved") + ".lock"));
    const auto lease = runAwaitable(sessions.storage->acquireLease("renewed", std::chrono::minutes(1)));
    for (const char* key : {"saved", "renewed"}) makeOlder(sessions.fileOf(key), 31 * day);
    CHECK(sessions.purge(30 * day) == 0);
    CHECK(runAwaitable(sessions.storage->load("saved")));
    CHECK(runAwaitable(sessions.storage->load("renewed")));
}

TEST_CASE("a purge goes on after a session that cannot be locked, and fails at its end [D4]") {
    Directory sessions;
    const std::vector<std::string> keys{"a", "b", "c", "d"};
    for (const std::string& key : keys) {
        sessions.save(key);
        makeOlder(sessions.fileOf(key), 31 * day);
    }
    fs::permissions(sessions.files / ("." + sessionFileName("b") + ".lock"), fs::perms::group_read,
                    fs::perm_options::add);
    try {
        sessions.purge(30 * day);
        FAIL("the purge has not failed");
    } catch (const Error& failed) {
        CHECK(failed.code() == Errc::storage_refused);
        CHECK(std::string(failed.what()).find("chmod 600") != std::string::npos);
        CHECK(std::string(failed.what()).find("3 other sessions were removed") != std::string::npos);
    }
    CHECK(entriesOf(sessions.files.path()) == filesAtRest(sessionFileName("b")));
}

TEST_CASE("a purge leaves other files alone [D4]") {
    Directory sessions;
    const std::string name = sessionFileName("key");
    std::ofstream(sessions.files / "notes.json") << "mine";
    std::ofstream(sessions.files / ".notes.json.lock") << "mine";
    fs::create_symlink(sessions.files / "notes.json", sessions.files / name);
    fs::create_directory(sessions.files / sessionFileName("directory"));
    for (const char* file : {"notes.json", ".notes.json.lock"}) makeOlder(sessions.files / file, 31 * day);
    const std::set<std::string> before = entriesOf(sessions.files.path());
    CHECK(sessions.purge(std::chrono::hours(1)) == 0);
    CHECK(entriesOf(sessions.files.path()) == before);
}

TEST_CASE("a purge removes a lock file without a record [D4]") {
    Directory sessions;
    const std::string lock = "." + sessionFileName("never saved") + ".lock";
    std::ofstream(sessions.files / lock) << "";
    fs::permissions(sessions.files / lock, fs::perms::owner_read | fs::perms::owner_write);
    CHECK(sessions.purge(day) == 0);
    CHECK(entriesOf(sessions.files.path()).count(lock) == 1);
    makeOlder(sessions.files / lock, 2 * day);
    CHECK(sessions.purge(day) == 0);
    CHECK(entriesOf(sessions.files.path()).empty());
}

TEST_CASE("versions continue to grow after a purge [D4]") {
    Directory sessions;
    const std::uint64_t before = sessions.save("anna");
    makeOlder(sessions.fileOf("anna"), 31 * day);
    CHECK(sessions.purge(30 * day) == 1);
    CHECK(sessions.save("anna") > before);
}

TEST_CASE("a purge of a storage of one file removes that session only [D4]") {
    const TempDirectory directory;
    FileTokenStorage storage(directory / "session.json"), other(directory / "other.json");
    for (FileTokenStorage* each : {&storage, &other}) runAwaitable(each->save("key", tokens("1"), 0));
    for (const char* file : {"session.json", "other.json"}) makeOlder(directory / file, 31 * day);
    CHECK(runAwaitable(storage.purge(32 * day)) == 0);
    CHECK(runAwaitable(storage.purge(30 * day)) == 1);
    CHECK(entriesOf(directory.path()) == filesAtRest("other.json"));
}

TEST_CASE("a purge with a negative time, or of a missing directory, is refused [D4]") {
    Directory sessions;
    sessions.save("anna");
    CHECK_THROWS_AS(runAwaitable(sessions.storage->purge(std::chrono::seconds(-1))), Error);
    CHECK(runAwaitable(sessions.storage->load("anna")));
    const auto missing = FileTokenStorage::inDirectory(sessions.files / "missing");
    CHECK_THROWS_AS(runAwaitable(missing->purge(day)), Error);
}
