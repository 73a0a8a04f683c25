#include "testing/wix_error.hpp"

#include <boost/json/parse.hpp>

#include <charconv>
#include <cmath>

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

HttpReply validationReply(json::array violations) {
    std::string message = "Request validation failed";
    if (!violations.empty()) {
        const json::object& first = violations.front().as_object();
        message = std::string(first.at("field").as_string()) + " " + std::string(first.at("description").as_string());
    }
    json::object error;
    error["fieldViolations"] = std::move(violations);
    json::object details;
    details["validationError"] = std::move(error);
    json::object body;
    body["message"] = message;
    body["details"] = std::move(details);
    return HttpReply(400, body);
}

json::object violation(std::string_view field, std::string_view description, std::string_view rule) {
    json::object made;
    made["field"] = field;
    made["description"] = description;
    made["violatedRule"] = rule;
    return made;
}

[[noreturn]] void refuseType(std::string_view path, std::string_view name, std::string_view wanted) {
    throw Refusal(validationError(std::string(path) + std::string(name), "must be " + std::string(wanted), "FORMAT"));
}

const json::value* find(const json::object& in, std::string_view name) {
    const json::value* found = in.if_contains(name);
    return found != nullptr && found->is_null() ? nullptr : found;
}

}  // namespace

HttpReply applicationError(int status, std::string_view code, std::string_view description) {
    json::object error;
    error["code"] = code;
    error["description"] = description;
    error["data"] = json::object();
    json::object details;
    details["applicationError"] = std::move(error);
    json::object body;
    body["message"] = description;
    body["details"] = std::move(details);
    return HttpReply(status, body);
}

HttpReply validationError(std::string_view field, std::string_view description, std::string_view rule) {
    json::array violations;
    violations.push_back(violation(field, description, rule));
    return validationReply(std::move(violations));
}

void Violations::add(std::string field, std::string description, std::string rule) {
    found_.push_back(violation(field, description, rule));
}

void Violations::checkRange(std::string field, std::int64_t value, std::int64_t min, std::int64_t max) {
    if (value >= min && value <= max) return;
    const bool low = value < min;
    const std::int64_t threshold = low ? min : max;
    json::object made =
        violation(field, (low ? "must not be less than " : "must not be greater than ") + std::to_string(threshold),
                  low ? "MIN" : "MAX");
    json::object data;
    data["threshold"] = threshold;
    made["data"] = std::move(data);
    found_.push_back(std::move(made));
}

void Violations::refuseIfAny() const {
    if (!found_.empty()) throw Refusal(validationReply(found_));
}

json::object parseBody(std::string_view body) {
    if (body.empty()) return {};
    boost::system::error_code error;
    json::value parsed = json::parse(body, error);
    if (error || !parsed.is_object()) throw Refusal(validationError("body", "is not a JSON object", "FORMAT"));
    return std::move(parsed.as_object());
}

const json::object* objectAt(const json::object& in, std::string_view name, std::string_view path) {
    const json::value* found = find(in, name);
    if (found == nullptr) return nullptr;
    if (!found->is_object()) refuseType(path, name, "an object");
    return &found->get_object();
}

const json::array* arrayAt(const json::object& in, std::string_view name, std::string_view path) {
    const json::value* found = find(in, name);
    if (found == nullptr) return nullptr;
    if (!found->is_array()) refuseType(path, name, "an array");
    return &found->get_array();
}

std::string stringAt(const json::object& in, std::string_view name, std::string_view path) {
    const json::value* found = find(in, name);
    if (found == nullptr) return {};
    if (!found->is_string()) refuseType(path, name, "a string");
    return std::string(found->get_string());
}

bool boolAt(const json::object& in, std::string_view name) {
    const json::value* found = find(in, name);
    if (found == nullptr) return false;
    if (!found->is_bool()) refuseType("", name, "a boolean");
    return found->get_bool();
}

std::int64_t integerAt(const json::object& in, std::string_view name, std::int64_t otherwise, std::string_view path) {
    const json::value* found = find(in, name);
    if (found == nullptr) return otherwise;
    if (found->is_int64()) return found->get_int64();
    if (found->is_double()) {
        // 2.0 is a whole number too; the bound keeps the conversion defined.
        const double number = found->get_double();
        if (std::abs(number) < 9e15 && std::trunc(number) == number) return static_cast<std::int64_t>(number);
    }
    if (found->is_string()) {
        const json::string& text = found->get_string();
        std::int64_t number = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, number);
        if (error == std::errc() && stop == end) return number;
    }
    refuseType(path, name, "a whole number");
}

}  // namespace wix::testing::detail
