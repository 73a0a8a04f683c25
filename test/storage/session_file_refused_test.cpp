// Session files that are refused, or damaged: each call says so, and the file stays as it is.
#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <set>

#include "storage/session_file.hpp"
#include "storage/session_texts.hpp"
#include "storage/temp_directory.hpp"
#include "support/skip.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

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
    checkRefused(file, "damaged: " + expected);
    CHECK(contentOf(file) == text);
    CHECK(directory.names() == std::set<std::string>{"session.json"});
}

}  // namespace

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
    checkDamaged(directory, "{}", "it is not a session (tokens: refreshToken must be an object)");
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
    checkRefused(file, "damaged: it is larger than 1 MiB");
}

TEST_CASE("a file that others may use is refused, with the remedy [96]") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, javaScript);
    for (::mode_t mode : {0644U, 0640U, 0660U, 0604U, 0602U, 0601U, 0610U, 0666U, 0777U}) {
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        CAPTURE(mode);
        checkRefused(file, "refused: others may use it; if nobody has, run: chmod 600 " + file.string());
        CHECK(contentOf(file) == javaScript);
    }
    for (::mode_t mode : {0600U, 0400U, 0700U}) {
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

TEST_CASE("a symbolic link is refused, and what it points to is not touched [96]") {
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

TEST_CASE("a file of another user is refused [96]") {
    if (::geteuid() != 0) {
        wix::test::skip("only root can give a file away");
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
