// Threads for calls that block: files, name look-ups, functions of users.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/fork_guard.hpp"
#include "base/keyed_queue.hpp"

namespace wix::detail {

class BlockingThreads;

/// A call that blocks.
class BlockingJob {
public:
    BlockingJob() = default;
    BlockingJob(const BlockingJob&) = delete;
    BlockingJob& operator=(const BlockingJob&) = delete;
    virtual ~BlockingJob() = default;

    /// Blocks. The thread holds no lock of the SDK, and a fork() may come meanwhile.
    virtual void perform() noexcept = 0;
    /// Delivers the outcome, after perform() on the same thread. Brief: a fork() waits until it has returned. Returns
    /// what may take longer to destroy.
    virtual std::shared_ptr<void> complete() noexcept = 0;

private:
    friend class BlockingThreads;
    BlockingThreads* threads_ = nullptr;  // that it was given to
    std::uint64_t number_ = 0;            // in their queue
};

/// At most 16 threads. A thread is started when a job needs one and ends when no job can begin, so an idle program has
/// none. Jobs of one key are performed one after the other, in the order of submit().
///
/// fork(): the threads exist in the parent only. The child gets new ones, and no job of the parent is performed there.
/// A fork waits for no job; it waits only until no thread is within complete(), where locks are held.
///
/// Exit: see AtExit.
class BlockingThreads {
public:
    enum class AtExit {
        wait,     ///< The end of the program waits for the jobs that were submitted before it.
        abandon,  ///< The end of the program does not wait. Jobs touch nothing that ends before the process.
    };
    static constexpr std::size_t maxThreads = 16;

    /// For files and for functions of users.
    static BlockingThreads& forCalls();
    /// For name look-ups: getaddrinfo() cannot be interrupted and may take a minute.
    static BlockingThreads& forLookUps();

    /// For tests. The destructor waits until the threads have ended.
    explicit BlockingThreads(AtExit atExit) : atExit_(atExit) {}
    ~BlockingThreads();
    BlockingThreads(const BlockingThreads&) = delete;
    BlockingThreads& operator=(const BlockingThreads&) = delete;

    /// Queues a job. An empty key orders nothing. Returns false if no thread could be started: the job is dropped then.
    bool submit(std::shared_ptr<BlockingJob> job, std::string key);

    enum class Withdrawn {
        yes,         ///< The job will not be performed.
        begun,       ///< It is being performed, or has been.
        parentsJob,  ///< This process is a child of the one that submitted it.
    };
    /// Withdraws a job that has not begun, from the threads that it was submitted to.
    static Withdrawn withdraw(BlockingJob& job) noexcept;

    /// Waits until the jobs that were submitted before have ended, except the one that runs on this thread.
    void wait();

private:
    static BlockingThreads& instance(std::atomic<BlockingThreads*>& place, AtExit atExit);
    static void awaitAtExit();
    static void finishAtExit() noexcept;

    bool start();
    void work();

    const AtExit atExit_;
    const ForkGuard forkGuard_;
    std::mutex mutex_;
    std::condition_variable changed_;
    KeyedQueue<std::shared_ptr<BlockingJob>> queue_;
    std::size_t threads_ = 0;
    std::size_t busy_ = 0;  // of them, with a job
};

}  // namespace wix::detail
