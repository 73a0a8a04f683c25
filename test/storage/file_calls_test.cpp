// Many calls of file storages at once, on a disk that is slow or hangs. [C6] [C16]
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <wix/error.hpp>
#include <wix/offload.hpp>
#include <wix/options.hpp>
#include <wix/token_storage.hpp>

#include "storage/file_steps.hpp"
#include "storage/run_awaitable.hpp"
#include "storage/storage_time_limit.hpp"
#include "storage/temp_directory.hpp"
#include "support/eventually.hpp"
#include "support/gate.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
using wix::test::eventually;
using wix::test::Gate;
namespace asio = boost::asio;

namespace {

Tokens tokens(const std::string& mark) { return Tokens(AccessToken(mark, {}), RefreshToken(mark, TokenRole::visitor)); }

/// The hook is a plain function: what it does is here.
std::atomic<Gate*> syncGate{nullptr};
std::atomic<int> heldSyncs{0};
std::atomic<int> syncs{0};

/// The first `heldSyncs` calls of fsync() hang until the gate opens.
int hangingDisk(FileStep step) {
    if (step != FileStep::syncTemporary) return 0;
    ++syncs;
    if (heldSyncs.fetch_sub(1) > 0) syncGate.load()->pass();
    return 0;
}

/// Storages that are made while it exists have this disk.
class HangingDisk {
public:
    explicit HangingDisk(int calls) {
        syncGate = &gate;
        heldSyncs = calls;
        syncs = 0;
        defaultStepHook = &hangingDisk;
    }
    ~HangingDisk() {
        gate.open();
        while (eventually([this] { return gate.held() == 0; }, std::chrono::milliseconds(0)) == false) {
        }
        defaultStepHook = nullptr;
    }
    Gate gate;
};

asio::awaitable<void> saveInto(std::shared_ptr<TokenStorage> storage, std::string key, int* saved,
                               std::vector<Failure>* failures) {
    try {
        const SaveResult result = co_await storage->save(key, tokens(key), 0);
        if (result.isSaved()) ++*saved;
    } catch (const Error& error) {
        failures->push_back(error.failure());
    }
}

/// Makes the operation of a client whose Timeouts::storage is `limit`.
asio::awaitable<void> saveWithin(std::chrono::milliseconds limit, std::shared_ptr<TokenStorage> storage,
                                 std::string key, std::vector<Failure>* failures) {
    try {
        std::optional<asio::awaitable<SaveResult>> save;
        {
            const StorageTimeLimit scope(limit);
            save.emplace(storage->save(key, tokens(key), 0));
        }
        co_await std::move(*save);
    } catch (const Error& error) {
        failures->push_back(error.failure());
    }
}

template <class Condition>
void runUntil(asio::io_context& io, Condition isReached) {
    CHECK(eventually([&] {
        io.restart();
        io.run_one_for(std::chrono::milliseconds(1));
        return isReached();
    }));
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool canFork = false;
#else
constexpr bool canFork = true;
#endif

}  // namespace

TEST_CASE("a file whose save hangs does not hold the others, however many calls wait for it [C6]") {
    const TempDirectory directory;
    HangingDisk disk(1);
    const auto storage = FileTokenStorage::inDirectory(directory.path());
    asio::io_context io;
    int stuck = 0, saved = 0;
    std::vector<Failure> failures, late;
    asio::co_spawn(io, saveInto(storage, "stuck", &stuck, &failures), rethrow);
    io.poll();
    REQUIRE(disk.gate.holds(1));
    // As many as there are threads: each would take one, and wait for the lock of the file there.
    for (int i = 0; i < 16; ++i) asio::co_spawn(io, saveInto(storage, "stuck", &stuck, &late), rethrow);
    io.poll();
    for (int i = 0; i < 50; ++i) asio::co_spawn(io, saveInto(storage, std::to_string(i), &saved, &failures), rethrow);
    runUntil(io, [&] { return saved == 50; });
    CHECK(stuck == 0);
    disk.gate.open();
    runUntil(io, [&] { return stuck == 1; });
    CHECK(failures.empty());
}

TEST_CASE("sixteen files are synced at the same time, also by one storage for each [C6]") {
    for (const bool one : {true, false}) {
        const TempDirectory directory;
        HangingDisk disk(1000);
        const auto shared = FileTokenStorage::inDirectory(directory.path());
        asio::io_context io;
        int saved = 0;
        std::vector<Failure> failures;
        for (int i = 0; i < 20; ++i) {
            const std::string key = std::to_string(i);
            std::shared_ptr<TokenStorage> storage = shared;
            if (!one) storage = std::make_shared<FileTokenStorage>(directory / key);
            asio::co_spawn(io, saveInto(storage, key, &saved, &failures), rethrow);
        }
        io.poll();
        CHECK(disk.gate.holds(16));
        CHECK(syncs == 16);
        disk.gate.open();
        io.run();
        CHECK(saved == 20);
        CHECK(failures.empty());
    }
}

TEST_CASE("calls for one file are in order, through whichever storage [C6]") {
    const TempDirectory directory;
    HangingDisk disk(1);
    asio::io_context io;
    int first = 0, second = 0;
    std::vector<Failure> failures;
    asio::co_spawn(io, saveInto(std::make_shared<FileTokenStorage>(directory / "a"), "key", &first, &failures),
                   rethrow);
    io.poll();
    REQUIRE(disk.gate.holds(1));
    // It would see no record, and wait for the lock, if it began before the first one has ended.
    asio::co_spawn(io, saveInto(std::make_shared<FileTokenStorage>(directory / "a"), "key", &second, &failures),
                   rethrow);
    io.poll();
    disk.gate.open();
    io.run();
    CHECK(first == 1);
    CHECK(second == 0);  // a conflict
    CHECK(syncs == 1);
}

TEST_CASE("a call that cannot begin within half of Timeouts::storage is unavailable, and says why [C6]") {
    const TempDirectory directory;
    HangingDisk disk(16);
    const auto storage = FileTokenStorage::inDirectory(directory.path());
    asio::io_context io;
    int saved = 0;
    std::vector<Failure> failures, late;
    for (int i = 0; i < 16; ++i) asio::co_spawn(io, saveInto(storage, std::to_string(i), &saved, &failures), rethrow);
    io.poll();
    REQUIRE(disk.gate.holds(16));
    asio::co_spawn(io, saveWithin(std::chrono::milliseconds(40), storage, "late", &late), rethrow);
    asio::co_spawn(io, saveWithin(std::chrono::milliseconds(40), storage, "0", &late), rethrow);  // its key is busy
    runUntil(io, [&] { return late.size() == 2; });
    for (const Failure& failure : late) {
        CHECK(failure.code == Errc::storage_unavailable);
        CHECK(failure.context.find(directory.path().string()) != std::string::npos);
        CHECK(failure.context.find("could not begin within 20 ms") != std::string::npos);
    }
    disk.gate.open();
    io.run();
    CHECK(saved == 16);
    CHECK(failures.empty());
    CHECK(!runAwaitable(storage->load("late")));  // it was never written
    CHECK(runAwaitable(storage->save("late", tokens("late"), 0)).isSaved());
}

TEST_CASE("without a client half of the default of Timeouts::storage is the limit [C6]") {
    CHECK(StorageTimeLimit::current() == Timeouts().storage);
    {
        const StorageTimeLimit outer(std::chrono::seconds(1));
        const StorageTimeLimit inner(std::chrono::seconds(2));
        CHECK(StorageTimeLimit::current() == std::chrono::seconds(2));
    }
    CHECK(StorageTimeLimit::current() == Timeouts().storage);
    CHECK(defaultStartWithin == Timeouts().storage / 2);
}

TEST_CASE("fork() while a save is under way: the parent finishes it, and the lock is not the child's [C16]" *
          doctest::skip(!canFork)) {
    const TempDirectory directory;
    HangingDisk disk(1);
    const auto storage = FileTokenStorage::inDirectory(directory.path());
    asio::io_context io;
    int saved = 0;
    std::vector<Failure> failures;
    asio::co_spawn(io, saveInto(storage, "key", &saved, &failures), rethrow);
    io.poll();
    REQUIRE(disk.gate.holds(1));
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    std::fflush(nullptr);
    const pid_t child = ::fork();  // does not wait for the save
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(60);
        ::close(pipe[1]);
        // A storage of its own, and the parent's object with another session.
        const auto own = FileTokenStorage::inDirectory(directory.path());
        const bool both = runAwaitable(own->save("childs", tokens("1"), 0)).isSaved() &&
                          runAwaitable(storage->save("childs other", tokens("1"), 0)).isSaved();
        char byte = 0;
        while (::read(pipe[0], &byte, 1) > 0) {  // lives until the parent has seen that the lock is free
        }
        ::_exit(both ? 0 : 1);
    }
    ::close(pipe[0]);
    disk.gate.open();
    runUntil(io, [&] { return saved == 1; });
    const auto present = runAwaitable(storage->load("key"));
    REQUIRE(present);
    CHECK(runAwaitable(storage->save("key", tokens("2"), present->version)).isSaved());
    ::close(pipe[1]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
