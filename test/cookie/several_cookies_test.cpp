// Requests with several cookies of one name, in one line or in several.
#include <boost/json/serialize.hpp>

#include "cookie/cookie_cases.hpp"

using namespace wix;
using namespace wix::test;

namespace {

const std::string name = "__Host-wix-session=";

std::string firstOf(const SessionCookie& cookie, const std::vector<std::string_view>& lines) {
    const auto opened = cookie.openFirst(lines, sealedAt);
    return isRefused(opened) ? "refused" : *opened;
}

}  // namespace

TEST_CASE("the cookie is found in any line, behind any stale one [C8]") {
    const SessionCookie cookie = sessionCookie();
    const std::string good = name + cookie.seal("mine", sealedAt);
    const std::string stale = name + cookie.seal("old", sealedAt - cookie.options().maxAge - std::chrono::seconds(1));
    const std::string foreign = name + sessionCookie(CookieOptions(), "csrf").seal("other", sealedAt);
    for (const std::vector<std::string>& lines : std::vector<std::vector<std::string>>{
             {good},
             {"a=b", good},
             {good, "a=b"},
             {"a=b; c=d", "e=f; " + good + "; g=h"},
             {stale + "; " + good},
             {good + "; " + stale},
             {stale, good},
             {good, stale},
             {stale, "", foreign + ";" + stale, good},
             {name + "; " + name + "x; " + good},
             {name + "\"" + good.substr(name.size()) + "\""},
             {stale + " ;  " + name.substr(0, name.size() - 1) + " = " + good.substr(name.size()) + " "},
             {name + std::string(5'000, 'A') + "; " + good}}) {
        const std::vector<std::string_view> views(lines.begin(), lines.end());
        CAPTURE(lines.front());
        CHECK(firstOf(cookie, views) == "mine");
    }
}

TEST_CASE("of several cookies that open the first counts [C8]") {
    const SessionCookie cookie = sessionCookie();
    const std::string one = name + cookie.seal("one", sealedAt), two = name + cookie.seal("two", sealedAt);
    const std::string both = one + "; " + two;
    CHECK(firstOf(cookie, {both}) == "one");
    CHECK(firstOf(cookie, {two, one}) == "two");
}

TEST_CASE("without a cookie that opens the refusal is the same as for one value [C8]") {
    const SessionCookie cookie = sessionCookie();
    const std::string value = cookie.seal("mine", sealedAt);
    const std::string chunks = name.substr(0, name.size() - 1) + ".0=" + value;
    CHECK(firstOf(cookie, {}) == "refused");
    CHECK(firstOf(cookie, {""}) == "refused");
    CHECK(firstOf(cookie, {"x=" + value}) == "refused");
    CHECK(firstOf(cookie, {chunks}) == "refused");                         // a part of a longer cookie has another name
    CHECK(firstOf(cookie, {"__host-wix-session=" + value}) == "refused");  // names differ in case
    const std::string altered = name + value + "A";
    CHECK(firstOf(cookie, {altered, altered}) == "refused");
}

TEST_CASE("findAll returns every value of the name [C8]") {
    const SessionCookie cookie = sessionCookie();
    const std::string lines = name + "a; x=y; " + name + "\"b\"";
    const std::string more = name;
    const std::vector<std::string_view> views{lines, "z=1", more};
    CHECK(cookie.findAll(views) == std::vector<std::string>{"a", "b", ""});
    CHECK(cookie.findAll({}).empty());
    CHECK(cookie.find(lines) == "a");
}

TEST_CASE("sealed and plain tokens are tried as well [C8]") {
    CookieOptions options;
    options.acceptPlainTokens = true;
    const SessionCookie cookie = sessionCookie(options);
    const std::string sealed = name + cookie.sealTokens(tokensOf(50), sealedAt);
    const std::string plain = name + boost::json::serialize(toJson(tokensOf(60)));
    const std::string broken = name + "{}";
    const auto size = [&](const std::vector<std::string_view>& lines) {
        const auto tokens = cookie.openFirstTokens(lines, sealedAt);
        return isRefused(tokens) ? 0 : tokens->accessToken.value.size();
    };
    CHECK(size({broken, sealed}) == 50);
    CHECK(size({broken, plain, sealed}) == 60);
    CHECK(size({sealed, plain}) == 50);
    CHECK(size({broken}) == 0);
    CHECK(size({}) == 0);
}
