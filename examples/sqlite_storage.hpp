// A TokenStorage on SQLite: how to implement one on a library that blocks. Several processes of one machine may use it.
#pragma once

#include <wix/error.hpp>
#include <wix/offload.hpp>
#include <wix/token_storage.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace sqlite {

// The version of a removed record must not be used again. Time makes it higher than that of any record before.
inline std::int64_t millisecondsSince1970() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

[[noreturn]] inline void unavailable(sqlite3* database, const char* what) {
    throw wix::Error(wix::Errc::storage_unavailable, std::string(what) + ": " + sqlite3_errmsg(database));
}

class Database {
public:
    explicit Database(const std::string& path) {
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
        const int opened = sqlite3_open_v2(path.c_str(), &database_, flags, nullptr);
        if (opened != SQLITE_OK) {
            const std::string why = database_ ? sqlite3_errmsg(database_) : "out of memory";
            sqlite3_close(database_);
            throw wix::Error(wix::Errc::storage_unavailable, "cannot open the database " + path + ": " + why);
        }
        // Below Timeouts::storage, so that the session hears of it.
        sqlite3_busy_timeout(database_, 2'000);
        execute("PRAGMA synchronous = FULL");  // a save is durable when it returns
    }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database() { sqlite3_close(database_); }

    void execute(const char* sql) {
        if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) unavailable(database_, sql);
    }
    int changes() const { return sqlite3_changes(database_); }
    sqlite3* get() const { return database_; }

private:
    sqlite3* database_ = nullptr;
};

class Statement {
public:
    Statement(Database& database, const char* sql) : database_(database.get()) {
        if (sqlite3_prepare_v2(database_, sql, -1, &statement_, nullptr) != SQLITE_OK) unavailable(database_, sql);
    }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(statement_); }

    Statement& bind(int index, const std::string& text) {
        sqlite3_bind_text(statement_, index, text.c_str(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
        return *this;
    }
    Statement& bind(int index, std::int64_t number) {
        sqlite3_bind_int64(statement_, index, number);
        return *this;
    }
    /// Returns whether there is a row.
    bool step() {
        const int result = sqlite3_step(statement_);
        if (result != SQLITE_ROW && result != SQLITE_DONE) unavailable(database_, sqlite3_sql(statement_));
        return result == SQLITE_ROW;
    }
    std::string text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return bytes ? std::string(bytes, size) : std::string();
    }
    std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

private:
    sqlite3* database_;
    sqlite3_stmt* statement_ = nullptr;
};

/// Writers exclude one another from its beginning. Without commit() nothing has changed.
class Transaction {
public:
    explicit Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() {
        if (!committed_) sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    void commit() {
        database_.execute("COMMIT");
        committed_ = true;
    }

private:
    Database& database_;
    bool committed_ = false;
};

inline std::optional<wix::StoredTokens> find(Database& database, const std::string& key) {
    Statement query(database, "SELECT tokens, version FROM wix_sessions WHERE key = ?");
    if (!query.bind(1, key).step()) return std::nullopt;
    const auto version = static_cast<std::uint64_t>(query.number(1));
    const std::string text = query.text(0);
    if (text.empty()) return wix::StoredTokens(wix::Tokens(), version);  // the session has ended
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(text, error);
    if (error) throw wix::Error(wix::Errc::storage_damaged, "a stored session is not JSON");
    try {
        return wix::StoredTokens(wix::tokensFromJson(value), version);
    } catch (const std::exception&) {
        throw wix::Error(wix::Errc::storage_damaged, "a stored session is not one");
    }
}

inline std::uint64_t put(Database& database, const std::string& key, const std::string& tokens, std::uint64_t present) {
    const std::int64_t version = std::max(static_cast<std::int64_t>(present) + 1, millisecondsSince1970());
    Statement(database, "INSERT OR REPLACE INTO wix_sessions (key, tokens, version) VALUES (?, ?, ?)")
        .bind(1, key)
        .bind(2, tokens)
        .bind(3, version)
        .step();
    return static_cast<std::uint64_t>(version);
}

/// What a lease holds. It is released on a blocking thread, and nothing waits for that: if it fails, the lease ends with its
/// time.
class HeldLease {
public:
    HeldLease(boost::asio::any_io_executor executor, std::string path, std::string key, std::string holder)
        : executor_(std::move(executor)), path_(std::move(path)), key_(std::move(key)), holder_(std::move(holder)) {}
    HeldLease(const HeldLease&) = delete;
    HeldLease& operator=(const HeldLease&) = delete;
    ~HeldLease() {
        if (process_ != ::getpid()) return;  // the child of a fork has a copy: the lease is the parent's
        auto release = [path = path_, key = key_, holder = holder_] {
            Database database(path);
            Statement(database, "DELETE FROM wix_leases WHERE key = ? AND holder = ?")
                .bind(1, key)
                .bind(2, holder)
                .step();
        };
        try {
            boost::asio::co_spawn(executor_, wix::offload(release, wix::OffloadOptions(key_)), boost::asio::detached);
        } catch (const std::exception&) {  // out of memory
        }
    }

private:
    const boost::asio::any_io_executor executor_;
    const std::string path_, key_, holder_;
    const pid_t process_ = ::getpid();
};

inline std::string newHolder() {
    std::random_device random;
    std::string holder;
    for (int i = 0; i < 4; ++i) holder += std::to_string(random()) + ".";
    return holder;
}

}  // namespace sqlite

/// Keeps sessions in a table. Each call runs on a blocking thread with a connection of its own to the database, so the
/// object holds nothing but the path: it may be used after fork(), and by several threads at once.
class SqliteTokenStorage final : public wix::TokenStorage {
public:
    /// Makes the table if there is none.
    explicit SqliteTokenStorage(std::string path);

    boost::asio::awaitable<std::optional<wix::StoredTokens>> load(std::string key) override;
    boost::asio::awaitable<wix::SaveResult> save(std::string key, wix::Tokens tokens,
                                                 std::uint64_t expectedVersion) override;
    boost::asio::awaitable<void> erase(std::string key) override;
    boost::asio::awaitable<std::optional<wix::RenewalLease>> acquireLease(std::string key,
                                                                          std::chrono::milliseconds ttl) override;

private:
    std::string path_;
};

inline SqliteTokenStorage::SqliteTokenStorage(std::string path) : path_(std::move(path)) {
    sqlite::Database database(path_);
    database.execute("PRAGMA journal_mode = WAL");
    database.execute("CREATE TABLE IF NOT EXISTS wix_sessions (key TEXT PRIMARY KEY, tokens TEXT, version INTEGER)");
    database.execute("CREATE TABLE IF NOT EXISTS wix_leases (key TEXT PRIMARY KEY, holder TEXT, until INTEGER)");
}

// Each function is named before it is passed to offload(), and holds copies: it may run longer than its caller waits, and
// g++ 12 destroys the captures of a lambda twice that is written within a co_await expression.

inline boost::asio::awaitable<std::optional<wix::StoredTokens>> SqliteTokenStorage::load(std::string key) {
    auto query = [path = path_, key] {
        sqlite::Database database(path);
        return sqlite::find(database, key);
    };
    return wix::offload(query, wix::OffloadOptions(key));
}

inline boost::asio::awaitable<wix::SaveResult> SqliteTokenStorage::save(std::string key, wix::Tokens tokens,
                                                                        std::uint64_t expectedVersion) {
    auto update = [path = path_, key, tokens, expectedVersion] {
        sqlite::Database database(path);
        sqlite::Transaction transaction(database);
        const auto present = sqlite::find(database, key);
        const std::uint64_t version = present ? present->version : 0;
        if (version != expectedVersion) return wix::SaveResult::conflict(present ? *present : wix::StoredTokens());
        const std::uint64_t saved = sqlite::put(database, key, boost::json::serialize(wix::toJson(tokens)), version);
        transaction.commit();
        return wix::SaveResult::saved(saved);
    };
    return wix::offload(update, wix::OffloadOptions(key));
}

inline boost::asio::awaitable<void> SqliteTokenStorage::erase(std::string key) {
    auto end = [path = path_, key] {
        sqlite::Database database(path);
        sqlite::Transaction transaction(database);
        const auto present = sqlite::find(database, key);
        if (!present || present->tokens.empty()) return;
        sqlite::put(database, key, std::string(),
                    present->version);  // not removed: other processes learn that it has ended
        transaction.commit();
    };
    return wix::offload(end, wix::OffloadOptions(key));
}

inline boost::asio::awaitable<std::optional<wix::RenewalLease>> SqliteTokenStorage::acquireLease(
    std::string key, std::chrono::milliseconds ttl) {
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    const std::string path = path_;
    const std::string holder = sqlite::newHolder();
    auto acquire = [path, key, holder, ttl] {
        sqlite::Database database(path);
        const std::int64_t now = sqlite::millisecondsSince1970();
        sqlite::Statement(database,
                          "INSERT INTO wix_leases (key, holder, until) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE "
                          "SET holder = ?2, until = ?3 WHERE until <= ?4")
            .bind(1, key)
            .bind(2, holder)
            .bind(3, now + ttl.count())
            .bind(4, now)
            .step();
        return database.changes() > 0;
    };
    const bool acquired = co_await wix::offload(acquire, wix::OffloadOptions(key));
    if (!acquired) co_return std::nullopt;
    co_return wix::RenewalLease(std::make_shared<sqlite::HeldLease>(executor, path, key, holder));
}
