#include "redis/redis_reply.hpp"

#include <algorithm>
#include <utility>

namespace wix::detail {
namespace {

struct Meaning {
    std::string_view begin;  // of the error
    const char* explanation;
};

// In Redis 7's words and those of 6, where they differ. The first one that fits counts.
constexpr Meaning meanings[] = {
    {"OOM ", "its memory is full (maxmemory)"},
    {"READONLY ", "it is a replica that takes no writes; connect to the primary"},
    {"LOADING ", "it has just started and is still loading its data"},
    {"MISCONF ", "it cannot save to its disk and takes no writes; see its log"},
    {"NOREPLICAS ", "it has fewer replicas than it wants for a write (min-replicas-to-write)"},
    {"MASTERDOWN ", "it is a replica without a link to its primary"},
    {"CLUSTERDOWN ", "its cluster is down"},
    {"MOVED ", "it is one node of a cluster, and this key belongs to another one; connect to a proxy of the cluster"},
    {"BUSY ", "it is busy with a script that does not end"},
    {"NOAUTH ", "it wants a password; put it into the URL, as in redis://:password@host"},
    {"WRONGPASS ", "it refuses the user or the password"},
    {"NOPERM ", "its access rules do not allow this user a command that sessions need"},
    {"ERR invalid password", "it refuses the password"},
    {"ERR AUTH ", "it has no password for its default user; leave the password out, or name a user"},
    {"ERR Client sent AUTH", "it has no password; leave it out of the URL"},
    {"ERR DB index", "it has no database of that number"},
    {"ERR invalid DB index", "it has no database of that number"},
    {"ERR SELECT is not allowed in cluster mode", "a cluster has database 0 only"},
    {"ERR max number of clients", "it has as many connections as it allows (maxclients)"},
    {"ERR unknown command", "it does not know a command that sessions need; Redis 6 or later is needed"},
    {"ERR operation not permitted", "it wants a password; put it into the URL, as in redis://:password@host"},
};

/// Its first word, if it looks like the code of an error.
std::string_view codeOf(std::string_view error) {
    const std::string_view word = error.substr(0, error.find(' '));
    const bool isCode = !word.empty() && word.size() <= 20 &&
                        std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    return isCode ? word : "an error";
}

}  // namespace

RedisReply RedisReply::number(long long value) {
    RedisReply reply;
    reply.kind = Kind::number;
    reply.value = value;
    return reply;
}

RedisReply RedisReply::text(std::string value) {
    RedisReply reply;
    reply.kind = Kind::text;
    reply.content = std::move(value);
    return reply;
}

RedisReply RedisReply::error(std::string value) {
    RedisReply reply;
    reply.kind = Kind::error;
    reply.content = std::move(value);
    return reply;
}

RedisReply RedisReply::list(std::vector<RedisReply> items) {
    RedisReply reply;
    reply.kind = Kind::list;
    reply.items = std::move(items);
    return reply;
}

Failure redisFailure(const std::string& where, std::string_view error) {
    const std::string text = "Redis at " + where + ": ";
    if (error.starts_with("WRONGTYPE "))
        return Failure(
            Errc::storage_damaged,
            text + "WRONGTYPE, the key of the session holds something else; remove it, or use another prefix");
    std::string said(codeOf(error));
    for (const Meaning& one : meanings)
        if (error.starts_with(one.begin)) {
            said.append(", ").append(one.explanation);
            break;
        }
    return Failure(Errc::storage_unavailable, text + said);
}

Failure unexpectedReply(const std::string& where) {
    return Failure(Errc::storage_unavailable,
                   "Redis at " + where + ": an answer that does not belong to the command; is that a Redis server?");
}

}  // namespace wix::detail
