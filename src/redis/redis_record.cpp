#include "redis/redis_record.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

#include "storage/record_version.hpp"

namespace json = boost::json;

namespace wix::detail {
namespace {

// pcall, and the error as the answer: call() would wrap it in words of its own, which differ between versions of Redis.
// HSET is the first that writes, since Redis looks at its memory only then. If the time is refused (access rules may allow
// HSET alone), what was there before is put back.
constexpr const char* saveScript = R"(
local present = redis.pcall('HMGET', KEYS[1], 'version', 'tokens')
if present.err then return present end
local version = present[1] or '0'
if not present[1] and redis.call('EXISTS', KEYS[1]) == 1 then return {'damaged'} end
if version ~= ARGV[1] then return {'conflict', present[1], present[2]} end
local time = redis.call('TIME')
local new = string.format('%.0f', math.max(tonumber(version) + 1, time[1] * 1000000 + time[2]))
local written = redis.pcall('HSET', KEYS[1], 'version', new, 'tokens', ARGV[2])
if type(written) == 'table' and written.err then return written end
local timed
if ARGV[3] == '0' then timed = redis.pcall('PERSIST', KEYS[1])
else timed = redis.pcall('EXPIRE', KEYS[1], ARGV[3]) end
if type(timed) == 'table' and timed.err then
  if not present[1] then redis.pcall('DEL', KEYS[1])
  elseif present[2] then redis.pcall('HSET', KEYS[1], 'version', present[1], 'tokens', present[2]) end
  return timed
end
return {'saved', new}
)";

// The record goes first and whatever it is, so that a full memory or damage does not keep it.
constexpr const char* eraseScript = R"(
local present = redis.pcall('HGET', KEYS[1], 'version')
local version = type(present) == 'string' and tonumber(present) or 0
if not (version > 0 and version < 9007199254740990) then version = 0 end
local time = redis.call('TIME')
local new = string.format('%.0f', math.max(version + 1, time[1] * 1000000 + time[2]))
local gone = redis.pcall('DEL', KEYS[1])
if type(gone) == 'table' then return gone end
local written = redis.pcall('HSET', KEYS[1], 'version', new, 'tokens', ARGV[1])
if type(written) == 'table' then return written end
return redis.pcall('EXPIRE', KEYS[1], ARGV[2])
)";

constexpr const char* acquireScript = R"(
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' and holder.err then return holder end
if holder == ARGV[1] then return 1 end
if holder then return 0 end
local written = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if written.err then return written end
return 1
)";

constexpr const char* releaseScript = R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
)";

Failure damaged(const std::string& where, const std::string& why) {
    return Failure(Errc::storage_damaged, "Redis at " + where + ": the record of the session " + why);
}

std::optional<std::uint64_t> versionIn(const RedisReply& field) {
    if (!field.isText()) return std::nullopt;
    std::uint64_t number = 0;
    const std::string& digits = field.content;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return number >= 1 && number <= maxRecordVersion ? std::optional(number) : std::nullopt;
}

/// The record of the fields `version` and `tokens`; nothing if there is neither.
result<std::optional<StoredTokens>> readRecord(const RedisReply& version, const RedisReply& tokens,
                                               const std::string& where) {
    const auto isMissing = [](const RedisReply& field) { return field.kind == RedisReply::Kind::nothing; };
    if (isMissing(version) && isMissing(tokens)) return std::optional<StoredTokens>();
    if (!version.isText() || !tokens.isText()) return damaged(where, "lacks its version or its tokens");
    const auto number = versionIn(version);
    if (!number) return damaged(where, "has a version that is out of range");
    boost::system::error_code ec;
    const json::value value = json::parse(tokens.content, ec);
    if (ec) return damaged(where, "is not JSON");
    try {
        return std::optional<StoredTokens>(StoredTokens(tokensFromJson(value), *number));
    } catch (const Error& problem) {
        return damaged(where, "is not a session (" + problem.failure().context + ")");
    }
}

}  // namespace

std::string recordKey(const std::string& prefix, const std::string& key) { return prefix + "{" + key + "}"; }
std::string leaseKey(const std::string& prefix, const std::string& key) { return recordKey(prefix, key) + ":lease"; }

RedisCommand loadCommand(std::string recordKey) {
    return RedisCommand{"HMGET", std::move(recordKey), "version", "tokens"};
}

RedisCommand saveCommand(std::string recordKey, const Tokens& tokens, std::uint64_t expectedVersion,
                         std::chrono::seconds life) {
    return RedisCommand{"EVAL",
                        saveScript,
                        "1",
                        std::move(recordKey),
                        std::to_string(expectedVersion),
                        json::serialize(toJson(tokens)),
                        std::to_string(std::max<std::chrono::seconds::rep>(life.count(), 0))};
}

RedisCommand eraseCommand(std::string recordKey, std::chrono::seconds life) {
    constexpr std::chrono::seconds day = std::chrono::hours(24);
    const std::chrono::seconds kept = life > std::chrono::seconds(0) ? std::min(life, day) : day;
    return RedisCommand{"EVAL",
                        eraseScript,
                        "1",
                        std::move(recordKey),
                        json::serialize(toJson(Tokens())),
                        std::to_string(kept.count())};
}

RedisCommand acquireCommand(std::string leaseKey, std::string holder, std::chrono::milliseconds ttl) {
    const auto time = std::max<std::chrono::milliseconds::rep>(ttl.count(), 1);  // Redis refuses 0
    return RedisCommand{"EVAL", acquireScript, "1", std::move(leaseKey), std::move(holder), std::to_string(time)};
}

RedisCommand releaseCommand(std::string leaseKey, std::string holder) {
    return RedisCommand{"EVAL", releaseScript, "1", std::move(leaseKey), std::move(holder)};
}

result<std::optional<StoredTokens>> readLoadReply(const RedisReply& reply, const std::string& where) {
    if (reply.kind == RedisReply::Kind::error) return redisFailure(where, reply.content);
    if (reply.kind != RedisReply::Kind::list || reply.items.size() != 2) return unexpectedReply(where);
    return readRecord(reply.items[0], reply.items[1], where);
}

result<SaveResult> readSaveReply(const RedisReply& reply, const Tokens& tokens, const std::string& where) {
    if (reply.kind == RedisReply::Kind::error) return redisFailure(where, reply.content);
    if (reply.kind != RedisReply::Kind::list || reply.items.empty()) return unexpectedReply(where);
    const std::string& verdict = reply.items[0].content;
    if (verdict == "damaged") return damaged(where, "lacks its version");
    if (verdict == "saved" && reply.items.size() == 2) {
        const auto version = versionIn(reply.items[1]);
        if (!version) return unexpectedReply(where);
        return SaveResult::saved(*version);
    }
    // A script's list ends at its first missing value.
    if (verdict != "conflict" || reply.items.size() > 3) return unexpectedReply(where);
    const auto field = [&reply](std::size_t i) { return i < reply.items.size() ? reply.items[i] : RedisReply(); };
    const auto present = readRecord(field(1), field(2), where);
    if (present.has_error()) return present.error();
    if (!*present) return SaveResult::conflict(StoredTokens());
    if (reply.asksAgain && (*present)->tokens == tokens) return SaveResult::saved((*present)->version);
    return SaveResult::conflict(**present);
}

result<bool> readAcquireReply(const RedisReply& reply, const std::string& where) {
    if (reply.kind == RedisReply::Kind::error) {
        Failure failure = redisFailure(where, reply.content);
        if (failure.code == Errc::storage_damaged) failure.code = Errc::storage_unavailable;  // a lease has no record
        return failure;
    }
    if (reply.kind != RedisReply::Kind::number) return unexpectedReply(where);
    return reply.value == 1;
}

}  // namespace wix::detail
