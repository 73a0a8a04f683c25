// Sessions in storage, seen from a client.
#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/blocking_threads.hpp"
#include "support/fake_client.hpp"
#include "support/run.hpp"

using namespace wix;
using namespace wix::test;
using testing::FakeWix;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// A folder that goes away with the test.
struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "wix-storage-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()));
        path = name;
    }
    ~Folder() {
        detail::BlockingThreads::forCalls().wait();  // a released lease removes its file
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    fs::path path;
};

void write(const fs::path& file, const std::string& text, mode_t mode) {
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
}

std::string textOf(const fs::path& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

/// In memory, with faults on request.
class FaultyStorage final : public TokenStorage {
public:
    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        if (loadFails) throw std::runtime_error("secret details");
        return memory.load(std::move(key));
    }
    asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override {
        if (saveFails) throw Error(Errc::storage_unavailable, "no space left");
        return memory.save(std::move(key), std::move(tokens), expectedVersion);
    }
    asio::awaitable<void> erase(std::string key) override { return memory.erase(std::move(key)); }
    MemoryTokenStorage memory;
    bool loadFails = false;
    bool saveFails = false;
};

/// Its saves end when the test says so.
class HangingStorage final : public TokenStorage {
public:
    explicit HangingStorage(asio::io_context& io) : gate(io, asio::steady_timer::time_point::max()) {}
    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override { return memory.load(std::move(key)); }
    asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override {
        ++saves;
        boost::system::error_code ignored;
        if (!open) co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_return co_await memory.save(std::move(key), std::move(tokens), expectedVersion);
    }
    asio::awaitable<void> erase(std::string key) override { return memory.erase(std::move(key)); }
    MemoryTokenStorage memory;
    asio::steady_timer gate;
    int saves = 0;
    bool open = false;
};

}  // namespace

TEST_CASE("a session file is written before the first answer, for its owner only, and resumed") {
    const Folder folder;
    const fs::path file = folder.path / "session.json";
    const FakeWix fake;
    Tokens made;
    {
        asio::io_context io;
        made = runOn(io, clientOf(io, fake, std::make_shared<FileTokenStorage>(file)).generateVisitorTokens());
        struct stat info {};
        REQUIRE(::stat(file.c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0600);
    }
    CHECK(tokensFromJson(boost::json::parse(textOf(file))) == made);
    asio::io_context io;
    CHECK(runOn(io, clientOf(io, fake, std::make_shared<FileTokenStorage>(file)).generateVisitorTokens()) == made);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a session of a JavaScript program is resumed") {
    const Folder folder;
    const fs::path file = folder.path / "session.json";
    const FakeWix fake;
    asio::io_context io;
    const Tokens made = runOn(io, clientOf(io, fake).generateVisitorTokens());
    write(file, boost::json::serialize(toJson(made)), 0600);
    CHECK(runOn(io, clientOf(io, fake, std::make_shared<FileTokenStorage>(file)).generateVisitorTokens()) == made);
    CHECK(fake.state().visitors == 1);
}

TEST_CASE("a session file that cannot be used is left as it is, and no visitor is made over it") {
    const Folder folder;
    const fs::path file = folder.path / "session.json";
    const FakeWix fake;
    const std::string whole = R"({"accessToken":{"value":"","expiresAt":0},"refreshToken":{"value":"","role":"none"}})";
    Errc expected = Errc::storage_damaged;
    std::string text;
    mode_t mode = 0600;
    SUBCASE("not JSON") { text = "hello"; }
    SUBCASE("empty") {}
    SUBCASE("truncated") { text = whole.substr(0, whole.size() / 2); }
    SUBCASE("wrong types") { text = R"({"accessToken":7,"refreshToken":[]})"; }
    SUBCASE("readable by others") {
        text = whole;
        mode = 0644;
        expected = Errc::storage_refused;
    }
    write(file, text, mode);
    asio::io_context io;
    const Client client = clientOf(io, fake, std::make_shared<FileTokenStorage>(file));
    for (int i = 0; i < 2; ++i) {
        const result<Tokens> outcome = runOn(io, asResult(client.generateVisitorTokens()));
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == expected);
        CHECK(outcome.error().context.find(file.string()) != std::string::npos);
    }
    CHECK(codeOf([&] { runOn(io, client.get("/ecom/v1/carts/current")); }) == expected);
    CHECK(textOf(file) == text);
    CHECK(fake.state().requests.at("token") == 0);

    SUBCASE("once it is moved away, the next call works") {
        fs::remove(file);
        CHECK_FALSE(runOn(io, client.generateVisitorTokens()).empty());
    }
    SUBCASE("tokens that are set go on in memory, and the file stays") {
        asio::io_context other;
        const Tokens given = runOn(other, clientOf(other, fake).generateVisitorTokens());
        CHECK(codeOf([&] { runOn(io, client.setTokens(given)); }) == expected);
        CHECK(runOn(io, client.getTokens()) == given);
        CHECK(textOf(file) == text);
    }
}

TEST_CASE("a symbolic link is no session file") {
    const Folder folder;
    write(folder.path / "real.json", "{}", 0600);
    fs::create_symlink(folder.path / "real.json", folder.path / "session.json");
    const FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake, std::make_shared<FileTokenStorage>(folder.path / "session.json"));
    CHECK(codeOf([&] { runOn(io, client.generateVisitorTokens()); }) == Errc::storage_refused);
    CHECK(textOf(folder.path / "real.json") == "{}");
}

TEST_CASE("a storage that does not answer starts no visitor, and is asked again at the next use") {
    const auto storage = std::make_shared<FaultyStorage>();
    const FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake, storage);
    storage->loadFails = true;
    const result<Tokens> outcome = runOn(io, asResult(client.generateVisitorTokens()));
    CHECK(outcome.error().code == Errc::storage_unavailable);
    CHECK(outcome.error().context.find("secret details") == std::string::npos);
    CHECK(fake.state().requests.at("token") == 0);
    storage->loadFails = false;
    CHECK_FALSE(runOn(io, client.generateVisitorTokens()).empty());
}

TEST_CASE("a storage that hangs does not take the session with it") {
    const FakeWix fake;
    asio::io_context io;
    const auto storage = std::make_shared<HangingStorage>(io);
    ClientOptions options = optionsFor(fake);
    options.timeouts.storage = std::chrono::milliseconds(20);
    const Client client(io.get_executor(), strategyWith(storage), options);
    Tokens made, renewed;
    asio::co_spawn(io, client.generateVisitorTokens(), [&](std::exception_ptr, Tokens got) { made = std::move(got); });
    runUntil(io, [&] { return !made.empty(); });
    asio::co_spawn(io, client.renewToken(), [&](std::exception_ptr, Tokens got) { renewed = std::move(got); });
    runUntil(io, [&] { return !renewed.empty(); });
    CHECK(renewed.accessToken.value != made.accessToken.value);
    CHECK(storage->saves == 1);  // one call at a time, however long it takes
    storage->open = true;
    storage->gate.cancel();
    io.run();
    runOn(io, client.close());
    CHECK(runOn(io, storage->memory.load(clientId))->tokens == renewed);
}

TEST_CASE("a stored token that would break a header is damage, whatever the storage") {
    const FakeWix fake;
    asio::io_context io;
    const auto storage = std::make_shared<MemoryTokenStorage>();
    const auto later =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::hours(1);
    const std::string evil = "abc\r\nX-Evil: yes";
    bool access = true;
    SUBCASE("the access token") {}
    SUBCASE("the refresh token") { access = false; }
    const Tokens stored(AccessToken(access ? evil : "abc", later),
                        RefreshToken(access ? "r" : evil, TokenRole::visitor));
    runOn(io, storage->save(clientId, stored, 0));
    const Client client = clientOf(io, fake, storage);
    const result<Tokens> outcome = runOn(io, asResult(client.generateVisitorTokens()));
    CHECK(outcome.error().code == Errc::storage_damaged);
    CHECK(outcome.error().context.find("Evil") == std::string::npos);
    CHECK(codeOf([&] { runOn(io, client.get("/ecom/v1/carts/current")); }) == Errc::storage_damaged);
    CHECK(fake.state().totalConnections == 0);
}

TEST_CASE("a member's session and a visitor's record that another program has stored") {
    FakeWix fake;
    asio::io_context io;
    Tokens member = runOn(io, clientOf(io, fake).generateVisitorTokens());
    const Tokens visitor = runOn(io, clientOf(io, fake).generateVisitorTokens());
    member.refreshToken.role = TokenRole::member;
    const auto storage = std::make_shared<MemoryTokenStorage>();
    const Client client = clientOf(io, fake, storage);
    runOn(io, client.setTokens(member));
    SUBCASE("before a renewal: the member was logged out there, and here too then") {
        runOn(io, storage->save(clientId, visitor, 1));
        CHECK(runOn(io, client.renewToken()) == visitor);
        CHECK_FALSE(runOn(io, client.loggedIn()));
    }
    SUBCASE("found after a rejection: a rejected member goes on as nobody") {
        fake.hold("token");
        std::exception_ptr failed;
        asio::co_spawn(io, client.renewToken(), [&](std::exception_ptr error, Tokens) { failed = error; });
        runUntil(io, [&] { return fake.waitUntilHeld("token", 1, std::chrono::milliseconds(0)); });
        CHECK(run(storage->save(clientId, visitor, 1)).isSaved());
        fake.revokeTokens();
        fake.release("token");
        runUntil(io, [&] { return failed != nullptr; });
        CHECK(codeOf([&] { std::rethrow_exception(failed); }) == Errc::session_expired);
        CHECK(runOn(io, client.loggedIn()));
    }
}

TEST_CASE("a storage that cannot save: the session goes on in memory, and is saved when it recovers") {
    const auto storage = std::make_shared<FaultyStorage>();
    testing::FakeWix fake;
    asio::io_context io;
    const Client client = clientOf(io, fake, storage);
    storage->saveFails = true;
    const Tokens made = runOn(io, client.generateVisitorTokens());
    CHECK(runOn(io, client.getTokens()) == made);
    CHECK_FALSE(runOn(io, storage->memory.load(clientId)));
    storage->saveFails = false;
    SUBCASE("with the next change") { runOn(io, client.renewToken()); }
    SUBCASE("at the latest when the client is closed") { runOn(io, client.close()); }
    const auto record = runOn(io, storage->memory.load(clientId));
    REQUIRE(record);
    CHECK(record->tokens.refreshToken == made.refreshToken);
    CHECK(fake.state().visitors == 1);
}
