// Many new visitors at once, whose sessions are stored on a slow disk. [C6]
#include <boost/asio/co_spawn.hpp>

#include <poll.h>

#include <atomic>
#include <memory>
#include <string>

#include "integration/failures.hpp"
#include "storage/file_steps.hpp"
#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::test;
namespace asio = boost::asio;
using detail::FileStep;

namespace {

std::atomic<int> syncTime{0};
std::atomic<int> syncs{0};

int slowDisk(FileStep step) {
    if (step != FileStep::syncTemporary && step != FileStep::syncDirectory) return 0;
    ++syncs;
    ::poll(nullptr, 0, syncTime);
    return 0;
}

asio::awaitable<void> visit(VisitorSessions sessions, std::string key, int* arrived) {
    const Client client = co_await sessions.open(std::move(key));
    co_await client.generateVisitorTokens();
    ++*arrived;
}

/// A save that failed is told to the observer only.
struct FailedSaves final : Observer {
    void saveFailed(const SaveFailed&) override { ++number; }
    std::atomic<int> number{0};
};

}  // namespace

TEST_CASE("300 new visitors at once are all stored, if an fsync takes 20 ms or 50 ms [C6]") {
    for (const int time : {20, 50}) {
        CAPTURE(time);
        const wix::detail::test::TempDirectory directory;
        syncTime = time;
        syncs = 0;
        detail::defaultStepHook = &slowDisk;
        testing::FakeWix fake;
        asio::io_context io;
        ClientOptions options = optionsFor(fake);
        const auto failedSaves = std::make_shared<FailedSaves>();
        options.observer = failedSaves;
        // As ever in a test, the machine may be slower than it should be. One thread would need 30 s.
        if (time == 50) options.timeouts.storage = std::chrono::seconds(10);
        const VisitorSessions sessions(Transport(io.get_executor(), options.transport),
                                       strategyWith(FileTokenStorage::inDirectory(directory.path())), options);
        int arrived = 0;
        for (int i = 0; i < 300; ++i) asio::co_spawn(io, visit(sessions, std::to_string(i), &arrived), rethrow);
        const auto begin = std::chrono::steady_clock::now();
        io.run();
        MESSAGE(
            "fsync "
            << time << " ms: "
            << std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count()
            << " ms");
        detail::defaultStepHook = nullptr;
        CHECK(arrived == 300);
        CHECK(failedSaves->number == 0);
        CHECK(fake.state().visitors == 300);
        CHECK(syncs == 600);
        int files = 0;
        for (const std::string& name : directory.names()) files += name.ends_with(".json");
        CHECK(files == 300);
    }
}
