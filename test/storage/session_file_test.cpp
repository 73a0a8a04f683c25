// The records of a session file, their versions, and what is left of one that has ended.
#include "storage/session_file.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "storage/lock_wait.hpp"
#include "storage/session_texts.hpp"
#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
namespace fs = std::filesystem;

namespace {

const std::set<std::string> fileAndLock{"session.json", ".session.json.lock"};

/// Versions are times: microseconds since 1970.
std::uint64_t now() {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

std::string endedRecord(std::uint64_t version) {
    return R"({"accessToken":{"value":"","expiresAt":0},"refreshToken":{"value":"","role":"none"},)"
           R"("wix":{"key":"key","version":)" +
           std::to_string(version) + "}}";
}

}  // namespace

TEST_CASE("no record, then one, then another, then an empty one") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    CHECK(!session.load("key").value());
    CHECK(directory.names().empty());

    const std::uint64_t before = now();
    const SaveResult first = session.save("key", tokens("1"), 0).value();
    CHECK(first.isSaved());
    CHECK(first.version() >= before);
    CHECK(first.version() <= now());
    CHECK(contentOf(file) == R"({"accessToken":{"value":"access-1","expiresAt":1700000000},)"
                             R"("refreshToken":{"value":"refresh-1","role":"visitor"},"wix":{"key":"key","version":)" +
                                 std::to_string(first.version()) + "}}");
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);

    const SaveResult second = session.save("key", tokens("2", TokenRole::member), first.version()).value();
    CHECK(second.version() > first.version());
    const StoredTokens stored = session.load("key").value().value();
    CHECK(stored.tokens == tokens("2", TokenRole::member));
    CHECK(stored.version == second.version());
    CHECK(SessionFile(file).load("key").value()->version == second.version());
    CHECK(directory.names() == fileAndLock);

    CHECK(session.erase("key").has_value());
    const StoredTokens ended = session.load("key").value().value();
    CHECK(ended.tokens == Tokens());
    CHECK(ended.version > second.version());
    CHECK(contentOf(file) == endedRecord(ended.version));
    CHECK(directory.names() == fileAndLock);
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);

    // Whoever has not seen the end learns of it.
    for (const std::uint64_t version : {std::uint64_t{0}, second.version()}) {
        const SaveResult late = SessionFile(file).save("key", tokens("late"), version).value();
        CHECK(!late.isSaved());
        CHECK(late.version() == ended.version);
        CHECK(late.current().tokens.empty());
    }
    CHECK(SessionFile(file).save("key", tokens("3"), ended.version)->version() > ended.version);
    CHECK(session.load("key").value()->tokens == tokens("3"));
}

TEST_CASE("an erase writes nothing if there is no record, or an empty one") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    CHECK(SessionFile(file).erase("key").has_value());
    CHECK(directory.names().empty());

    REQUIRE(SessionFile(file).save("key", tokens("1"), 0).has_value());
    REQUIRE(SessionFile(file).erase("key").has_value());
    const std::string ended = contentOf(file);
    struct stat before {
    }, after{};
    REQUIRE(::stat(file.c_str(), &before) == 0);
    CHECK(SessionFile(file).erase("key").has_value());
    REQUIRE(::stat(file.c_str(), &after) == 0);
    CHECK(after.st_ino == before.st_ino);
    CHECK(contentOf(file) == ended);
    CHECK(directory.names() == fileAndLock);
}

TEST_CASE("an erased file of a JavaScript program has no tokens, and a version above its time") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, javaScript);
    const std::uint64_t written = timeOf(file);
    CHECK(SessionFile(file).erase("key").has_value());
    const std::uint64_t version = SessionFile(file).load("key").value()->version;
    CHECK(version > written);
    CHECK(contentOf(file) == endedRecord(version));
    // What such a program writes when its visitor logs out is an empty record too.
    put(file, R"({"accessToken":{"value":"","expiresAt":0},"refreshToken":{"value":"","role":"none"}})");
    const StoredTokens stored = SessionFile(file).load("key").value().value();
    CHECK(stored.tokens == Tokens());
    CHECK(stored.version == timeOf(file));
}

TEST_CASE("a version is above the one that is there, whatever the clock says") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    constexpr std::uint64_t ahead = 8'000'000'000'000'000;
    put(file, marked(R"({"key":"key","version":8000000000000000})"));
    CHECK(session.save("key", tokens("1"), ahead)->version() == ahead + 1);
    CHECK(session.erase("key").has_value());
    CHECK(session.load("key").value()->version == ahead + 2);
    CHECK(session.save("key", tokens("2"), ahead + 2)->version() == ahead + 3);
    // Also above that of a record that somebody has removed.
    fs::remove(file);
    CHECK(session.save("key", tokens("3"), 0)->version() == ahead + 4);
}

TEST_CASE("a save on another version is a conflict, and writes nothing") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    const SaveResult none = session.save("key", tokens("x"), 7).value();
    CHECK(!none.isSaved());
    CHECK(none.version() == 0);
    CHECK(none.current().tokens.empty());
    CHECK(directory.names().empty());

    const std::uint64_t first = session.save("key", tokens("1"), 0)->version();
    const std::string before = contentOf(file);
    for (std::uint64_t version : {std::uint64_t{0}, std::uint64_t{1}, first - 1, first + 1}) {
        const SaveResult result = session.save("key", tokens("x"), version).value();
        CHECK(!result.isSaved());
        CHECK(result.version() == first);
        CHECK(result.current().tokens == tokens("1"));
    }
    CHECK(contentOf(file) == before);
}

TEST_CASE("of many threads and objects exactly one wins each version") {
    const LockWait patient(std::chrono::minutes(1));  // the disk may be busy with something else
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    constexpr int threads = 4, rounds = 25;
    std::vector<std::thread> all;
    std::mutex mutex;
    std::set<std::uint64_t> versions;
    for (int i = 0; i < threads; ++i)
        all.emplace_back([&, i] {
            SessionFile session(file);
            std::uint64_t version = 0;
            for (int wins = 0; wins < rounds;) {
                const SaveResult result = session.save("key", tokens(std::to_string(i)), version).value();
                version = result.version();
                if (!result.isSaved()) continue;
                ++wins;
                const std::lock_guard lock(mutex);
                versions.insert(version);
            }
        });
    for (std::thread& thread : all) thread.join();
    CHECK(versions.size() == threads * rounds);
    CHECK(SessionFile(file).load("key").value()->version == *versions.rbegin());
    CHECK(directory.names() == fileAndLock);
}

TEST_CASE("a file of a JavaScript program is of any key, and its time is its version") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, "\n " + javaScript + "\n");
    SessionFile session(file);
    const std::uint64_t written = timeOf(file);
    for (std::string key : {"key", "", "other"}) {
        const StoredTokens stored = session.load(key).value().value();
        CHECK(stored.version == written);
        CHECK(stored.tokens.refreshToken.value == "SECRET-r");
    }
    CHECK(!session.save("key", tokens("1"), 0)->isSaved());
    CHECK(!session.save("key", tokens("1"), 1)->isSaved());
    CHECK(session.save("key", tokens("1"), written)->version() > written);
    CHECK(session.load("key").value()->tokens == tokens("1"));
    // From now on it is of this key.
    CHECK(why(session.load("other"), file).starts_with("refused: it is the session of another client id"));
}

TEST_CASE("tokens that could not be read back are not written") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    const std::uint64_t first = session.save("key", tokens("1"), 0)->version();
    CHECK(why(session.save("key", tokens("\xFF"), first), file).find("cannot be written as JSON") != std::string::npos);
    CHECK(why(session.save("key", tokens(std::string(1 << 20, 'x')), first), file).find("cannot be written") !=
          std::string::npos);
    CHECK(session.load("key").value()->tokens == tokens("1"));
    CHECK(why(SessionFile(directory / "other").save("\xFF", tokens("1"), 0), directory / "other").find("JSON") !=
          std::string::npos);
    CHECK(directory.names() == std::set<std::string>{"session.json", ".session.json.lock", ".other.lock"});
    // Everything else is: quotes, control characters, other scripts.
    const Tokens odd = tokens("\"\\\n\t\x01 \xC3\xA4");
    const std::uint64_t second = session.save("key", odd, first)->version();
    CHECK(session.load("key").value()->tokens == odd);
    CHECK(session.save("key", Tokens(), second)->isSaved());
    CHECK(session.load("key").value()->tokens.empty());
}
