// How sessions are kept in Redis: the keys, the commands, and what comes back. Pure.
//
//     {prefix}{{key}}         a hash of `version`, a decimal number, and `tokens`, the JSON of toJson()
//     {prefix}{{key}}:lease   the random word of whoever holds the renewal lease; expires with it
//
// Scripts decide within the server, so that nobody comes between a comparison and its consequence. Each may run twice,
// since an answer may be lost: the second run finds what the first has done, and says so. Versions are the server's clock
// in microseconds, or one more than the present one if that is larger: so a record that comes back from an old backup has
// a lower one. An erased record has empty tokens and a version of its own for a day, by which other processes learn of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <wix/error.hpp>
#include <wix/token_storage.hpp>

#include "redis/redis_reply.hpp"

namespace wix::detail {

using RedisCommand = std::vector<std::string>;

std::string recordKey(const std::string& prefix, const std::string& key);
std::string leaseKey(const std::string& prefix, const std::string& key);

RedisCommand loadCommand(std::string recordKey);
/// The record expires after `life`; never with 0.
RedisCommand saveCommand(std::string recordKey, const Tokens& tokens, std::uint64_t expectedVersion,
                         std::chrono::seconds life);
/// The trace is kept for a day, or for `life` if that is shorter and not 0.
RedisCommand eraseCommand(std::string recordKey, std::chrono::seconds life);
RedisCommand acquireCommand(std::string leaseKey, std::string holder, std::chrono::milliseconds ttl);
RedisCommand releaseCommand(std::string leaseKey, std::string holder);

/// Failures name the server, and say nothing of what is in a record.
result<std::optional<StoredTokens>> readLoadReply(const RedisReply& reply, const std::string& where);
/// `tokens` are those that were to be saved: after a second run of the script a record with them is our own.
result<SaveResult> readSaveReply(const RedisReply& reply, const Tokens& tokens, const std::string& where);
/// Whether the lease was granted.
result<bool> readAcquireReply(const RedisReply& reply, const std::string& where);

}  // namespace wix::detail
