#include "storage/session_file.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

Tokens tokens(const std::string& mark, TokenRole role = TokenRole::visitor) {
    return Tokens(AccessToken("access-" + mark, std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))),
                  RefreshToken("refresh-" + mark, role));
}

const std::string javaScript =
    R"({"accessToken":{"value":"SECRET-a","expiresAt":1700000000},"refreshToken":{"value":"SECRET-r","role":"visitor"}})";

std::string marked(const std::string& mark) {
    return javaScript.substr(0, javaScript.size() - 1) + ",\"wix\":" + mark + "}";
}

const std::set<std::string> fileAndLock{"session.json", ".session.json.lock"};

/// Versions are times: microseconds since 1970.
std::uint64_t now() {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

std::uint64_t timeOf(const fs::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_mtim.tv_sec * 1'000'000 + status.st_mtim.tv_nsec / 1'000);
}

/// The code and text of a failure; no text may repeat what is in the file.
template <class T>
std::string why(const result<T>& outcome, const fs::path& file) {
    if (outcome) return "no failure";
    std::string text = outcome.error().context;
    CHECK(text.find("SECRET") == std::string::npos);
    const std::string start = "session file " + file.string() + ": ";
    CHECK(text.starts_with(start));
    text = text.substr(start.size());
    if (outcome.error().code == Errc::storage_refused) return "refused: " + text;
    if (outcome.error().code == Errc::storage_damaged) return "damaged: " + text;
    if (outcome.error().code == Errc::storage_unavailable) return "unavailable: " + text;
    return outcome.error().code.message() + ": " + text;
}

/// That load, save and erase all fail in the same way, and change nothing.
void checkRefused(const fs::path& file, const std::string& expected) {
    SessionFile session(file);
    CAPTURE(file);
    CHECK(why(session.load("key"), file) == expected);
    for (std::uint64_t version : {0u, 1u}) CHECK(why(session.save("key", tokens("new"), version), file) == expected);
    CHECK(why(session.erase("key"), file) == expected);
}

void checkDamaged(const TempDirectory& directory, const std::string& text, const std::string& expected) {
    const fs::path file = directory / "session.json";
    put(file, text);
    CAPTURE(text.substr(0, 200));
    checkRefused(file, "damaged: " + expected + "; move it away to start a new session");
    CHECK(contentOf(file) == text);
    CHECK(directory.names() == std::set<std::string>{"session.json"});
}

}  // namespace

TEST_CASE("no record, then one, then another, then none") {
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
    CHECK(directory.names().empty());
    CHECK(session.erase("key").has_value());
    CHECK(!session.load("key").value());
    CHECK(directory.names().empty());
    // The number of an erased record is not used again, by whichever object.
    const std::uint64_t third = session.save("key", tokens("3"), 0)->version();
    CHECK(third > second.version());
    CHECK(session.erase("key").has_value());
    CHECK(SessionFile(file).save("key", tokens("4"), 0)->version() > third);
}

TEST_CASE("a version is above the one that is there, whatever the clock says") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    SessionFile session(file);
    constexpr std::uint64_t ahead = 8'000'000'000'000'000;
    put(file, marked(R"({"key":"key","version":8000000000000000})"));
    CHECK(session.save("key", tokens("1"), ahead)->version() == ahead + 1);
    CHECK(session.erase("key").has_value());
    CHECK(session.save("key", tokens("2"), 0)->version() == ahead + 2);
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

TEST_CASE("a record of another key is refused and stays") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, marked(R"({"key":"SECRET-key","version":4})"));
    CHECK(SessionFile(file).load("SECRET-key").value()->version == 4);
    checkRefused(file, "refused: it is the session of another client id or session key; choose another path");
    CHECK(contentOf(file) == marked(R"({"key":"SECRET-key","version":4})"));
}

TEST_CASE("what is no session is damaged, and stays as it is") {
    const TempDirectory directory;
    checkDamaged(directory, "", "it is empty");
    for (const std::string& text : {"SECRET"s, "{"s, "\0\0\0"s, javaScript + "}", javaScript + javaScript,
                                    "\xEF\xBB\xBF" + javaScript, std::string(1000, '[')})
        checkDamaged(directory, text, "it is not JSON");
    for (std::size_t size = 1; size < javaScript.size(); size += 7)
        checkDamaged(directory, javaScript.substr(0, size), "it is not JSON");
    checkDamaged(directory, "[]", "it is not a session (tokens: must be an object)");
    checkDamaged(directory, "null", "it is not a session (tokens: must be an object)");
    checkDamaged(directory, "{}", "it is not a session (tokens: accessToken must be an object)");
    checkDamaged(directory,
                 R"({"accessToken":{"value":"SECRET","expiresAt":"1"},"refreshToken":{"value":"","role":"none"}})",
                 "it is not a session (tokens: accessToken.expiresAt must be a number)");
    for (std::string mark :
         {"1", "null", "[]", "{}", "\"SECRET\"", R"({"key":"key"})", R"({"version":1})", R"({"key":1,"version":1})",
          R"({"key":"key","version":"1"})", R"({"key":"key","version":null})"})
        checkDamaged(directory, marked(mark), "its member \"wix\" is malformed");
    for (std::string version : {"0", "-1", "1.5", "1e300", "9007199254740992", "18446744073709551615"})
        checkDamaged(directory, marked(R"({"key":"key","version":)" + version + "}"), "its version is out of range");
}

TEST_CASE("a file over 1 MiB is damaged, one below is read") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, std::string((std::size_t{1} << 20) - javaScript.size(), ' ') + javaScript);
    CHECK(SessionFile(file).load("key").value()->version == timeOf(file));
    put(file, std::string((std::size_t{1} << 20) - javaScript.size() + 1, ' ') + javaScript);
    checkRefused(file, "damaged: it is larger than 1 MiB; move it away");
}

TEST_CASE("C row 96: a file that others may use is refused, with the remedy") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, javaScript);
    for (::mode_t mode : {0644, 0640, 0660, 0604, 0602, 0601, 0610, 0666, 0777}) {
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        CAPTURE(mode);
        checkRefused(file, "refused: others may use it; if nobody has, run: chmod 600 " + file.string());
        CHECK(contentOf(file) == javaScript);
    }
    for (::mode_t mode : {0600, 0400, 0700}) {
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        CHECK(SessionFile(file).load("key").value()->version == timeOf(file));
    }
}

TEST_CASE("what is not a regular file is refused without waiting for it") {
    const TempDirectory directory;
    const std::string irregular = "refused: it is not a regular file; choose another path";
    REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
    checkRefused(directory / "fifo", irregular);  // would block without O_NONBLOCK
    fs::create_directory(directory / "directory", directory.path());
    checkRefused(directory / "directory", irregular);
    const int number = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (directory / "socket").string();
    REQUIRE(path.size() < sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    REQUIRE(::bind(number, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    checkRefused(directory / "socket", irregular);
    ::close(number);
    for (std::string path_of_none : {"", "/", ".", "..", "x/"}) {
        const fs::path none(path_of_none);
        CHECK(why(SessionFile(none).load("key"), none) == "refused: the path does not name a file; choose another");
    }
}

TEST_CASE("C row 96: a symbolic link is refused, and what it points to is not touched") {
    const TempDirectory directory;
    const std::string isLink = "refused: it is a symbolic link; give the path of the file itself";
    put(directory / "target", javaScript);
    fs::create_symlink(directory / "target", directory / "link");
    checkRefused(directory / "link", isLink);
    CHECK(contentOf(directory / "target") == javaScript);
    fs::create_symlink(directory / "nothing", directory / "dangling");
    checkRefused(directory / "dangling", isLink);
    CHECK(!fs::exists(directory / "nothing"));
    CHECK(fs::is_symlink(directory / "link"));
    CHECK(fs::is_symlink(directory / "dangling"));
}

TEST_CASE("C row 96: a file of another user is refused") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: only root can give a file away");
        return;
    }
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, javaScript);
    REQUIRE(::chown(file.c_str(), 65534, 65534) == 0);
    checkRefused(file, "refused: it belongs to another user; choose another path, or chown it");
    CHECK(contentOf(file) == javaScript);
}

TEST_CASE("a directory that is not there is no empty one") {
    const TempDirectory directory;
    checkRefused(directory / "missing" / "session.json",
                 "unavailable: cannot open its directory: No such file or directory");
    put(directory / "file", "");
    checkRefused(directory / "file" / "session.json", "unavailable: cannot open its directory: Not a directory");
    checkRefused(directory / std::string(300, 'x'), "unavailable: cannot open it: File name too long");
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
