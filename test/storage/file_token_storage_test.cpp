#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <wix/error.hpp>
#include <wix/token_storage.hpp>

#include "storage/run_awaitable.hpp"
#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail::test;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

Tokens tokens(const std::string& mark) { return Tokens(AccessToken(mark, {}), RefreshToken(mark, TokenRole::visitor)); }

asio::awaitable<void> saveMany(std::shared_ptr<FileTokenStorage> storage, int rounds, std::atomic<int>* wins) {
    std::uint64_t version = 0;
    for (int saved = 0; saved < rounds;) {
        const SaveResult result = co_await storage->save("key", tokens("x"), version);
        version = result.version();
        if (result.isSaved()) ++saved, ++*wins;
    }
}

asio::awaitable<void> loadAndNote(std::shared_ptr<FileTokenStorage> storage, std::shared_ptr<int> alive, bool* done) {
    co_await storage->load("key");
    ++*alive;
    *done = true;
}

// In the child of a program with threads: ThreadSanitizer ends one that starts a thread, and AddressSanitizer's allocator
// may be locked there by a thread that only the parent has.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool canFork = false;
#else
constexpr bool canFork = true;
#endif

}  // namespace

TEST_CASE("file: a record goes in and comes out") {
    const TempDirectory directory;
    FileTokenStorage storage(directory / "session.json");
    CHECK(!runAwaitable(storage.load("key")));
    const std::uint64_t version = runAwaitable(storage.save("key", tokens("1"), 0)).version();
    CHECK(runAwaitable(storage.load("key"))->tokens == tokens("1"));
    const SaveResult conflict = runAwaitable(storage.save("key", tokens("2"), 0));
    CHECK(!conflict.isSaved());
    CHECK(conflict.current().tokens == tokens("1"));
    CHECK(runAwaitable(FileTokenStorage(directory / "session.json").load("key"))->version == version);
    runAwaitable(storage.erase("key"));
    const auto ended = runAwaitable(FileTokenStorage(directory / "session.json").load("key"));
    REQUIRE(ended);
    CHECK(ended->tokens == Tokens());
    CHECK(ended->version > version);
    CHECK(!runAwaitable(storage.save("key", tokens("2"), version)).isSaved());
    CHECK(runAwaitable(storage.acquireLease("key", std::chrono::seconds(1))).has_value());
}

TEST_CASE("file: failures are Errors that name the file") {
    const TempDirectory directory;
    const fs::path file = directory / "session.json";
    put(file, "SECRET");
    FileTokenStorage storage(file);
    for (int i = 0; i < 3; ++i) {
        try {
            if (i == 0) runAwaitable(storage.load("key"));
            if (i == 1) runAwaitable(storage.save("key", tokens("1"), 0));
            if (i == 2) runAwaitable(storage.erase("key"));
            FAIL("no exception");
        } catch (const Error& error) {
            CHECK(error.code() == Errc::storage_damaged);
            CHECK(std::string(error.what()).find(file.string()) != std::string::npos);
            CHECK(std::string(error.what()).find("SECRET") == std::string::npos);
        }
    }
    ::chmod(file.c_str(), 0644);
    const auto refused = runAwaitable(asResult(storage.load("key")));
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == Errc::storage_refused);
    CHECK(refused.error().context.find("chmod 600 " + file.string()) != std::string::npos);
    const auto missing = runAwaitable(asResult(FileTokenStorage(directory / "no" / "file").load("key")));
    REQUIRE(!missing.has_value());
    CHECK(missing.error().code == Errc::storage_unavailable);
}

TEST_CASE("file: operations are lazy and outlive the storage") {
    const TempDirectory directory;
    auto storage = std::make_unique<FileTokenStorage>(directory / "session.json");
    auto save = storage->save("key", tokens("1"), 0);
    auto load = storage->load("key");
    auto never = storage->save("key", tokens("2"), 1);
    storage.reset();
    CHECK(directory.names().empty());
    CHECK(runAwaitable(std::move(save)).isSaved());
    CHECK(runAwaitable(std::move(load))->tokens == tokens("1"));
}

TEST_CASE("file: a relative path is of the directory that was current when the storage was made") {
    const TempDirectory directory, other;
    const fs::path before = fs::current_path();
    fs::current_path(directory.path());
    FileTokenStorage storage("session.json");
    fs::current_path(other.path());
    CHECK(runAwaitable(storage.save("key", tokens("1"), 0)).isSaved());
    fs::current_path(before);
    CHECK(directory.names() == std::set<std::string>{"session.json", ".session.json.lock"});
    CHECK(other.names().empty());
}

TEST_CASE("file: many coroutines of many threads and storages, one record") {
    const TempDirectory directory;
    constexpr int coroutines = 6, rounds = 15;
    std::atomic<int> wins = 0;
    asio::thread_pool pool(3);
    for (int i = 0; i < coroutines; ++i)
        asio::co_spawn(asio::make_strand(pool),
                       saveMany(std::make_shared<FileTokenStorage>(directory / "session.json"), rounds, &wins),
                       rethrow);
    pool.join();  // the pending calls keep it at work
    CHECK(wins == coroutines * rounds);
}

TEST_CASE("file: the caller resumes on its own executor") {
    const TempDirectory directory;
    auto storage = std::make_shared<FileTokenStorage>(directory / "session.json");
    const std::thread::id here = std::this_thread::get_id();
    struct Visit {
        static asio::awaitable<void> run(std::shared_ptr<FileTokenStorage> kept, std::thread::id expected) {
            for (int i = 0; i < 20; ++i) {
                co_await kept->load("key");
                CHECK(std::this_thread::get_id() == expected);
            }
        }
    };
    runAwaitable(Visit::run(storage, here));
}

TEST_CASE("file: a context that ends with calls in flight takes its coroutines with it") {
    const TempDirectory directory;
    put(directory / "session.json", std::string(1 << 19, ' '));
    for (int round = 0; round < 50; ++round) {
        auto storage = std::make_shared<FileTokenStorage>(directory / "session.json");
        auto alive = std::make_shared<int>(0);
        bool done = false;
        {
            asio::io_context io;
            for (int i = 0; i < 3; ++i) asio::co_spawn(io, loadAndNote(storage, alive, &done), asio::detached);
            // The calls have been handed over; some are done by now, some are not.
            for (int i = 0; i < 3 + round % 3; ++i) io.poll_one();
        }
        CHECK(alive.use_count() == 1);
        CHECK(!done);  // the file is damaged
    }
}

TEST_CASE("file: a storage that is dropped by its own last call does not wait for itself") {
    const TempDirectory directory;
    for (int round = 0; round < 50; ++round) {
        asio::io_context io;
        auto storage = std::make_shared<FileTokenStorage>(directory / "session.json");
        auto alive = std::make_shared<int>(0);
        bool done = false;
        asio::co_spawn(io, loadAndNote(std::move(storage), alive, &done), rethrow);
        io.run();
        CHECK(done);
    }
}

TEST_CASE("file: a cancelled caller gets its answer first: a save is never cut off") {
    const TempDirectory directory;
    auto storage = std::make_shared<FileTokenStorage>(directory / "session.json");
    asio::io_context io;
    asio::cancellation_signal signal;
    bool saved = false, ended = false;
    struct Visit {
        static asio::awaitable<void> run(std::shared_ptr<FileTokenStorage> kept, bool* saw) {
            const SaveResult result = co_await kept->save("key", tokens("1"), 0);
            *saw = result.isSaved();
            co_await kept->load("key");  // here the cancellation takes effect
            CHECK(false);
        }
    };
    asio::co_spawn(io, Visit::run(storage, &saved),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error) {
                       ended = true;
                       CHECK(error != nullptr);
                   }));
    io.poll_one();
    signal.emit(asio::cancellation_type::terminal);
    io.run();
    CHECK(ended);
    CHECK(saved);
    CHECK(runAwaitable(storage->load("key"))->tokens == tokens("1"));
}

TEST_CASE("file: the child of a fork saves too, also if a save is in flight" * doctest::skip(!canFork)) {
    const TempDirectory directory;
    FileTokenStorage storage(directory / "session.json");
    std::uint64_t version = runAwaitable(storage.save("key", tokens("1"), 0)).version();
    for (int round = 0; round < 33; ++round) {
        asio::io_context io;
        std::atomic<int> wins = 0;
        asio::co_spawn(io, saveMany(std::make_shared<FileTokenStorage>(directory / "other.json"), 1, &wins), rethrow);
        io.poll_one();
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::alarm(60);
            const SaveResult one = runAwaitable(storage.save("key", tokens("2"), version));
            const SaveResult two = runAwaitable(storage.save("key", tokens("2"), one.version()));
            ::_exit(one.isSaved() && two.isSaved() ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        REQUIRE(WEXITSTATUS(status) == 0);
        io.run();
        CHECK(wins == 1);
        const SaveResult conflict = runAwaitable(storage.save("key", tokens("3"), version));
        CHECK(!conflict.isSaved());
        const SaveResult saved = runAwaitable(storage.save("key", tokens("3"), conflict.version()));
        CHECK(saved.isSaved());
        version = saved.version();
    }
}

TEST_CASE("file: a program that exits with a save in flight finishes it" * doctest::skip(!canFork)) {
    const TempDirectory directory;
    for (int round = 0; round < 10; ++round) {
        const fs::path file = directory / std::to_string(round);
        std::fflush(nullptr);  // or the child writes what is buffered once more
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            std::atomic<int> wins = 0;
            {
                asio::io_context io;
                asio::co_spawn(io, saveMany(std::make_shared<FileTokenStorage>(file), 1, &wins), asio::detached);
                io.poll_one();  // hands the save over, and the context is gone
            }
            std::exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
        CHECK(fs::exists(file));
    }
    for (const std::string& name : directory.names()) CHECK(name.find("wix-tmp") == std::string::npos);
}
