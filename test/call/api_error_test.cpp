#include "call/api_error.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wix;
using namespace wix::detail;

namespace {

ApiErrorBody read(std::string_view body, int status = 400) { return readApiError(status, body, "id-1"); }

struct Case {
    const char* body;
    const char* code;
    const char* description;
};

void check(const Case& c) {
    CAPTURE(c.body);
    const ApiErrorBody error = read(c.body);
    CHECK(error.code == c.code);
    CHECK(error.description == c.description);
    CHECK(error.status == 400);
    CHECK(error.requestId == "id-1");
}

std::string application(const std::string& inner) {
    return R"({"message":"m","details":{"applicationError":{)" + inner + "}}}";
}

std::string violations(const std::string& inner) {
    return R"({"message":"m","details":{"validationError":{"fieldViolations":)" + inner + "}}}";
}

}  // namespace

TEST_CASE("the application's error wins over everything else") {
    check(
        {R"({"message":"outer","details":{"applicationError":{"code":"OWNED_CART_NOT_FOUND","description":"no cart","data":{}}}})",
         "OWNED_CART_NOT_FOUND", "no cart"});
    check(
        {R"({"errorCode":"E","error":"e","message":"outer","details":{"applicationError":{"code":"A","description":"d"}}})",
         "A", "d"});
    check({R"({"message":"outer","details":{"applicationError":{"code":"A"}}})", "A", "outer"});
    check({R"({"message":"outer","details":{"applicationError":{"description":"d"}}})", "", "d"});
    check({R"({"errorCode":"WDE-1","details":{"applicationError":{"description":"d"}}})", "WDE-1", "d"});
    check({R"({"message":"outer","details":{"applicationError":{}}})", "", "outer"});
}

TEST_CASE("a code is a string or a number, and a number is shown in decimal") {
    for (const auto& [written, shown] : {std::pair("\"X_Y\"", "X_Y"), std::pair("\"-19976\"", "-19976"),
                                         std::pair("404", "404"), std::pair("-2001", "-2001"), std::pair("0", "0"),
                                         std::pair("18446744073709551615", "18446744073709551615")}) {
        CAPTURE(written);
        CHECK(read(application(std::string("\"code\":") + written)).code == shown);
    }
    for (const char* odd : {"null", "true", "[1]", "{}", "\"\""}) {
        CAPTURE(odd);
        CHECK(read(application(std::string("\"code\":") + odd)).code == "");
    }
}

TEST_CASE("the other forms that Wix is known to send") {
    check({R"({"error":"invalid_grant","error_description":"expired"})", "invalid_grant", "expired"});
    check({R"({"message":"Missing header","errorCode":"WDE-1002"})", "WDE-1002", "Missing header"});
    check({R"({"errorCode":-40,"errorDescription":"old form"})", "-40", "old form"});
    check({R"({"message":"only this"})", "", "only this"});
    check({R"({"message":"m","error_description":"e","errorDescription":"d"})", "", "e"});
    check({R"({"message":"m","errorDescription":"d"})", "", "d"});
    check({R"({"message":"","details":{}})", "", ""});
    check({R"({"message":42})", "", "42"});
}

TEST_CASE("what is no error object gives the status alone") {
    for (const char* body : {"", " ", "null", "17", "\"text\"", "[]", R"([{"message":"m"}])", "{", R"({"message":"cut)",
                             R"({"message":"m"} trailing)", "<html><body>SECRET PAGE</body></html>",
                             "upstream connect error", "\xFF\xFE"}) {
        check({body, "", ""});
        CHECK(read(body).fieldViolations.empty());
    }
    CHECK(readApiError(502, "<html>", "").status == 502);
    CHECK(readApiError(502, "<html>", "").requestId == "");
}

TEST_CASE("wrong types are ignored one by one") {
    check({R"({"message":"m","details":null})", "", "m"});
    check({R"({"message":"m","details":[]})", "", "m"});
    check({R"({"message":"m","details":"text"})", "", "m"});
    check({R"({"message":"m","details":{"applicationError":null}})", "", "m"});
    check({R"({"message":"m","details":{"applicationError":"A"}})", "", "m"});
    check({R"({"message":["m"],"error":{"a":1}})", "", ""});
    for (const char* odd : {"null", "{}", "\"a\"", "1"}) CHECK(read(violations(odd)).fieldViolations.empty());
    check({R"({"message":"m","details":{"validationError":[]}})", "", "m"});
}

TEST_CASE("field violations") {
    const ApiErrorBody error = read(violations(
        R"([{"field":"lineItems[0].quantity","description":"must be at least 1","violatedRule":"MIN","ruleName":"x"},
            {"field":"q"}, {}, null, 7, {"description":"d","violatedRule":3}])"));
    REQUIRE(error.fieldViolations.size() == 4);
    CHECK(error.fieldViolations[0].field == "lineItems[0].quantity");
    CHECK(error.fieldViolations[0].description == "must be at least 1");
    CHECK(error.fieldViolations[0].violatedRule == "MIN");
    CHECK(error.fieldViolations[1].field == "q");
    CHECK(error.fieldViolations[1].description == "");
    CHECK(error.fieldViolations[2].field == "");
    CHECK(error.fieldViolations[3].description == "d");
    CHECK(error.fieldViolations[3].violatedRule == "3");
    CHECK(error.description == "m");
    CHECK(error.code == "");
}

TEST_CASE("a body that is nested without end is no error object") {
    std::string deep = R"({"message":"m","data":)";
    deep.append(100'000, '[');
    CHECK(read(deep).description == "");
}

TEST_CASE("what means that the token has expired") {
    struct Row {
        int status;
        const char* body;
        bool expected;
    };
    for (const Row& row : {Row{401, "", true}, Row{401, "<html>", true}, Row{401, R"({"code":"X"})", true},
                           Row{400, R"({"details":{"applicationError":{"code":"WDE0117"}}})", true},
                           Row{400, R"({"errorCode": "WDE0117"})", true}, Row{400, "", false},
                           Row{400, R"({"details":{"applicationError":{"code":"WDE0116"}}})", false},
                           Row{400, R"({"message":"about WDE0117 in a text"})", false},
                           Row{403, R"({"code":"WDE0117"})", false}, Row{200, R"({"code":"WDE0117"})", false},
                           Row{404, R"({"code":"WDE0117"})", false}, Row{500, R"({"code":"WDE0117"})", false}}) {
        CAPTURE(row.status);
        CAPTURE(row.body);
        CHECK(meansExpiredToken(row.status, row.body) == row.expected);
    }
}

TEST_CASE("an error body whose text was cut or is not UTF-8 keeps its code [C9]") {
    check({R"({"message":"Mug \ud83d","errorCode":"E"})", "E", "Mug \xEF\xBF\xBD"});
    check({"{\"message\":\"caf\xE9\",\"errorCode\":\"E\"}", "E", "caf\xEF\xBF\xBD"});
    check({"\xEF\xBB\xBF{\"message\":\"m\",\"errorCode\":\"E\"}", "E", "m"});
    check({R"({"details":{"applicationError":{"code":"A","description":"\udc00"}}})", "A", "\xEF\xBF\xBD"});
    check({"\xFF\xFE{\"errorCode\":\"E\"}", "", ""});
}

TEST_CASE("an error body of more than 64 KiB gives the status alone [C27]") {
    const std::string begin = R"({"errorCode":"E","message":")", end = "\"}";
    const std::string largest(maxErrorBody - begin.size() - end.size(), 'x');
    CHECK(read(begin + largest + end).code == "E");
    CHECK(read(begin + largest + end).description == largest);
    CHECK(read(begin + largest + "x" + end).code == "");
    CHECK(read(begin + largest + "x" + end).description == "");
    CHECK(read(begin + largest + "x" + end, 503).status == 503);
    CHECK(read(begin + largest + "x" + end).requestId == "id-1");
}
