#include "base/blocking_threads.hpp"

#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <thread>
#include <utility>

namespace wix::detail {
namespace {

// What follows is never destroyed: a thread that ends late may still use it.

constinit std::atomic<BlockingThreads*> calls{nullptr};
constinit std::atomic<BlockingThreads*> lookUps{nullptr};

/// Held while a job completes, and by fork(): the child must not find a lock that a thread of the parent holds.
constinit std::mutex forkGate;

constinit std::atomic<bool> exitIsAwaited{false};  // a handler is registered and has not been called
constinit std::atomic<bool> exitHasBegun{false};
constinit std::atomic<::pthread_t> exitingThread{};

/// The number of the job that this thread performs; 0 if it performs none.
thread_local std::uint64_t currentJob = 0;

}  // namespace

BlockingThreads& BlockingThreads::instance(std::atomic<BlockingThreads*>& place, AtExit atExit) {
    BlockingThreads* present = place.load(std::memory_order_acquire);
    if (present && !present->forkGuard_.isInChild()) return *present;
    static const int atFork =
        ::pthread_atfork([] { forkGate.lock(); }, [] { forkGate.unlock(); }, [] { forkGate.unlock(); });
    static_cast<void>(atFork);
    // In a child the parent's object is left as it is: its lock may be held by a thread that the child does not have.
    auto made = std::make_unique<BlockingThreads>(atExit);
    if (!place.compare_exchange_strong(present, made.get(), std::memory_order_acq_rel)) return *present;
    return *made.release();
}

BlockingThreads& BlockingThreads::forCalls() { return instance(calls, AtExit::wait); }
BlockingThreads& BlockingThreads::forLookUps() { return instance(lookUps, AtExit::abandon); }

BlockingThreads::~BlockingThreads() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return threads_ == 0; });
}

// -- Exit --------------------------------------------------------------------------------------------------------------

/// Exit handlers are called in the reverse order of their registration, and may be registered by one another. So the
/// handler that waits is registered anew by a job that a static destructor submits.
void BlockingThreads::awaitAtExit() {
    if (exitIsAwaited.load()) return;
    // Another thread that submits jobs for ever must not keep the program from ending.
    if (exitHasBegun.load() && !::pthread_equal(exitingThread.load(), ::pthread_self())) return;
    if (exitIsAwaited.exchange(true)) return;
    // Functions of users may use OpenSSL. Its own exit handler is registered now at the latest, and called after ours.
    // Without any option OPENSSL_init_crypto() returns before it registers the handler.
    ::OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);
    if (std::atexit([] { finishAtExit(); }) != 0) exitIsAwaited = false;
}

void BlockingThreads::finishAtExit() noexcept {
    exitingThread = ::pthread_self();
    exitHasBegun = true;
    exitIsAwaited = false;
    BlockingThreads* const threads = calls.load();
    if (threads && !threads->forkGuard_.isInChild()) threads->wait();
}

void BlockingThreads::wait() {
    std::unique_lock lock(mutex_);
    const auto last = queue_.last();
    changed_.wait(lock, [&] { return queue_.haveEnded(last, currentJob); });
}

// -- Jobs --------------------------------------------------------------------------------------------------------------

bool BlockingThreads::submit(std::shared_ptr<BlockingJob> job, std::string key) {
    if (atExit_ == AtExit::wait) awaitAtExit();
    const std::lock_guard lock(mutex_);
    job->threads_ = this;
    job->number_ = queue_.push(std::move(key), job);
    if (queue_.ready() <= threads_ - busy_ || threads_ == maxThreads || start()) return true;
    if (threads_ > 0) return true;  // one of them will perform it
    queue_.withdraw(job->number_);
    return false;
}

BlockingThreads::Withdrawn BlockingThreads::withdraw(BlockingJob& job) noexcept {
    BlockingThreads* const threads = job.threads_;
    if (!threads) return Withdrawn::begun;
    if (threads->forkGuard_.isInChild()) return Withdrawn::parentsJob;
    std::optional<std::shared_ptr<BlockingJob>> withdrawn;  // destroyed without the lock
    const std::lock_guard lock(threads->mutex_);
    withdrawn = threads->queue_.withdraw(job.number_);
    if (!withdrawn) return Withdrawn::begun;
    threads->changed_.notify_all();
    return Withdrawn::yes;
}

/// With the mutex held.
bool BlockingThreads::start() {
    // The program's signal handlers are not for these threads.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
        std::thread([this] { work(); }).detach();
        ++threads_;
    } catch (...) {  // no thread, or no memory for one
        started = false;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

void BlockingThreads::work() {
    std::unique_lock lock(mutex_);
    while (auto begun = queue_.begin()) {
        ++busy_;
        lock.unlock();
        currentJob = begun->number;
        begun->item->perform();
        std::shared_ptr<void> rest;
        {
            const std::lock_guard gate(forkGate);
            if (forkGuard_.isInChild()) {
                // The function has called fork(), and this is the child: nothing of the parent's is touched here.
                static_cast<void>(new std::shared_ptr<BlockingJob>(std::move(begun->item)));
                return;
            }
            rest = begun->item->complete();
            begun->item.reset();
        }
        rest.reset();
        currentJob = 0;
        lock.lock();
        --busy_;
        queue_.end(begun->number);
        changed_.notify_all();
    }
    --threads_;
    changed_.notify_all();
}

}  // namespace wix::detail
