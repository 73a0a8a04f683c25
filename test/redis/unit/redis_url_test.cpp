#include "redis/redis_url.hpp"

#include <doctest/doctest.h>

#include "support/secrets.hpp"

using namespace wix;
using detail::parseRedisUrl;
using detail::RedisUrl;

namespace {

std::string textOf(const RedisUrl& url) {
    return std::string(url.tls ? "tls " : "") + url.user + "|" + url.password + "|" + url.where() + "|" +
           std::to_string(url.database);
}

}  // namespace

TEST_CASE("redis url: what it is made of") {
    struct Row {
        const char* url;
        const char* parts;
    };
    for (const Row& row :
         {Row{"redis://localhost", "||localhost:6379|0"}, Row{"redis://localhost/", "||localhost:6379|0"},
          Row{"REDIS://db-1.example_x.com:7000/3", "||db-1.example_x.com:7000|3"},
          Row{"redis://:secret@127.0.0.1", "|secret|127.0.0.1:6379|0"},
          Row{"redis://shop:secret@127.0.0.1/65535", "shop|secret|127.0.0.1:6379|65535"},
          Row{"redis://a%3Ab:p%40%2F%25%3a@h", "a:b|p@/%:|h:6379|0"}, Row{"redis://:a:b@h", "|a:b|h:6379|0"},
          Row{"redis://:a@b@h", "|a@b|h:6379|0"}, Row{"redis://:@h", "||h:6379|0"},
          Row{"redis://[::1]:7000", "||[::1]:7000|0"}, Row{"redis://:p@[2001:DB8::1]/1", "|p|[2001:db8::1]:6379|1"},
          Row{"rediss://h:6380", "tls ||h:6380|0"}}) {
        CAPTURE(row.url);
        const auto url = parseRedisUrl(row.url);
        REQUIRE(url.has_value());
        CHECK(textOf(*url) == row.parts);
    }
}

TEST_CASE("redis url: what is wrong is named, and nothing of it is repeated") {
    const std::string secret(test::plantedSecret);
    struct Row {
        std::string url;
        const char* why;
    };
    for (const Row& row : {Row{"", "not an absolute URL"},
                           Row{"localhost:6379", "not an absolute URL"},
                           Row{secret, "not an absolute URL"},
                           Row{"http://localhost", "another scheme"},
                           Row{"unix:///run/redis.sock", "another scheme"},
                           Row{"redis://", "no host"},
                           Row{"redis://:6379", "no host"},
                           Row{"redis://:" + secret + "/x@host", "no host"},
                           Row{"redis://:x#" + secret + "@host", "no host"},
                           Row{"redis://ho st", "no host"},
                           Row{"redis://h\r\nFLUSHALL", "no host"},
                           Row{std::string("redis://h\0x", 11), "no host"},
                           Row{"redis://" + std::string(254, 'a'), "no host"},
                           Row{"redis://[::1", "no host"},
                           Row{"redis://[::x]", "IPv6"},
                           Row{"redis://" + secret + "@host", "without a password"},
                           Row{"redis://" + secret + ":@host", "without a password"},
                           Row{"redis://:" + secret + "%4@host", "percent-escape"},
                           Row{"redis://host:", "port"},
                           Row{"redis://host:0", "port"},
                           Row{"redis://host:65536", "port"},
                           Row{"redis://host:63x", "port"},
                           Row{"redis://host/x", "database"},
                           Row{"redis://host/-1", "database"},
                           Row{"redis://host/65536", "database"},
                           Row{"redis://host/1/2", "database"},
                           Row{"redis://host?db=1", "query"},
                           Row{"redis://host/1#x", "query"}}) {
        CAPTURE(row.why);
        const auto url = parseRedisUrl(row.url);
        REQUIRE(url.has_error());
        CHECK(url.error().code == Errc::invalid_argument);
        CHECK(url.error().context.find(row.why) != std::string::npos);
        CHECK(url.error().context.find(test::plantedSecret) == std::string::npos);
    }
}
