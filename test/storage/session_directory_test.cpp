// A directory with a file for each session.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include <wix/token_storage.hpp>

#include "storage/run_awaitable.hpp"
#include "storage/session_files.hpp"
#include "storage/session_name.hpp"
#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
namespace fs = std::filesystem;

namespace {

constexpr auto hour = std::chrono::hours(1);

Tokens tokens(const std::string& mark) { return Tokens(AccessToken(mark, {}), RefreshToken(mark, TokenRole::visitor)); }

SessionFiles filesIn(const fs::path& directory) { return SessionFiles(directory, SessionFiles::Kind::directory); }

/// That nothing can be done there, for one reason.
void checkFails(const fs::path& directory, Errc code, const std::string& part) {
    SessionFiles files = filesIn(directory);
    const auto check = [&](const auto& outcome) {
        REQUIRE(!outcome.has_value());
        CHECK(outcome.error().code == code);
        CAPTURE(outcome.error().context);
        CHECK(outcome.error().context.find(part) != std::string::npos);
    };
    check(files.load("key"));
    check(files.save("key", tokens("1"), 0));
    check(files.erase("key"));
    check(files.acquireLease("key", hour));
}

}  // namespace

TEST_CASE("directory: each key has a session and a lease of its own") {
    const TempDirectory directory;
    const auto storage = FileTokenStorage::inDirectory(directory.path());
    const std::string odd = "../a\nb/\"\xC3\xA4";
    for (const std::string& key : {std::string("a"), std::string("b"), odd}) {
        CHECK(!runAwaitable(storage->load(key)));
        CHECK(runAwaitable(storage->save(key, tokens(key), 0)).isSaved());
    }
    for (const std::string& key : {std::string("a"), std::string("b"), odd}) {
        CHECK(runAwaitable(storage->load(key))->tokens == tokens(key));
        CHECK(!runAwaitable(storage->save(key, tokens("x"), 0)).isSaved());
        CHECK(fs::exists(directory / sessionFileName(key)));
    }
    CHECK(directory.names().size() == 2 * 3);
    const auto lease = runAwaitable(storage->acquireLease("a", hour));
    CHECK(lease);
    CHECK(!runAwaitable(FileTokenStorage::inDirectory(directory.path())->acquireLease("a", hour)));
    CHECK(runAwaitable(storage->acquireLease("b", hour)));
    runAwaitable(storage->erase("b"));
    CHECK(runAwaitable(storage->load("b"))->tokens.empty());
    CHECK(runAwaitable(storage->load("a"))->tokens == tokens("a"));
}

TEST_CASE("directory: a session that has ended, and one that is made anew, have a higher version") {
    const TempDirectory directory;
    SessionFiles files = filesIn(directory.path());
    std::uint64_t newest = 0;
    for (int i = 0; i < 20; ++i) {
        const std::uint64_t version = files.save("key", tokens("TOKEN"), newest)->version();
        CHECK(version > newest);
        CHECK(files.erase("key").has_value());
        newest = files.load("key").value()->version;
        CHECK(newest > version);
    }
    const std::string name = sessionFileName("key");
    CHECK(directory.names() == std::set<std::string>{name, "." + name + ".lock"});
    CHECK(contentOf(directory / name).find("TOKEN") == std::string::npos);
    CHECK(contentOf(directory / ("." + name + ".lock")).empty());
}

TEST_CASE("directory: a file under the name of another key is refused") {
    const TempDirectory directory;
    SessionFiles files = filesIn(directory.path());
    CHECK(files.save("a", tokens("1"), 0).has_value());
    fs::copy_file(directory / sessionFileName("a"), directory / sessionFileName("b"));
    const auto stolen = files.load("b");
    REQUIRE(!stolen.has_value());
    CHECK(stolen.error().code == Errc::storage_refused);
}

TEST_CASE("directory: a relative path is of the directory that was current when the storage was made") {
    const TempDirectory directory, other;
    const fs::path before = fs::current_path();
    fs::create_directory(directory / "sessions");
    fs::permissions(directory / "sessions", fs::perms::owner_all);
    fs::current_path(directory.path());
    const auto storage = FileTokenStorage::inDirectory("sessions");
    fs::current_path(other.path());
    CHECK(runAwaitable(storage->save("key", tokens("1"), 0)).isSaved());
    fs::current_path(before);
    CHECK(fs::exists(directory / "sessions" / sessionFileName("key")));
}

TEST_CASE("directory: it must be there") {
    const TempDirectory directory;
    checkFails(directory / "missing", Errc::storage_unavailable, "cannot open its directory: No such file");
    put(directory / "file", "");
    checkFails(directory / "file", Errc::storage_unavailable, "cannot open its directory: Not a directory");
    checkFails(fs::path(), Errc::storage_refused, "the path does not name a file");
}

TEST_CASE("a directory where others may write, or of another user, is refused [96]") {
    const TempDirectory directory;
    SessionFiles files = filesIn(directory.path());
    CHECK(files.save("key", tokens("1"), 0).has_value());
    for (const ::mode_t mode : {0777, 0770, 0720, 0702, 01777}) {
        REQUIRE(::chmod(directory.path().c_str(), mode) == 0);
        CAPTURE(mode);
        checkFails(directory.path(), Errc::storage_refused,
                   "others may write in its directory; if nobody has, run: chmod go-w " + directory.path().string());
    }
    for (const ::mode_t mode : {0700, 0755, 0711}) {
        REQUIRE(::chmod(directory.path().c_str(), mode) == 0);
        CHECK(files.load("key").value());
    }
    if (::geteuid() == 0) {
        REQUIRE(::chown(directory.path().c_str(), 65534, 65534) == 0);
        checkFails(directory.path(), Errc::storage_refused, "its directory belongs to another user");
        REQUIRE(::chown(directory.path().c_str(), 0, 0) == 0);
    }
}

TEST_CASE("a session in a directory that is a link, or that others may read, is refused [96]") {
    const TempDirectory directory;
    SessionFiles files = filesIn(directory.path());
    CHECK(files.save("key", tokens("1"), 0).has_value());
    const fs::path file = directory / sessionFileName("key");
    REQUIRE(::chmod(file.c_str(), 0644) == 0);
    checkFails(file, Errc::storage_unavailable, "Not a directory");
    CHECK(files.load("key").error().code == Errc::storage_refused);
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    fs::rename(file, directory / "real");
    fs::create_symlink(directory / "real", file);
    CHECK(files.load("key").error().code == Errc::storage_refused);
    CHECK(files.save("key", tokens("2"), 0).error().code == Errc::storage_refused);
}

TEST_CASE("directory: a full disk leaves the old session, and no rest [95]") {
    const TempDirectory directory;
    SessionFiles files = filesIn(directory.path());
    const std::uint64_t version = files.save("key", tokens("1"), 0)->version();
    const auto names = directory.names();
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit tight = before;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    tight.rlim_cur = 50;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    const auto saved = files.save("key", tokens("2"), version);
    const auto lease = files.acquireLease("key", hour);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    REQUIRE(!saved.has_value());
    CHECK(saved.error().code == Errc::storage_unavailable);
    REQUIRE(lease.has_value());
    CHECK(lease->has_value());  // one without a note
    CHECK(!files.acquireLease("key", hour)->has_value());
    CHECK(files.load("key").value()->version == version);
    CHECK(files.save("key", tokens("2"), version)->isSaved());
    auto expected = names;
    expected.insert("." + sessionFileName("key") + ".lease");
    CHECK(directory.names() == expected);
}

TEST_CASE("directory: what processes left that were killed is removed, of all sessions [95]") {
    const TempDirectory directory;
    const auto leftoverOf = [](const std::string& key) {
        return "." + sessionFileName(key) + ".0123456789abcdef.wix-tmp";
    };
    for (const std::string key : {"a", "b", "saving"}) put(directory / leftoverOf(key), "tokens");
    put(directory / ".session.json.0123456789abcdef.wix-tmp", "not ours");
    const Descriptor other(
        ::open((directory / ("." + sessionFileName("saving") + ".lock")).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
    SessionFiles files = filesIn(directory.path());
    CHECK(!files.load("a").value());
    CHECK(fs::exists(directory / leftoverOf("a")));
    CHECK(files.save("a", tokens("1"), 0).has_value());
    CHECK(!fs::exists(directory / leftoverOf("a")));
    CHECK(!fs::exists(directory / leftoverOf("b")));
    CHECK(fs::exists(directory / leftoverOf("saving")));
    CHECK(!fs::exists(directory / ("." + sessionFileName("b") + ".lock")));  // a session that was never saved
    CHECK(fs::exists(directory / ".session.json.0123456789abcdef.wix-tmp"));
}
