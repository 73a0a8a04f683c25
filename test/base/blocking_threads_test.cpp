// The threads of blocking calls: how many, in which order, and how they end.
#include <doctest/doctest.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "base/blocking_threads.hpp"
#include "support/eventually.hpp"
#include "support/gate.hpp"

using namespace wix::detail;
using wix::test::eventually;
using wix::test::Gate;

namespace {

class Job final : public BlockingJob {
public:
    explicit Job(std::function<void()> what, std::atomic<int>* completed = nullptr)
        : what_(std::move(what)), completed_(completed) {}
    void perform() noexcept override { what_(); }
    std::shared_ptr<void> complete() noexcept override {
        if (completed_) ++*completed_;
        return nullptr;
    }

private:
    const std::function<void()> what_;
    std::atomic<int>* const completed_;
};

std::shared_ptr<Job> job(std::function<void()> what, std::atomic<int>* completed = nullptr) {
    return std::make_shared<Job>(std::move(what), completed);
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool canFork = false;
#else
constexpr bool canFork = true;
#endif

}  // namespace

TEST_CASE("sixteen jobs run at the same time, and the next one when one of them ends [C6]") {
    Gate gate;
    std::atomic<int> completed{0};
    BlockingThreads threads(BlockingThreads::AtExit::abandon);
    for (int i = 0; i < 40; ++i) CHECK(threads.submit(job([&] { gate.pass(); }, &completed), ""));
    CHECK(gate.holds(16));
    CHECK(gate.held() == 16);
    gate.open();
    threads.wait();
    CHECK(completed == 40);
}

TEST_CASE("a job that hangs holds up the jobs of its key only [C6]") {
    Gate gate;
    std::atomic<int> completed{0};
    BlockingThreads threads(BlockingThreads::AtExit::abandon);
    threads.submit(job([&] { gate.pass(); }), "stuck");
    CHECK(gate.holds(1));
    std::atomic<bool> later{false};
    threads.submit(job([&] { later = true; }), "stuck");
    for (int i = 0; i < 100; ++i) threads.submit(job([] {}, &completed), std::to_string(i));
    CHECK(eventually([&] { return completed == 100; }));
    CHECK_FALSE(later);
    gate.open();
    threads.wait();
    CHECK(later);
}

TEST_CASE("jobs of one key are performed in their order, one at a time [C6]") {
    std::mutex mutex;
    std::vector<std::vector<int>> order(8);
    std::atomic<int> inside[8] = {};
    std::atomic<bool> overlapped{false};
    BlockingThreads threads(BlockingThreads::AtExit::abandon);
    for (int i = 0; i < 400; ++i) {
        const int key = i % 8;
        threads.submit(job([&, key, i] {
                           if (++inside[key] != 1) overlapped = true;
                           {
                               const std::lock_guard lock(mutex);
                               order[static_cast<std::size_t>(key)].push_back(i);
                           }
                           --inside[key];
                       }),
                       std::to_string(key));
    }
    threads.wait();
    CHECK_FALSE(overlapped);
    for (int key = 0; key < 8; ++key)
        for (int i = 0; i < 50; ++i)
            CHECK(order[static_cast<std::size_t>(key)][static_cast<std::size_t>(i)] == 8 * i + key);
}

TEST_CASE("a job that has not begun can be withdrawn") {
    Gate gate;
    std::atomic<int> completed{0};
    BlockingThreads threads(BlockingThreads::AtExit::abandon);
    const auto running = job([&] { gate.pass(); }, &completed), waiting = job([] {}, &completed);
    CHECK(BlockingThreads::withdraw(*waiting) == BlockingThreads::Withdrawn::begun);  // it was not submitted
    threads.submit(running, "key");
    threads.submit(waiting, "key");
    CHECK(gate.holds(1));
    CHECK(BlockingThreads::withdraw(*running) == BlockingThreads::Withdrawn::begun);
    CHECK(BlockingThreads::withdraw(*waiting) == BlockingThreads::Withdrawn::yes);
    CHECK(BlockingThreads::withdraw(*waiting) == BlockingThreads::Withdrawn::begun);
    gate.open();
    threads.wait();
    CHECK(completed == 1);
}

TEST_CASE("a job that waits for the program's end, as exit() does, waits for the other jobs and not for itself [C16]") {
    Gate gate;
    std::atomic<int> completed{0};
    std::atomic<bool> waited{false};
    BlockingThreads threads(BlockingThreads::AtExit::abandon);
    threads.submit(job([&] { gate.pass(); }, &completed), "");
    CHECK(gate.holds(1));
    threads.submit(job([&] {
                       threads.wait();
                       waited = completed == 1;
                   }),
                   "");
    gate.open();
    threads.wait();
    CHECK(waited);
}

TEST_CASE("fork() waits for no job, and the child performs none of the parent's [C16]" * doctest::skip(!canFork)) {
    Gate gate;
    std::atomic<int> completed{0};
    BlockingThreads& threads = BlockingThreads::forCalls();
    const auto running = job([&] { gate.pass(); }, &completed);
    threads.submit(running, "key");
    threads.submit(job([] {}, &completed), "key");
    CHECK(gate.holds(1));
    std::fflush(nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(60);
        if (BlockingThreads::withdraw(*running) != BlockingThreads::Withdrawn::parentsJob) ::_exit(1);
        std::atomic<int> mine{0};
        BlockingThreads& own = BlockingThreads::forCalls();
        if (&own == &threads) ::_exit(2);
        for (int i = 0; i < 40; ++i)
            if (!own.submit(job([] {}, &mine), "key")) ::_exit(3);
        own.wait();
        if (mine != 40 || completed != 0) ::_exit(4);
        std::exit(0);  // waits for the child's own jobs, and not for those of the parent
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(completed == 0);
    gate.open();
    threads.wait();
    CHECK(completed == 2);
}

TEST_CASE("a job that forks: its child ends there, and the parent goes on [C16]" * doctest::skip(!canFork)) {
    // Shared by both processes.
    using Count = std::atomic<int>;
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(page != MAP_FAILED);
    Count& completed = *::new (page) Count(0);
    Count& performed = *::new (static_cast<char*>(page) + sizeof(Count)) Count(0);
    std::atomic<int> exitCode{-1};
    BlockingThreads& threads = BlockingThreads::forCalls();
    std::fflush(nullptr);
    threads.submit(job(
                       [&] {
                           const pid_t child = ::fork();
                           if (child == 0) {
                               ::alarm(60);
                               return;  // instead of _exit(), as it should
                           }
                           int status = 0;
                           if (child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status))
                               exitCode = WEXITSTATUS(status);
                       },
                       &completed),
                   "key");
    threads.submit(job([&] { ++performed; }, &completed), "key");  // queued when the other one forks, or later
    threads.wait();
    CHECK(exitCode >= 0);  // it has ended by itself: nothing hangs
    CHECK(completed == 2);
    CHECK(performed == 1);
    ::munmap(page, 4096);
}
