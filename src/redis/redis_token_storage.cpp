#include <wix/redis.hpp>

#include <hiredis.h>

#include <random>
#include <utility>

#include "redis/redis_call.hpp"
#include "redis/redis_connection.hpp"
#include "redis/redis_record.hpp"

namespace asio = boost::asio;

namespace wix {

using namespace detail;

/// Shared with the operations, which may outlive the storage.
class RedisTokenStorage::Impl {
public:
    Impl(const asio::any_io_executor& executor, RedisUrl url, RedisOptions options, TlsContextPtr tls)
        : connection(std::make_shared<RedisConnection>(executor, std::move(url), std::move(options), std::move(tls))) {}

    /// Null once the io_context has gone.
    std::shared_ptr<RedisCall> call(RedisCommand command, bool repeatable = true) const {
        if (connection->isInChild()) throw Error(connection->usedAfterFork());
        asio::any_io_executor home = connection->home();
        if (!home) return nullptr;
        return std::make_shared<RedisCall>(connection, std::move(home), std::move(command), repeatable);
    }
    std::string record(const std::string& key) const { return recordKey(connection->options().keyPrefix, key); }
    std::string where() const { return connection->url().where(); }

    const std::shared_ptr<RedisConnection> connection;
};

namespace {

/// A lease that is held, or may be: its grant may come so late that nobody hears of it. Gives it back when it is destroyed.
class Hold {
public:
    Hold(std::shared_ptr<RedisConnection> connection, RedisCommand release, std::shared_ptr<const bool> wasAskedFor)
        : connection_(std::move(connection)), release_(std::move(release), std::move(wasAskedFor), SteadyTime::max()) {}
    ~Hold() {
        if (mayBeOurs_) connection_->giveBack(std::move(release_));
    }
    void isOurs(std::chrono::milliseconds ttl) noexcept { release_.until = MonotonicClock::now() + ttl; }
    void isNotOurs() noexcept { mayBeOurs_ = false; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

private:
    const std::shared_ptr<RedisConnection> connection_;
    LeaseRelease release_;
    bool mayBeOurs_ = true;
};

/// A word that nobody else uses.
std::string uniqueWord() {
    std::random_device random;
    std::string word;
    for (int i = 0; i < 4; ++i) word += std::to_string(random()) + "-";
    return word;
}

RedisUrl checkedUrl(const std::string& text) {
    result<RedisUrl> url = parseRedisUrl(text);
    if (url.has_error()) throw Error(url.error());
    if (url->tls && !hasRedisTls())
        throw Error(Errc::invalid_argument,
                    "rediss:// is not supported by this wix::redis: it was built with hiredis " +
                        std::to_string(HIREDIS_MAJOR) + "." + std::to_string(HIREDIS_MINOR) + "." +
                        std::to_string(HIREDIS_PATCH) +
                        " and without hiredis_ssl, which exists since hiredis 1.0; use redis:// through a TLS tunnel");
    return std::move(*url);
}

RedisOptions checkedOptions(RedisOptions options) {
    const auto inRange = [](std::chrono::milliseconds time) {
        return time > std::chrono::milliseconds(0) && time <= std::chrono::hours(1);
    };
    if (!inRange(options.connectTimeout))
        throw Error(Errc::invalid_argument, "RedisOptions::connectTimeout must be between 1 ms and 1 h");
    if (!inRange(options.commandTimeout))
        throw Error(Errc::invalid_argument, "RedisOptions::commandTimeout must be between 1 ms and 1 h");
    if (options.recordLife < std::chrono::seconds(0) || options.recordLife > std::chrono::hours(24) * 36'500)
        throw Error(Errc::invalid_argument, "RedisOptions::recordLife must be between 0 and 100 years");
    return options;
}

/// Null for redis://.
TlsContextPtr tlsContextFor(const RedisUrl& url, const TlsOptions& options) {
    if (!url.tls) {
        if (namesFilesOrPins(options))
            throw Error(Errc::invalid_argument, "RedisOptions::tls is set, but the URL is without TLS: use rediss://");
        return nullptr;
    }
    result<TlsContextPtr> context = makeTlsContext(options);
    if (context.has_error()) throw Error(context.error());
    return std::move(*context);
}

// Not members: an operation is lazy, and the storage may be gone when it starts. So they are templates of its private Impl.

template <class Impl>
asio::awaitable<void> connectNow(std::shared_ptr<Impl> impl) {
    auto call = impl->call(RedisCommand{"PING"});
    const result<RedisReply> reply = co_await run(std::move(call));
    if (reply.has_error()) throw Error(reply.error());
    if (reply->kind == RedisReply::Kind::error) throw Error(redisFailure(impl->where(), reply->content));
    if (!reply->isText()) throw Error(unexpectedReply(impl->where()));
}

template <class Impl>
asio::awaitable<std::optional<StoredTokens>> load(std::shared_ptr<Impl> impl, std::string key) {
    auto call = impl->call(loadCommand(impl->record(key)));
    const result<RedisReply> reply = co_await run(std::move(call));
    if (reply.has_error()) throw Error(reply.error());
    result<std::optional<StoredTokens>> record = readLoadReply(*reply, impl->where());
    if (record.has_error()) throw Error(record.error());
    co_return std::move(*record);
}

template <class Impl>
asio::awaitable<SaveResult> save(std::shared_ptr<Impl> impl, std::string key, Tokens tokens,
                                 std::uint64_t expectedVersion) {
    const std::chrono::seconds life = impl->connection->options().recordLife;
    auto call = impl->call(saveCommand(impl->record(key), tokens, expectedVersion, life));
    const result<RedisReply> reply = co_await run(std::move(call));
    if (reply.has_error()) throw Error(reply.error());
    result<SaveResult> outcome = readSaveReply(*reply, tokens, impl->where());
    if (outcome.has_error()) throw Error(outcome.error());
    co_return std::move(*outcome);
}

template <class Impl>
asio::awaitable<void> erase(std::shared_ptr<Impl> impl, std::string key) {
    // Not repeatable: between its two times somebody may have made a new record.
    auto call = impl->call(eraseCommand(impl->record(key), impl->connection->options().recordLife), false);
    const result<RedisReply> reply = co_await run(std::move(call));
    if (reply.has_error()) throw Error(reply.error());
    if (reply->kind == RedisReply::Kind::error) throw Error(redisFailure(impl->where(), reply->content));
    if (reply->kind != RedisReply::Kind::number) throw Error(unexpectedReply(impl->where()));
}

template <class Impl>
asio::awaitable<std::optional<RenewalLease>> acquire(std::shared_ptr<Impl> impl, std::string key,
                                                     std::chrono::milliseconds ttl) {
    key = leaseKey(impl->connection->options().keyPrefix, key);
    std::string holder = uniqueWord();
    auto call = impl->call(acquireCommand(key, holder, ttl));
    auto sent = call ? call->tellWhenSent() : std::make_shared<const bool>(false);
    auto hold = std::make_shared<Hold>(impl->connection, releaseCommand(key, holder), std::move(sent));
    const result<RedisReply> reply = co_await run(std::move(call));
    if (reply.has_error()) throw Error(reply.error());
    const result<bool> granted = readAcquireReply(*reply, impl->where());
    if (granted.has_error()) throw Error(granted.error());
    std::optional<RenewalLease> lease;
    if (*granted) {
        hold->isOurs(ttl);
        lease.emplace(std::move(hold));
    } else {
        hold->isNotOurs();
    }
    co_return std::move(lease);
}

}  // namespace

RedisTokenStorage::RedisTokenStorage(asio::any_io_executor executor, const std::string& text, RedisOptions options) {
    RedisUrl url = checkedUrl(text);
    options = checkedOptions(std::move(options));
    TlsContextPtr tls = tlsContextFor(url, options.tls);
    impl_ = std::make_shared<Impl>(executor, std::move(url), std::move(options), std::move(tls));
}
RedisTokenStorage::~RedisTokenStorage() = default;

asio::awaitable<void> RedisTokenStorage::connect() { return wix::connectNow(impl_); }

asio::awaitable<std::optional<StoredTokens>> RedisTokenStorage::load(std::string key) {
    return wix::load(impl_, std::move(key));
}

asio::awaitable<SaveResult> RedisTokenStorage::save(std::string key, Tokens tokens, std::uint64_t expectedVersion) {
    return wix::save(impl_, std::move(key), std::move(tokens), expectedVersion);
}

asio::awaitable<void> RedisTokenStorage::erase(std::string key) { return wix::erase(impl_, std::move(key)); }

asio::awaitable<std::optional<RenewalLease>> RedisTokenStorage::acquireLease(std::string key,
                                                                             std::chrono::milliseconds ttl) {
    return acquire(impl_, std::move(key), ttl);
}

}  // namespace wix
