#include <wix/token_storage.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <type_traits>

#include "async/context_registry.hpp"
#include "storage/file_thread.hpp"
#include "storage/session_files.hpp"

namespace asio = boost::asio;

namespace wix {

struct FileTokenStorage::Files : detail::SessionFiles {
    using SessionFiles::SessionFiles;
};

namespace {

using detail::SessionFiles;

/// A blocking call that a coroutine waits for. The file thread performs it and posts the outcome to the caller; if the
/// caller's context ends before, the handler goes with it and the outcome is dropped. Not cancellable: it is short, and
/// half a save is worth nothing.
template <class T>
class FileCall final : public detail::FileJob, public detail::ContextBound {
public:
    using Work = std::function<result<T>(SessionFiles&)>;
    using Handler = asio::any_completion_handler<void(result<T>)>;

    FileCall(const asio::any_io_executor& executor, std::shared_ptr<SessionFiles> files, Work work)
        : ContextBound(executor), files_(std::move(files)), work_(std::move(work)) {}

    void begin(Handler handler, asio::any_io_executor caller) {
        {
            const std::lock_guard lock(mutex_);
            handler_.emplace(std::move(handler));
            caller_ = std::move(caller);
        }
        const auto self = std::static_pointer_cast<FileCall>(this->shared_from_this());
        if (!detail::FileThread::shared().submit(self))
            finish(Failure(Errc::storage_unavailable, "session file: no thread could be started"));
    }

    void perform() noexcept override {
        try {
            finish(work_(*files_));
        } catch (const std::exception& error) {  // no memory, say
            finish(Failure(Errc::storage_unavailable, std::string("session file: ") + error.what()));
        }
    }

    void contextGone() noexcept override {
        std::optional<Handler> handler;
        asio::any_io_executor caller;
        {
            const std::lock_guard lock(mutex_);
            take(handler, caller);
        }
        // Destroyed here, without the lock: it owns the caller's coroutine, which may own anything.
    }

private:
    struct Resume {
        Resume(Handler toCall, result<T> with) : handler(std::move(toCall)), outcome(std::move(with)) {}
        void operator()() { std::move(handler)(std::move(outcome)); }
        Handler handler;
        result<T> outcome;
    };

    void finish(result<T> outcome) {
        // The lock is held for the post: the context cannot end while we use its executor.
        const std::lock_guard lock(mutex_);
        std::optional<Handler> handler;
        asio::any_io_executor caller;
        take(handler, caller);
        if (handler) asio::post(caller, Resume(std::move(*handler), std::move(outcome)));
    }

    void take(std::optional<Handler>& handler, asio::any_io_executor& caller) {
        if (handler_) handler.emplace(std::move(*handler_));
        handler_.reset();
        caller = std::exchange(caller_, asio::any_io_executor());
    }

    const std::shared_ptr<SessionFiles> files_;
    const Work work_;
    std::mutex mutex_;
    std::optional<Handler> handler_;  // never assigned to: that recurses in Boost 1.81
    asio::any_io_executor caller_;    // tracked: the context's run() waits for the outcome
};

template <class T>
struct Initiate {  // with a constructor: g++ 12 destroys aggregates twice here
    explicit Initiate(std::shared_ptr<FileCall<T>> call) : call_(std::move(call)) {}
    template <class Handler>
    void operator()(Handler handler) const {
        // Moved out: the frame that holds this object belongs to the handler, and the call is about to own that.
        const std::shared_ptr<FileCall<T>> call = std::move(call_);
        asio::any_io_executor caller =
            asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        call->begin(typename FileCall<T>::Handler(std::move(handler)), std::move(caller));
    }
    mutable std::shared_ptr<FileCall<T>> call_;
};

/// Called from plain functions only: g++ 12 miscompiles a lambda that becomes a std::function within a co_await.
template <class T>
asio::awaitable<T> onFileThread(std::shared_ptr<SessionFiles> files, std::function<result<T>(SessionFiles&)> work) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    Initiate<T> initiate(std::make_shared<FileCall<T>>(executor, std::move(files), std::move(work)));
    result<T> outcome = co_await asio::async_initiate<decltype(asio::use_awaitable), void(result<T>)>(
        std::move(initiate), asio::use_awaitable);
    if (!outcome) throw Error(outcome.error());
    if constexpr (!std::is_void_v<T>) co_return std::move(*outcome);
}

/// The directory that is current now, not the one of a later save.
std::filesystem::path absolutePath(std::filesystem::path file) {
    std::error_code error;
    std::filesystem::path whole = file.empty() ? file : std::filesystem::absolute(file, error);
    return error ? file : whole;
}

}  // namespace

FileTokenStorage::FileTokenStorage(std::filesystem::path file)
    : files_(std::make_shared<Files>(absolutePath(std::move(file)), Files::Kind::one)) {}
FileTokenStorage::FileTokenStorage(std::shared_ptr<Files> files) : files_(std::move(files)) {}
FileTokenStorage::~FileTokenStorage() = default;

std::shared_ptr<FileTokenStorage> FileTokenStorage::inDirectory(std::filesystem::path directory) {
    auto files = std::make_shared<Files>(absolutePath(std::move(directory)), Files::Kind::directory);
    return std::shared_ptr<FileTokenStorage>(new FileTokenStorage(std::move(files)));
}

asio::awaitable<std::optional<StoredTokens>> FileTokenStorage::load(std::string key) {
    return onFileThread<std::optional<StoredTokens>>(
        files_, [key = std::move(key)](SessionFiles& files) { return files.load(key); });
}

asio::awaitable<SaveResult> FileTokenStorage::save(std::string key, Tokens tokens, std::uint64_t expectedVersion) {
    return onFileThread<SaveResult>(
        files_, [key = std::move(key), tokens = std::move(tokens), expectedVersion](SessionFiles& files) {
            return files.save(key, tokens, expectedVersion);
        });
}

asio::awaitable<void> FileTokenStorage::erase(std::string key) {
    return onFileThread<void>(files_, [key = std::move(key)](SessionFiles& files) { return files.erase(key); });
}

asio::awaitable<std::optional<RenewalLease>> FileTokenStorage::acquireLease(std::string key,
                                                                            std::chrono::milliseconds ttl) {
    return onFileThread<std::optional<RenewalLease>>(
        files_, [key = std::move(key), ttl](SessionFiles& files) { return files.acquireLease(key, ttl); });
}

}  // namespace wix
