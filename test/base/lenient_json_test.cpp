#include "base/lenient_json.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include <string>

#include <wix/error.hpp>
#include <wix/response.hpp>

using namespace wix;
using namespace wix::detail;
using namespace std::string_literals;

namespace {

const std::string fffd = "\xEF\xBF\xBD";

/// The member "a" of a parsed body, or the problem in words.
std::string member(const std::string& text) {
    const JsonBody body = parseJsonBody(text);
    switch (body.problem) {
        case JsonProblem::none:
            return std::string(body.value.at("a").as_string());
        case JsonProblem::notJson:
            return "not JSON";
        case JsonProblem::tooManyValues:
            return "too many values";
        case JsonProblem::tooDeep:
            return "too deep";
    }
    return "?";
}

std::string inString(const std::string& bytes) { return member("{\"a\":\"" + bytes + "\"}"); }

boost::system::error_code codeOf(const std::string& body) {
    try {
        static_cast<void>(Response(200, {}, body).json());
        return {};
    } catch (const Error& error) {
        return error.code();
    }
}

/// An array of `elements` zeros.
std::string zeros(std::size_t elements) {
    std::string text = "[0";
    for (std::size_t i = 1; i < elements; ++i) text += ",0";
    return text + "]";
}

}  // namespace

TEST_CASE("half of a surrogate pair becomes U+FFFD [C9]") {
    CHECK(inString(R"(Mug \ud83d)") == "Mug " + fffd);
    CHECK(inString(R"(\ud83d!)") == fffd + "!");
    CHECK(inString(R"(\udE00)") == fffd);
    CHECK(inString(R"(\ud83d\ud83d\ude00)") == fffd + "\xF0\x9F\x98\x80");
    CHECK(inString(R"(\ude00\ud83d)") == fffd + fffd);
    CHECK(inString(R"(\uD83D\n)") == fffd + "\n");
    CHECK(inString(R"(\ud83d\u0041)") == fffd + "A");
    CHECK(inString(R"(\ud83d\\ude00)") == fffd + "\\ude00");
    CHECK(inString(R"(\\ud83d \ud83d)") == "\\ud83d " + fffd);
    CHECK(inString(R"(\\\ud83d)") == "\\" + fffd);
    CHECK(inString(R"(\"\ud83d\")") == "\"" + fffd + "\"");
    CHECK(member(R"({"b\ud83d":1,"a":"kept"})") == "kept");
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD, in the division of the WHATWG [C9]") {
    CHECK(inString("a\xFFz") == "a" + fffd + "z");
    CHECK(inString("\x80") == fffd);
    CHECK(inString("\xC3(") == fffd + "(");
    CHECK(inString("\xE2\x82") == fffd);
    CHECK(inString("\xE2\x82z") == fffd + "z");
    CHECK(inString("\xF0\x9F\x98") == fffd);
    CHECK(inString("\xF0\x9F\x98\xF0\x9F\x98\x80") == fffd + "\xF0\x9F\x98\x80");
    CHECK(inString("\xC0\xAF") == fffd + fffd);                        // overlong
    CHECK(inString("\xE0\x80\xAF") == fffd + fffd + fffd);             // overlong
    CHECK(inString("\xF0\x80\x80\xAF") == fffd + fffd + fffd + fffd);  // overlong
    CHECK(inString("\xED\xA0\xBD") == fffd + fffd + fffd);             // an encoded surrogate (CESU-8)
    CHECK(inString("\xED\xA0\xBD\xED\xB8\x80") == fffd + fffd + fffd + fffd + fffd + fffd);
    CHECK(inString("\xF4\x90\x80\x80") == fffd + fffd + fffd + fffd);  // beyond U+10FFFF
    CHECK(inString("\xF5\x80") == fffd + fffd);
    CHECK(inString("caf\xE9") == "caf" + fffd);  // Latin-1
    CHECK(inString("\xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF") == "\xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF");
}

TEST_CASE("a byte order mark is skipped [C9]") {
    CHECK(member("\xEF\xBB\xBF{\"a\":\"x\"}") == "x");
    CHECK(member("\xEF\xBB\xBF{\"a\":\"\xFF\"}") == fffd);
    CHECK(inString("\xEF\xBB\xBF") == "\xEF\xBB\xBF");  // within a string it is a character
    CHECK(member("\xEF\xBB\xBF\xEF\xBB\xBF{\"a\":\"x\"}") == "not JSON");
    CHECK(member("\xEF\xBB\xBF") == "not JSON");
}

TEST_CASE("what no repair makes JSON is still not JSON [C9]") {
    for (const std::string& text : {""s,
                                    " "s,
                                    "{\"a\":\"x"s,
                                    "{\"a\":\"\\"s,
                                    "{\"a\":\"\\u"s,
                                    "{\"a\":\"\\ud83d"s,
                                    "{\"a\":\"\\ud83d\\"s,
                                    "{\"a\":\"\xE2\x82"s,
                                    "{\"a\":\"\\x\"}"s,
                                    "{\"a\":\"\\ud8\"}"s,
                                    "{\"a\":\"\\ud83d\\u12\"}"s,
                                    "{\"a\":\"\\\xFF\"}"s,
                                    "{\"a\":\"\n\"}"s,
                                    "{\"a\":\"x\"}\xFF"s,
                                    "\xFF{\"a\":\"x\"}"s,
                                    "\\ud83d"s,
                                    "<html>caf\xE9</html>"s,
                                    "\xFF\xFE{\0\"\0a\0\"\0:\0\"\0x\0\"\0}\0"s,
                                    "\xFE\xFF\0{\0\"\0a\0\"\0:\0\"\0x\0\"\0}"s,
                                    "{\0\"\0a\0\"\0:\0\"\0x\0\"\0}\0"s}) {
        CAPTURE(text);
        CHECK(member(text) == "not JSON");
    }
}

TEST_CASE("valid JSON is parsed as it is, and the repaired text is kept only if there is one [C9]") {
    CHECK(parseJsonBody(R"({"a":"\ud83d\ude00"})").repaired.empty());
    CHECK(inString(R"(\ud83d\ude00)") == "\xF0\x9F\x98\x80");
    CHECK(parseJsonBody(R"({"a":"\ud83d"})").repaired == R"({"a":"\ufffd"})");
    CHECK(parseJsonBody("{\"a\":\xFF}").repaired.empty());
    CHECK(inString("\\u0000\x7F") == "\0\x7F"s);
}

TEST_CASE("a repaired text may have fewer members than were written [C9]") {
    const JsonBody body = parseJsonBody("{\"a\xFF\":1,\"a\xFE\":2}");
    REQUIRE(body.problem == JsonProblem::none);
    CHECK(body.value.as_object().size() == 1);
    CHECK(body.repaired == "{\"a" + fffd + "\":1,\"a" + fffd + "\":2}");
}

TEST_CASE("values are counted as they are written [C27]") {
    struct Row {
        const char* text;
        std::size_t values;
    };
    for (const Row& row :
         {Row{"1", 1}, Row{"\"a,b[c{d\"", 1}, Row{"[]", 1}, Row{" [ \n] ", 1}, Row{"{}", 1}, Row{"[1]", 2},
          Row{"[[]]", 2}, Row{"[1,2,3]", 4}, Row{R"({"a":1})", 2}, Row{R"({"a":{"b":[1,"x\",y"]},"c":[]})", 6},
          Row{"[[],[[]],{}]", 5}, Row{R"(["\\",1,"\\\"",2])", 5}}) {
        CAPTURE(row.text);
        CHECK(countJsonValues(row.text) == row.values);
    }
}

TEST_CASE("a body has at most 1 000 000 JSON values [C27]") {
    CHECK(countJsonValues(zeros(maxJsonValues - 1)) == maxJsonValues);
    CHECK(parseJsonBody(zeros(maxJsonValues - 1)).problem == JsonProblem::none);
    CHECK(parseJsonBody(zeros(maxJsonValues)).problem == JsonProblem::tooManyValues);
    CHECK(codeOf(zeros(maxJsonValues)) == Errc::response_too_large);
    // The repair does not evade it, and neither do nested values: this one has 2 000 001 bytes.
    CHECK(parseJsonBody("[\"\xFF\"," + zeros(maxJsonValues).substr(1)).problem == JsonProblem::tooManyValues);
    std::string pairs = "[[]";
    while (pairs.size() < 3 * maxJsonValues - 3) pairs += ",[]";
    CHECK(parseJsonBody(pairs + "]").problem == JsonProblem::none);
    CHECK(parseJsonBody(pairs + ",[]]").problem == JsonProblem::tooManyValues);
    // Many bytes are not many values.
    CHECK(parseJsonBody("[\"" + std::string(4 * maxJsonValues, ',') + "\"]").problem == JsonProblem::none);
}

TEST_CASE("JSON nests at most 128 levels [C27]") {
    const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    CHECK(parseJsonBody(nested(maxJsonDepth)).problem == JsonProblem::none);
    CHECK(parseJsonBody(nested(maxJsonDepth + 1)).problem == JsonProblem::tooDeep);
    CHECK(codeOf(nested(maxJsonDepth)) == boost::system::error_code());
    CHECK(codeOf(nested(maxJsonDepth + 1)) == Errc::response_too_large);
    CHECK(codeOf(std::string(1'000'000, '[')) == Errc::response_too_large);
}

TEST_CASE("a response whose text was cut in an emoji is JSON [C9]") {
    const Response response(200, {}, R"({"name":"Mug \ud83d"})");
    CHECK(boost::json::serialize(response.json()) == "{\"name\":\"Mug " + fffd + "\"}");
    CHECK(Response(200, {}, "").json().is_null());
    CHECK(codeOf("{\"a\":\"\xFF\"") == Errc::response_not_json);
}
