#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <vector>

#include "testing/tokens.hpp"

using namespace wix::testing::detail;
using wix::testing::Rotation;
using namespace std::chrono_literals;

namespace {

const std::string clientId = "11111111-2222-3333-4444-555555555555";
const std::string otherClient = "99999999-2222-3333-4444-555555555555";
const Time start{1'700'000'000s};

std::vector<std::string> parts(const std::string& token) {
    std::vector<std::string> found(1);
    for (const char c : token) {
        if (c == '.')
            found.emplace_back();
        else
            found.back().push_back(c);
    }
    return found;
}

boost::json::value claims(const std::string& part) { return boost::json::parse(*base64UrlDecode(part)); }

}  // namespace

TEST_CASE("tokens have Wix's shape, size and claims") {
    Tokens tokens(1);
    const IssuedTokens issued = tokens.issueAnonymous(clientId, start);
    CHECK(issued.expiresIn == 14'400s);

    const auto access = parts(issued.access);
    REQUIRE(access.size() == 5);
    CHECK(access[0] == "OauthNG");
    CHECK(access[1] == "JWS");
    CHECK(issued.access.size() > 700);
    CHECK(issued.access.size() < 900);
    CHECK(claims(access[2]).at("alg") == "HS256");
    const auto payload = claims(access[3]);
    CHECK(payload.at("exp").as_int64() - payload.at("iat").as_int64() == 14'400);
    const auto data = boost::json::parse(payload.at("data").as_string());
    CHECK(data.at("instance").at("aid").as_string() == tokens.holderOf(issued.access, start)->visitorId);

    const auto refresh = parts(issued.refresh);
    REQUIRE(refresh.size() == 4);
    CHECK(refresh[0] == "JWS");
    CHECK(issued.refresh.size() > 180);
    CHECK(issued.refresh.size() < 230);
    const auto life = claims(refresh[2]);
    CHECK(life.at("exp").as_int64() - life.at("iat").as_int64() == 31'536'000);
}

TEST_CASE("every token is unique, also within one second") {
    Tokens tokens(1);
    std::vector<std::string> all;
    for (int i = 0; i < 20; ++i) {
        IssuedTokens issued = tokens.issueAnonymous(clientId, start);
        all.push_back(tokens.renew(issued.refresh, clientId, start)->access);
        all.push_back(issued.access);
        all.push_back(issued.refresh);
    }
    std::sort(all.begin(), all.end());
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
    CHECK(tokens.visitors() == 20);
    CHECK(tokens.issued().at("anonymous") == 20);
    CHECK(tokens.issued().at("refresh_token") == 20);
}

TEST_CASE("an access token ends with its lifetime, a refresh token after a year") {
    Tokens tokens(1);
    tokens.setLifetime(10s);
    const IssuedTokens issued = tokens.issueAnonymous(clientId, start);
    CHECK(issued.expiresIn == 10s);
    CHECK(tokens.holderOf(issued.access, start + 9'999ms));
    CHECK_FALSE(tokens.holderOf(issued.access, start + 10s));
    CHECK_FALSE(tokens.holderOf("OauthNG.JWS.a.b.c", start));
    CHECK_FALSE(tokens.holderOf(issued.refresh, start));
    CHECK(tokens.renew(issued.refresh, clientId, start + 31'535'999s));
    CHECK_FALSE(tokens.renew(issued.refresh, clientId, start + 31'536'000s));
}

TEST_CASE("a renewal keeps the visitor") {
    Tokens tokens(1);
    const IssuedTokens issued = tokens.issueAnonymous(clientId, start);
    const std::string visitor = tokens.holderOf(issued.access, start)->visitorId;

    SUBCASE("without rotation there is no refresh token in the answer") {
        const auto renewed = tokens.renew(issued.refresh, clientId, start + 5s);
        REQUIRE(renewed);
        CHECK(renewed->refresh.empty());
        CHECK(tokens.holderOf(renewed->access, start + 5s)->visitorId == visitor);
        CHECK(tokens.renew(issued.refresh, clientId, start + 6s));
    }
    SUBCASE("or the same one") {
        tokens.setRefreshTokenInReply(true);
        CHECK(tokens.renew(issued.refresh, clientId, start)->refresh == issued.refresh);
    }
    SUBCASE("the client id may be left out but not be another's") {
        CHECK(tokens.renew(issued.refresh, "", start));
        CHECK_FALSE(tokens.renew(issued.refresh, otherClient, start));
    }
    SUBCASE("an access token is no refresh token") { CHECK_FALSE(tokens.renew(issued.access, clientId, start)); }
}

TEST_CASE("rotation") {
    Tokens tokens(1);
    const IssuedTokens first = tokens.issueAnonymous(clientId, start);

    SUBCASE("without grace a retired token is refused, the new one stays good") {
        tokens.setRotation(Rotation(true, 0s));
        const auto second = tokens.renew(first.refresh, clientId, start);
        REQUIRE(second);
        CHECK(second->refresh != first.refresh);
        CHECK_FALSE(tokens.renew(first.refresh, clientId, start));
        CHECK(tokens.renew(second->refresh, clientId, start));
    }
    SUBCASE("within the grace the retired one gives the same pair") {
        tokens.setRotation(Rotation(true, 10s));
        const auto second = tokens.renew(first.refresh, clientId, start);
        const auto again = tokens.renew(first.refresh, clientId, start + 9'999ms);
        REQUIRE(again);
        CHECK(again->access == second->access);
        CHECK(again->refresh == second->refresh);
        CHECK(again->expiresIn == 14'400s - 9s);
        CHECK_FALSE(tokens.renew(first.refresh, clientId, start + 10s));
        CHECK(tokens.renew(second->refresh, clientId, start + 11s));
    }
    SUBCASE("the grace is for the latest retired one only") {
        tokens.setRotation(Rotation(true, 10s));
        const auto second = tokens.renew(first.refresh, clientId, start);
        CHECK(tokens.renew(second->refresh, clientId, start + 1s));
        CHECK_FALSE(tokens.renew(first.refresh, clientId, start + 2s));
    }
    SUBCASE("reuse can revoke the session") {
        tokens.setRotation(Rotation(true, 0s, true));
        const auto second = tokens.renew(first.refresh, clientId, start);
        CHECK_FALSE(tokens.renew(first.refresh, clientId, start));
        CHECK_FALSE(tokens.renew(second->refresh, clientId, start));
        CHECK_FALSE(tokens.holderOf(second->access, start));
    }
}

TEST_CASE("expiring and revoking") {
    Tokens tokens(1);
    const IssuedTokens a = tokens.issueAnonymous(clientId, start);
    const IssuedTokens b = tokens.issueAnonymous(clientId, start);
    const std::string visitor = tokens.holderOf(a.access, start)->visitorId;

    SUBCASE("access tokens only") {
        tokens.expireAccess();
        CHECK_FALSE(tokens.holderOf(a.access, start));
        CHECK(tokens.renew(a.refresh, clientId, start));
    }
    SUBCASE("one visitor") {
        tokens.revoke(visitor);
        CHECK_FALSE(tokens.holderOf(a.access, start));
        CHECK_FALSE(tokens.renew(a.refresh, clientId, start));
        CHECK(tokens.holderOf(b.access, start));
        CHECK(tokens.renew(b.refresh, clientId, start));
    }
    SUBCASE("all") {
        tokens.revokeAll();
        CHECK_FALSE(tokens.holderOf(b.access, start));
        CHECK_FALSE(tokens.renew(b.refresh, clientId, start));
        CHECK_FALSE(tokens.inspect(b.refresh, start));
        CHECK(tokens.holderOf(tokens.issueAnonymous(clientId, start).access, start));
    }
}

TEST_CASE("inspect knows both kinds") {
    Tokens tokens(1);
    const IssuedTokens issued = tokens.issueAnonymous(clientId, start);
    CHECK(tokens.inspect(issued.access, start)->clientId == clientId);
    CHECK(tokens.inspect(issued.refresh, start)->visitorId == tokens.inspect(issued.access, start)->visitorId);
    CHECK_FALSE(tokens.inspect("nonsense", start));
}
