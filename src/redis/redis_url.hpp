// Which Redis server: `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <wix/error.hpp>

namespace wix::detail {

/// A server, and who we are there.
struct RedisUrl {
    RedisUrl() = default;

    /// `host:port`, with IPv6 in brackets: what errors name.
    std::string where() const;

    bool tls = false;
    std::string host;  ///< IPv6 without brackets.
    std::uint16_t port = 6379;
    std::string user;      ///< Empty: the server's default user.
    std::string password;  ///< Secret. Empty: no AUTH is sent.
    unsigned database = 0;
};

/// Errc::invalid_argument says what is wrong, and repeats nothing of the URL: whatever is malformed may be the password.
result<RedisUrl> parseRedisUrl(std::string_view url);

}  // namespace wix::detail
