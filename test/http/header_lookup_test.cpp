#include "http/header_lookup.hpp"

#include <doctest/doctest.h>

using namespace wix;
using namespace wix::detail;

TEST_CASE("the lines of a list header are one list, in their order and in any case [C11]") {
    const Headers headers{
        {"Content-Encoding", "identity"}, {"X", "y"}, {"content-encoding", "gzip"}, {"CONTENT-ENCODING", ""}};
    CHECK(findListHeader(headers, "Content-Encoding") == "identity, gzip, ");
    CHECK(findListHeader(headers, "x") == "y");
    CHECK(findListHeader(headers, "Content") == std::nullopt);
    CHECK(findListHeader({}, "x") == std::nullopt);
    CHECK(findListHeader({{"A", ""}}, "a") == "");
}

TEST_CASE("a header that is no list has the value of its first line [C11]") {
    const Headers headers{{"Retry-After", "30"}, {"retry-after", "60"}};
    CHECK(findHeader(headers, "Retry-After") == "30");
}
