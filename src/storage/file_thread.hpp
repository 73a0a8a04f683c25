// The one thread that file calls block. Included by file_token_storage.cpp.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace wix::detail {

/// Something to do on the file thread.
class FileJob {
public:
    FileJob() = default;
    FileJob(const FileJob&) = delete;
    FileJob& operator=(const FileJob&) = delete;
    virtual ~FileJob() = default;
    virtual void perform() noexcept = 0;
};

/// Does file jobs one after the other. Its thread exists only while there is work, which makes the ends simple: an idle
/// program has no thread to join, none that a fork() would miss, and none that uses statics while they are destroyed.
/// A file call takes longer than the start of a thread.
class FileThread {
public:
    /// Never destroyed; the program's exit waits until the last job is done, so that no save is cut off. So does a
    /// fork(): its child would find locks that are held by a thread that it does not have.
    static FileThread& shared() {
        static FileThread& one = *new FileThread;
        static const WaitAtExit waitAtExit(one);
        static const int atFork =
            ::pthread_atfork([] { one.holdIdle(); }, [] { one.mutex_.unlock(); }, [] { one.mutex_.unlock(); });
        static_cast<void>(atFork);
        return one;
    }

    /// False if no thread could be started; the job is dropped then.
    bool submit(std::shared_ptr<FileJob> job) {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
        if (running_) return true;
        if (!start()) {
            jobs_.pop_back();
            return false;
        }
        running_ = true;
        return true;
    }

private:
    struct WaitAtExit {
        explicit WaitAtExit(FileThread& awaited) : thread(awaited) {}
        ~WaitAtExit() {
            thread.holdIdle();
            thread.mutex_.unlock();
        }
        FileThread& thread;
    };

    /// Waits until there is no job, and leaves the mutex locked: none begins.
    void holdIdle() {
        std::unique_lock lock(mutex_);
        idle_.wait(lock, [this] { return !running_; });
        lock.release();
    }

    bool start() {
        // The program's signal handlers are not for this thread.
        sigset_t all, before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        bool started = true;
        try {
            std::thread([this] { work(); }).detach();
        } catch (...) {  // no thread, or no memory for one
            started = false;
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return started;
    }

    void work() {
        std::unique_lock lock(mutex_);
        while (!jobs_.empty()) {
            auto job = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            job->perform();
            job.reset();
            lock.lock();
        }
        running_ = false;
        idle_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable idle_;
    std::deque<std::shared_ptr<FileJob>> jobs_;
    bool running_ = false;
};

}  // namespace wix::detail
