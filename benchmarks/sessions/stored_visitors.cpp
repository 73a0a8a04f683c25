// 300 new visitors at once, each stored in a file: how long does it take if an fsync takes 20 ms?
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "sessions/session_calls.hpp"
#include "storage/file_steps.hpp"
#include "support/arguments.hpp"
#include "support/measure.hpp"
#include "support/sample.hpp"

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace wix::bench {
namespace {

using detail::FileStep;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

std::atomic<milliseconds> syncDelay{milliseconds(0)};
std::atomic<int> syncs{0};

int slowDisk(FileStep step) {
    if (step != FileStep::syncTemporary && step != FileStep::syncDirectory) return 0;
    ++syncs;
    const milliseconds delay = syncDelay;
    if (delay.count() > 0) std::this_thread::sleep_for(delay);
    return 0;
}

/// An empty directory, removed by the destructor. In memory where the system has such a place: there a real fsync takes
/// no time, and the delay is all of it.
class SessionDirectory {
public:
    SessionDirectory() {
        std::error_code ignored;
        const fs::path memory = "/dev/shm";
        const fs::path parent = fs::is_directory(memory, ignored) ? memory : fs::temp_directory_path();
        std::string name = (parent / "wix-bench-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a directory in " + parent.string());
        path_ = name;
    }
    ~SessionDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    SessionDirectory(const SessionDirectory&) = delete;
    SessionDirectory& operator=(const SessionDirectory&) = delete;

    const fs::path& path() const { return path_; }
    std::size_t sessions() const {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(path_)) count += entry.path().extension() == ".json";
        return count;
    }

private:
    fs::path path_;
};

asio::awaitable<void> visit(VisitorSessions sessions, std::string key, std::size_t* arrived) {
    const Client client = co_await sessions.open(std::move(key));
    co_await client.generateVisitorTokens();
    ++*arrived;
}

void measure(const testing::FakeWix& fake, std::size_t visitors, milliseconds delay) {
    const SessionDirectory directory;
    const std::uint64_t visitorsBefore = fake.state().visitors;
    syncDelay = delay;
    syncs = 0;
    asio::io_context io(1);
    OAuthStrategy strategy(clientId);
    strategy.storage = FileTokenStorage::inDirectory(directory.path());
    const VisitorSessions sessions = sessionsOf(io, fake, std::move(strategy));
    std::size_t arrived = 0;
    const auto begun = SteadyClock::now();
    for (std::size_t i = 0; i < visitors; ++i) asio::co_spawn(io, visit(sessions, keyOf(i), &arrived), rethrow);
    io.run();
    const std::chrono::duration<double> took = SteadyClock::now() - begun;

    json::object parameters;
    parameters["visitors"] = visitors;
    parameters["fsync"] = delay.count();
    const char* const subject = "wix::VisitorSessions";
    const auto wanted = static_cast<double>(visitors);
    sample(subject, parameters, "time until all are stored", "s", took.count());
    sample(subject, parameters, "fsyncs", "count", syncs);
    sample(subject, parameters, "visitors without tokens", "count", wanted - static_cast<double>(arrived));
    sample(subject, parameters, "visitors not stored", "count", wanted - static_cast<double>(directory.sessions()));
    sample(subject, parameters, "visitors created twice", "count",
           static_cast<double>(fake.state().visitors - visitorsBefore) - wanted);
}

void run(const Arguments& arguments) {
    const std::size_t visitors = arguments.smoke ? 30 : 300;
    const std::size_t rounds = arguments.rounds > 0 ? arguments.rounds : 5;
    detail::defaultStepHook = &slowDisk;
    if (arguments.pin) pinTo(Core::last);  // the thread of the fake inherits it
    const testing::FakeWix fake;
    if (arguments.pin) pinTo(Core::first);
    for (std::size_t round = 0; round < rounds; ++round)
        for (const int delay : {0, 20}) measure(fake, visitors, milliseconds(delay));
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::runProgram(count, values, wix::bench::run); }
