#include "redis/redis_record.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "support/secrets.hpp"

using namespace wix;
using namespace wix::detail;

namespace {

const std::string where = "host:6379";
const Tokens tokens(AccessToken("OauthNG.JWS.access", {}), RefreshToken("IST.refresh", TokenRole::visitor));

RedisReply text(std::string value) { return RedisReply::text(std::move(value)); }
RedisReply json(const Tokens& of = tokens) { return text(boost::json::serialize(toJson(of))); }
template <class... Items>
RedisReply list(Items... items) {
    return RedisReply::list(std::vector<RedisReply>{std::move(items)...});
}
const RedisReply nothing;

template <class T>
boost::system::error_code codeOf(const result<T>& outcome) {
    if (!outcome.has_error()) return boost::system::error_code();
    test::requireNoSecret(outcome.error());
    CHECK(outcome.error().context.find(where) != std::string::npos);
    return outcome.error().code;
}

}  // namespace

TEST_CASE("redis record: the keys of a session stay together in a cluster") {
    CHECK(recordKey("wix:session:", "client/key") == "wix:session:{client/key}");
    CHECK(leaseKey("wix:session:", "client/key") == "wix:session:{client/key}:lease");
}

TEST_CASE("redis record: what a load finds") {
    CHECK_FALSE(readLoadReply(list(nothing, nothing), where)->has_value());
    const auto found = readLoadReply(list(text("1700000000000000"), json()), where);
    REQUIRE(found.has_value());
    CHECK((*found)->version == 1'700'000'000'000'000);
    CHECK((*found)->tokens == tokens);
}

TEST_CASE("redis record: what is no session is damage, and is not repeated") {
    for (const RedisReply& reply :
         {list(text("1"), nothing), list(nothing, json()), list(text(""), json()), list(text("0"), json()),
          list(text("-1"), json()), list(text("1.5"), json()), list(text("1x"), json()),
          list(text("9007199254740991"), json()), list(text("99999999999999999999"), json()), list(text("1"), text("")),
          list(text("1"), text("JWS.x")), list(text("1"), text("{}")), list(RedisReply::number(1), json()),
          list(text("1"), text(R"({"accessToken":"JWS.x","refreshToken":7})"))})
        CHECK(codeOf(readLoadReply(reply, where)) == Errc::storage_damaged);
    CHECK(readLoadReply(list(text("9007199254740990"), json()), where)->has_value());
}

TEST_CASE("redis record: an answer of another shape comes from another server") {
    for (const RedisReply& reply :
         {nothing, text("OK"), RedisReply::number(1), list(), list(nothing), list(nothing, nothing, nothing)}) {
        CHECK(codeOf(readLoadReply(reply, where)) == Errc::storage_unavailable);
        CHECK(codeOf(readSaveReply(reply, tokens, where)) == Errc::storage_unavailable);
    }
    for (const RedisReply& reply : {list(text("saved")), list(text("saved"), text("x")), list(text("saved"), nothing),
                                    list(text("conflict"), nothing, nothing, nothing), list(text("JWS.x"))})
        CHECK(codeOf(readSaveReply(reply, tokens, where)) == Errc::storage_unavailable);
    for (const RedisReply& reply : {nothing, text("1"), list()})
        CHECK(codeOf(readAcquireReply(reply, where)) == Errc::storage_unavailable);
}

TEST_CASE("redis record: what becomes of a save") {
    const auto saved = readSaveReply(list(text("saved"), text("7")), tokens, where);
    CHECK(saved->isSaved());
    CHECK(saved->version() == 7);
    const auto gone = readSaveReply(list(text("conflict")), tokens, where);
    CHECK_FALSE(gone->isSaved());
    CHECK(gone->version() == 0);
    Tokens others = tokens;
    others.accessToken.value = "another";
    const auto conflict = readSaveReply(list(text("conflict"), text("8"), json(others)), tokens, where);
    CHECK_FALSE(conflict->isSaved());
    CHECK(conflict->version() == 8);
    CHECK(conflict->current().tokens == others);
    CHECK(codeOf(readSaveReply(list(text("damaged")), tokens, where)) == Errc::storage_damaged);
    CHECK(codeOf(readSaveReply(list(text("conflict"), text("x"), json()), tokens, where)) == Errc::storage_damaged);
}

TEST_CASE("redis record: a save whose answer was lost finds its own record and is done") {
    RedisReply own = list(text("conflict"), text("8"), json());
    CHECK_FALSE(readSaveReply(own, tokens, where)->isSaved());  // the first time it is somebody else's
    own.asksAgain = true;
    CHECK(readSaveReply(own, tokens, where)->isSaved());
    CHECK(readSaveReply(own, tokens, where)->version() == 8);
    Tokens others = tokens;
    others.refreshToken.value = "another";
    CHECK_FALSE(readSaveReply(own, others, where)->isSaved());
}

TEST_CASE("redis reply: errors are explained in our words, since the server's may repeat a secret") {
    struct Row {
        const char* error;
        const char* said;
    };
    for (const Row& row :
         {Row{"OOM command not allowed when used memory > 'maxmemory'.", "OOM, its memory is full"},
          Row{"READONLY You can't write against a read only replica.", "READONLY, it is a replica"},
          Row{"LOADING Redis is loading the dataset in memory", "LOADING, it has just started"},
          Row{"MISCONF Redis is configured to save RDB snapshots", "MISCONF, it cannot save"},
          Row{"NOREPLICAS Not enough good replicas to write.", "NOREPLICAS, it has fewer"},
          Row{"NOAUTH Authentication required.", "NOAUTH, it wants a password"},
          Row{"WRONGPASS invalid username-password pair or user is disabled.", "WRONGPASS, it refuses"},
          Row{"ERR invalid password", "ERR, it refuses the password"},
          Row{"ERR AUTH <password> called without any password configured", "ERR, it has no password"},
          Row{"ERR DB index is out of range", "ERR, it has no database"},
          Row{"ERR max number of clients reached", "ERR, it has as many connections"},
          Row{"ERR q7ZcAnArYx3 something", "host:6379: ERR"}, Row{"q7ZcAnArYx3 x", "host:6379: an error"},
          Row{"", "host:6379: an error"}, Row{"OOMq7ZcAnArYx3", "host:6379: an error"}}) {
        CAPTURE(row.said);
        const Failure failure = redisFailure(where, row.error);
        CHECK(failure.code == Errc::storage_unavailable);
        CHECK(failure.context.find(row.said) != std::string::npos);
        test::requireNoSecret(failure);
    }
    CHECK(redisFailure(where, "WRONGTYPE Operation against a key").code == Errc::storage_damaged);
}
