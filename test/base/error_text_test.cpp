// The texts that a user reads first.
#include <wix/error.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace wix;

namespace {

std::size_t countOf(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

FieldViolation violation(std::string field, std::string description) {
    FieldViolation made;
    made.field = std::move(field);
    made.description = std::move(description);
    return made;
}

}  // namespace

TEST_CASE("only a request that must not be repeated may have taken effect [D7]") {
    Failure failure(Errc::timeout, "POST https://www.wixapis.com/a, waiting for the answer");
    CHECK(countOf(Error(failure).what(), "taken effect") == 0);
    failure.maybeSent = true;
    CHECK(countOf(Error(failure).what(), "taken effect") == 1);
    failure.repeatable = true;
    CHECK(countOf(Error(failure).what(), "taken effect") == 0);
    CHECK(Error(failure).maybeSent());
}

TEST_CASE("a field violation that the description has is not said twice [D7]") {
    ApiErrorBody body;
    body.status = 400;
    body.description = "lineItems[0].quantity must be at least 1";
    body.fieldViolations.push_back(violation("lineItems[0].quantity", "must be at least 1"));
    body.fieldViolations.push_back(violation("couponCode", "must be a text"));
    const std::string text = ApiError("POST /a", body).what();
    CHECK(countOf(text, "must be at least 1") == 1);
    CHECK(countOf(text, "; couponCode must be a text") == 1);
    // The description of one violation may name another field.
    body.description = "quantity: must be positive";
    body.fieldViolations = {violation("price", "must be positive"), violation("quantity", "")};
    CHECK(countOf(ApiError("POST /a", body).what(), "; price must be positive") == 1);
    CHECK(countOf(ApiError("POST /a", body).what(), "; quantity ") == 1);
}

TEST_CASE("field violations that are left out are counted without those that the description has [D7]") {
    ApiErrorBody body;
    body.status = 400;
    body.description = "f0 is wrong";
    for (int i = 0; i < 8; ++i) body.fieldViolations.push_back(violation("f" + std::to_string(i), "is wrong"));
    const std::string text = ApiError("POST /a", body).what();
    CHECK(countOf(text, "; f") == 5);
    CHECK(countOf(text, "and 2 more") == 1);
    // What was cut from the end of a long description is said.
    body.description = std::string(1'000, 'x') + " f1 is wrong";
    body.fieldViolations = {violation("f1", "is wrong")};
    CHECK(countOf(ApiError("POST /a", body).what(), "; f1 is wrong") == 1);
}

TEST_CASE("each advice is the right one [D7]") {
    const std::string untrusted = make_error_code(Errc::certificate_untrusted).message();
    // caFile, caDirectory and caPem replace the system's store: they are no way to add one authority to it.
    CHECK(untrusted.find("extraCaPem") < untrusted.find("caFile"));
    CHECK(untrusted.find("replace the store") != std::string::npos);
    CHECK(countOf(make_error_code(Errc::storage_damaged).message(), "move it away") == 1);
}
