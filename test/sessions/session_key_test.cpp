#include "sessions/session_key.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "support/secrets.hpp"

using namespace wix;
using namespace wix::detail;

TEST_CASE("a visitor's key has 1 to 512 bytes, and is never repeated") {
    CHECK_FALSE(checkVisitorKey("a"));
    CHECK_FALSE(checkVisitorKey(std::string(512, '\0')));
    for (const std::string& bad : {std::string(), std::string(test::plantedSecret) + std::string(512, 'a')}) {
        const auto failure = checkVisitorKey(bad);
        REQUIRE(failure);
        CHECK(failure->code == Errc::invalid_argument);
        test::requireNoSecret(*failure);
    }
}

TEST_CASE("a storage gets visible ASCII") {
    CHECK(storageKeyOf("9f8e-A_b.c/d") == "9f8e-A_b.c/d");
    CHECK(storageKeyOf("a b") == "a%20b");
    CHECK(storageKeyOf("100%") == "100%25");
    CHECK(storageKeyOf(std::string("\0\r\n\x7F\xFF", 5)) == "%00%0D%0A%7F%FF");
}

TEST_CASE("no two keys have the same record") {
    std::set<std::string> seen;
    for (int a = 0; a < 256; ++a)
        for (int b = -1; b < 256; ++b) {
            std::string key(1, static_cast<char>(a));
            if (b >= 0) key.push_back(static_cast<char>(b));
            CHECK(seen.insert(storageKeyOf(key)).second);
        }
    CHECK(seen.insert(storageKeyOf("%41")).second);
    CHECK(seen.insert(storageKeyOf("%2541")).second);
}
