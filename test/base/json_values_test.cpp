// JSON in one expression, and the version, as programs write them.
#include <wix/wix.hpp>

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include <array>
#include <list>
#include <ranges>
#include <string>
#include <vector>

using namespace wix;

namespace {

std::string text(const boost::json::value& value) { return boost::json::serialize(value); }

}  // namespace

TEST_CASE("array takes a range of values [D6]") {
    const std::vector<std::string> ids{"a", "b"};
    CHECK(text(array(ids)) == R"(["a","b"])");
    CHECK(text(array(std::vector<std::string>{"m"})) == R"(["m"])");
    CHECK(text(array(std::vector<int>())) == "[]");
    CHECK(text(array(std::list<std::string_view>{"x"})) == R"(["x"])");
    CHECK(text(array(std::array<double, 2>{1.5, -2.5})) == "[1.5E0,-2.5E0]");
    CHECK(text(array(std::vector<bool>{true, false})) == "[true,false]");
    CHECK(text(array(std::vector<std::vector<int>>{{1, 2}, {}})) == "[[1,2],[]]");
    CHECK(text(array(std::views::iota(1, 4))) == "[1,2,3]");
    CHECK(text(array(std::vector<boost::json::value>{1, "a", nullptr})) == R"([1,"a",null])");
    CHECK(text(object("ids", array(ids))) == R"({"ids":["a","b"]})");
}

TEST_CASE("array of JSON values is as before [D6]") {
    CHECK(text(array()) == "[]");
    CHECK(text(array("a", 1, nullptr)) == R"(["a",1,null])");
    CHECK(text(array("abc")) == R"(["abc"])");
    CHECK(text(array(std::string("abc"))) == R"(["abc"])");
    CHECK(text(array(boost::json::array{1, 2})) == "[[1,2]]");
    CHECK(text(array(object("a", 1))) == R"([{"a":1}])");
}

TEST_CASE("the version of the headers is that of CMake [D6]") {
    const std::string parts = std::to_string(WIX_VERSION_MAJOR) + "." + std::to_string(WIX_VERSION_MINOR) + "." +
                              std::to_string(WIX_VERSION_PATCH);
    CHECK(parts == WIX_VERSION_STRING);
    CHECK(parts == WIX_TEST_VERSION);
    CHECK(WIX_VERSION_NUMBER == WIX_VERSION_MAJOR * 10'000 + WIX_VERSION_MINOR * 100 + WIX_VERSION_PATCH);
}
