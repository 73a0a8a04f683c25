#include <wix/token_storage.hpp>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/blocking_call.hpp"
#include "storage/session_files.hpp"
#include "storage/storage_time_limit.hpp"

namespace asio = boost::asio;

namespace wix {

struct FileTokenStorage::Files : detail::SessionFiles {
    using SessionFiles::SessionFiles;
};

namespace {

using detail::SessionFiles;

template <class T>
class FileWork final : public detail::BlockingWork {
public:
    using Call = std::function<result<T>(SessionFiles&)>;

    FileWork(std::shared_ptr<SessionFiles> files, Call call) : files_(std::move(files)), call_(std::move(call)) {}

    void perform() noexcept override {
        try {
            outcome_.emplace(call_(*files_));
        } catch (const std::exception& error) {  // no memory, say
            outcome_.emplace(Failure(Errc::storage_unavailable, std::string("session file: ") + error.what()));
        }
    }
    result<T> take() { return std::move(*outcome_); }

private:
    const std::shared_ptr<SessionFiles> files_;
    const Call call_;
    std::optional<result<T>> outcome_;
};

/// Not cancellable: a call is short, and half a save is worth nothing.
template <class T>
asio::awaitable<T> waitForFile(std::shared_ptr<FileWork<T>> work, detail::BlockingCallOptions options) {
    std::optional<Failure> failure = co_await detail::performBlocking(work, std::move(options));
    if (failure) throw Error(std::move(*failure));
    result<T> outcome = work->take();
    if (!outcome) throw Error(outcome.error());
    if constexpr (!std::is_void_v<T>) co_return std::move(*outcome);
}

/// Called from plain functions only: g++ 12 miscompiles a lambda that becomes a std::function within a co_await.
template <class T>
asio::awaitable<T> callFile(std::shared_ptr<SessionFiles> files, const std::filesystem::path& file,
                            typename FileWork<T>::Call call) {
    detail::BlockingCallOptions options;
    // Calls for one file are in order, whichever storage makes them. (Other processes are kept out by locks.)
    options.key = detail::fileCallKey(file);
    options.startWithin = detail::StorageTimeLimit::current() / 2;
    options.what = "session file " + file.string();
    return waitForFile<T>(std::make_shared<FileWork<T>>(std::move(files), std::move(call)), std::move(options));
}

/// The directory that is current now, not the one of a later save.
std::filesystem::path absolutePath(std::filesystem::path file) {
    std::error_code error;
    std::filesystem::path whole = file.empty() ? file : std::filesystem::absolute(file, error);
    return error ? file : whole;
}

/// Sessions are locked one by one: the others are used meanwhile.
asio::awaitable<std::size_t> purgeFiles(std::shared_ptr<SessionFiles> files, std::chrono::seconds olderThan) {
    if (olderThan < std::chrono::seconds(0))
        throw Error(Errc::invalid_argument, "FileTokenStorage::purge(olderThan): the time must not be negative");
    detail::BlockingCallOptions options;
    options.what = "session files " + files->path().string();
    const FileWork<std::size_t>::Call call = [olderThan](SessionFiles& all) { return all.purge(olderThan); };
    co_return co_await waitForFile<std::size_t>(std::make_shared<FileWork<std::size_t>>(files, call), options);
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

// The name of the file, which OpenSSL computes, is made here and not on the blocking thread.

asio::awaitable<std::optional<StoredTokens>> FileTokenStorage::load(std::string key) {
    const std::filesystem::path file = files_->pathOf(key);
    return callFile<std::optional<StoredTokens>>(
        files_, file, [file, key = std::move(key)](SessionFiles& files) { return files.load(file, key); });
}

asio::awaitable<SaveResult> FileTokenStorage::save(std::string key, Tokens tokens, std::uint64_t expectedVersion) {
    const std::filesystem::path file = files_->pathOf(key);
    return callFile<SaveResult>(
        files_, file, [file, key = std::move(key), tokens = std::move(tokens), expectedVersion](SessionFiles& files) {
            return files.save(file, key, tokens, expectedVersion);
        });
}

asio::awaitable<void> FileTokenStorage::erase(std::string key) {
    const std::filesystem::path file = files_->pathOf(key);
    return callFile<void>(files_, file,
                          [file, key = std::move(key)](SessionFiles& files) { return files.erase(file, key); });
}

asio::awaitable<std::optional<RenewalLease>> FileTokenStorage::acquireLease(std::string key,
                                                                            std::chrono::milliseconds ttl) {
    const std::filesystem::path file = files_->pathOf(key);
    return callFile<std::optional<RenewalLease>>(files_, file, [file, key = std::move(key), ttl](SessionFiles& files) {
        return files.acquireLease(file, key, ttl);
    });
}

asio::awaitable<std::size_t> FileTokenStorage::purge(std::chrono::seconds olderThan) {
    return purgeFiles(files_, olderThan);
}

}  // namespace wix
