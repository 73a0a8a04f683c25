#include "call/api_error.hpp"

#include <boost/json/serialize.hpp>

#include "base/lenient_json.hpp"

namespace json = boost::json;

namespace wix::detail {
namespace {

const json::object* objectAt(const json::object* in, std::string_view name) {
    const json::value* found = in ? in->if_contains(name) : nullptr;
    return found ? found->if_object() : nullptr;
}

/// A string as it is, a number in decimal: codes come as both.
std::string textAt(const json::object* in, std::string_view name) {
    const json::value* found = in ? in->if_contains(name) : nullptr;
    if (!found) return std::string();
    if (const json::string* text = found->if_string()) return std::string(*text);
    return found->is_number() ? json::serialize(*found) : std::string();
}

std::string firstOf(std::string a, std::string b) { return a.empty() ? std::move(b) : std::move(a); }

}  // namespace

ApiErrorBody readApiError(int status, std::string_view body, std::string_view requestId) {
    ApiErrorBody error;
    error.status = status;
    error.requestId = requestId;
    if (body.size() > maxErrorBody) return error;
    const JsonBody parsed = parseJsonBody(body);
    const json::object* top = parsed.value.if_object();
    const json::object* details = objectAt(top, "details");
    const json::object* application = objectAt(details, "applicationError");
    const json::object* validation = objectAt(details, "validationError");

    error.code = firstOf(firstOf(textAt(application, "code"), textAt(top, "errorCode")), textAt(top, "error"));
    error.description = firstOf(firstOf(textAt(application, "description"), textAt(top, "error_description")),
                                firstOf(textAt(top, "errorDescription"), textAt(top, "message")));
    const json::value* violations = validation ? validation->if_contains("fieldViolations") : nullptr;
    if (!violations || !violations->is_array()) return error;
    for (const json::value& one : violations->get_array()) {
        const json::object* entry = one.if_object();
        if (!entry) continue;
        FieldViolation violation;
        violation.field = textAt(entry, "field");
        violation.description = textAt(entry, "description");
        violation.violatedRule = textAt(entry, "violatedRule");
        error.fieldViolations.push_back(std::move(violation));
    }
    return error;
}

bool meansExpiredToken(int status, std::string_view body) noexcept {
    return status == 401 || (status == 400 && body.find("\"WDE0117\"") != std::string_view::npos);
}

}  // namespace wix::detail
