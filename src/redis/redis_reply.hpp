// What Redis answers, and what it means. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <wix/error.hpp>

namespace wix::detail {

/// An answer, in memory of its own.
struct RedisReply {
    enum class Kind { nothing, number, text, error, list };

    RedisReply() = default;
    static RedisReply number(long long value);
    static RedisReply text(std::string value);
    static RedisReply error(std::string value);
    static RedisReply list(std::vector<RedisReply> items);

    bool isText() const noexcept { return kind == Kind::text; }

    Kind kind = Kind::nothing;
    long long value = 0;
    std::string content;            ///< Of a text; of an error, the server's words.
    std::vector<RedisReply> items;  ///< Of a list.
    bool asksAgain = false;         ///< To a command that was sent a second time: the first may have taken effect.
};

/// What an error of the server means: Errc::storage_damaged for a key that holds something else, else
/// Errc::storage_unavailable. The text has the error's first word, such as OOM, and an explanation of ours: the server's
/// own words may repeat arguments, which are secrets.
Failure redisFailure(const std::string& where, std::string_view error);

/// An answer that does not belong to its command.
Failure unexpectedReply(const std::string& where);

}  // namespace wix::detail
