// Returns from main() while threads of the library are at work; the exit code says whether that went well. [C16] [C1]
//
// The first handler that is registered is called last: it checks what has become of the work. OpenSSL calls a handler of
// this program when it ends: no thread of the library may be at work any more.
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <wix/run.hpp>
#include <wix/testing/fake_wix.hpp>
#include <wix/wix.hpp>

#include "http/host_lookups.hpp"
#include "storage/file_steps.hpp"
#include "storage/temp_directory.hpp"
#include "support/gate.hpp"

namespace asio = boost::asio;
using wix::detail::FileStep;

namespace {

/// Wakes the work up when OpenSSL has ended. It should never get so far.
struct End {
    std::mutex mutex;
    std::condition_variable changed;
    bool openSslEnded = false;

    /// Long enough for the main thread to get to the handlers behind ours, if it does not wait.
    void wait() {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, std::chrono::milliseconds(500), [this] { return openSslEnded; });
    }
};
End& theEnd = *new End;  // these are used to the very end of the process
std::string& mode = *new std::string;
wix::detail::test::TempDirectory& directory = *new wix::detail::test::TempDirectory;
std::atomic<int> done{0};
int expected = 0;
bool openSslWasUsed = false;
bool threadsMayRun = false;
wix::testing::FakeWix* volatile fakes[2] = {};  // never destroyed, and seen by LeakSanitizer
// ThreadSanitizer has a thread of its own.
#if defined(__SANITIZE_THREAD__)
constexpr long mostThreads = 2;
#else
constexpr long mostThreads = 1;
#endif

[[noreturn]] void fail(int code, const char* why) {
    std::fprintf(stderr, "%s: %s\n", mode.c_str(), why);
    ::_exit(code);
}

long threads() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
}

void openSslEnds() {
    if (done != expected) fail(1, "OpenSSL has ended before the work");
    {
        const std::lock_guard lock(theEnd.mutex);
        theEnd.openSslEnded = true;
    }
    theEnd.changed.notify_all();
    // A thread that has done its work may take a moment to be gone.
    for (int i = 0; i < 1000 && !threadsMayRun && threads() > mostThreads; ++i) ::poll(nullptr, 0, 1);
    if (!threadsMayRun && threads() > mostThreads) fail(2, "a thread runs after the end of OpenSSL");
}

void lastHandler() {
    if (done != expected) fail(3, "the program ended before the work");
    if (openSslWasUsed && !theEnd.openSslEnded) fail(4, "OpenSSL did not end");
    std::filesystem::remove_all(directory.path());
}

void useOpenSsl() {
    ::OPENSSL_init_ssl(0, nullptr);
    ::OPENSSL_atexit(&openSslEnds);
    openSslWasUsed = true;
}

int slowDisk(FileStep step) {
    if (step == FileStep::syncTemporary) theEnd.wait();
    if (step == FileStep::syncDirectory) ++done;
    return 0;
}

/// Hands a save over, and the context is gone.
void beginSave(std::shared_ptr<wix::TokenStorage> storage, const std::string& key) {
    const wix::Tokens tokens(wix::AccessToken("a", {}), wix::RefreshToken("r", wix::TokenRole::visitor));
    asio::io_context io;
    asio::co_spawn(io, storage->save(key, tokens, 0), asio::detached);
    io.poll();
}

void saveAtEnd(bool openSslFirst) {
    expected = 2;  // the second save of the same key is a conflict, found when the first one has ended
    wix::detail::defaultStepHook = &slowDisk;
    if (openSslFirst) useOpenSsl();
    const auto storage = wix::FileTokenStorage::inDirectory(directory.path());
    asio::io_context io;
    wix::run(io, storage->load("first"));
    if (!openSslFirst) useOpenSsl();
    for (int i = 0; i < 3; ++i) beginSave(storage, i < 2 ? "same" : "other");
}

/// Destroyed after everything below, and after the exit handlers that are registered in main().
struct Last {
    ~Last() { lastHandler(); }
} last;

struct SavesWhenDestroyed {
    ~SavesWhenDestroyed() {
        if (storage) beginSave(storage, "key");
    }
    std::shared_ptr<wix::TokenStorage> storage;
} savesWhenDestroyed;

void saveInDestructor() {
    wix::detail::defaultStepHook = &slowDisk;
    expected = 1;
    savesWhenDestroyed.storage = std::make_shared<wix::FileTokenStorage>(directory / "session.json");
    asio::io_context io;
    wix::run(io, savesWhenDestroyed.storage->load("key"));  // our handler is called before the destructor
}

void offloadAtEnd() {
    expected = 1;
    asio::io_context io;
    auto first = [] {};
    wix::run(io, wix::offload(first));
    useOpenSsl();
    auto work = [] {
        theEnd.wait();
        ++done;
    };
    io.restart();
    asio::co_spawn(io, wix::offload(work), asio::detached);
    io.poll();
}

void exitInFunction() {
    expected = 1;
    asio::io_context io;
    auto ends = [] {
        ++done;
        std::exit(0);  // waits for the other functions, and not for itself
    };
    wix::run(io, wix::offload(ends));
}

void lookUpAtEnd() {
    threadsMayRun = true;
    useOpenSsl();
    wix::test::Gate& gate = *new wix::test::Gate;
    const auto lookups = std::make_shared<wix::detail::HostLookups>([&gate](const std::string&) {
        gate.pass();  // for a minute, which is longer than this test may take
        return wix::detail::FoundHost(boost::system::error_code());
    });
    asio::io_context io;
    const auto waiting = lookups->factory()(io.get_executor());
    waiting->resolve("shop.example", 443, [](const auto&, const auto&) {});
    if (!gate.holds(1)) fail(5, "no look-up began");
    io.run();
}

void fakeAtEnd() {
    wix::testing::FakeWixOptions plain;
    plain.tls = false;
    fakes[0] = new wix::testing::FakeWix(plain);  // made before OpenSSL is used
    useOpenSsl();
    auto* fake = new wix::testing::FakeWix;
    fakes[1] = fake;
    asio::io_context io;
    wix::ClientOptions options;
    options.apiUrl = fake->url();
    options.transport.tls.caPem = fake->caPem();
    const wix::Client client(io.get_executor(), wix::OAuthStrategy("11111111-2222-3333-4444-555555555555"), options);
    wix::run(io, client.generateVisitorTokens());
}

}  // namespace

int main(int argc, char** argv) {
    mode = argc > 1 ? argv[1] : "";
    if (mode == "openssl_first") saveAtEnd(true);
    if (mode == "openssl_last") saveAtEnd(false);
    if (mode == "static_destructor") saveInDestructor();
    if (mode == "offload") offloadAtEnd();
    if (mode == "exit_in_function") exitInFunction();
    if (mode == "look_up") lookUpAtEnd();
    if (mode == "fake") fakeAtEnd();
}
