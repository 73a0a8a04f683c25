#include "testing/query_filter.hpp"

#include <algorithm>
#include <locale>
#include <sstream>
#include <string>

#include "testing/http_message.hpp"
#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

enum class Operand { any, array, string, boolean };

struct Operator {
    std::string_view name;
    Operand operand;
};

constexpr Operator operators[] = {
    {"$eq", Operand::any},
    {"$ne", Operand::any},
    {"$gt", Operand::any},
    {"$gte", Operand::any},
    {"$lt", Operand::any},
    {"$lte", Operand::any},
    {"$in", Operand::array},
    {"$nin", Operand::array},
    {"$hasSome", Operand::array},
    {"$hasAll", Operand::array},
    {"$startsWith", Operand::string},
    {"$contains", Operand::string},
    {"$endsWith", Operand::string},
    {"$exists", Operand::boolean},
    {"$isEmpty", Operand::boolean},
};

bool fits(const json::value& value, Operand operand) noexcept {
    switch (operand) {
        case Operand::any:
            return true;
        case Operand::array:
            return value.is_array();
        case Operand::string:
            return value.is_string();
        case Operand::boolean:
            return value.is_bool();
    }
    return false;
}

std::string_view text(const json::value& value) noexcept { return value.get_string(); }

std::optional<double> number(const json::value& value) noexcept {
    if (value.is_int64()) return static_cast<double>(value.get_int64());
    if (value.is_uint64()) return static_cast<double>(value.get_uint64());
    if (value.is_double()) return value.get_double();
    if (!value.is_string()) return std::nullopt;
    // libc++ 19 has no std::from_chars for double.
    const std::string_view digits = text(value);
    if (digits.starts_with('+') || digits.find_first_not_of("0123456789.eE+-") != digits.npos) return std::nullopt;
    std::istringstream stream{std::string(digits)};
    stream.imbue(std::locale::classic());
    double parsed = 0;
    if (!(stream >> parsed) || !stream.eof()) return std::nullopt;
    return parsed;
}

bool equal(const json::value& a, const json::value& b) noexcept {
    if (a.is_array() || a.is_object() || b.is_array() || b.is_object()) return a == b;
    const std::optional<int> order = compareValues(a, b);
    return order && *order == 0;
}

// A scalar operand matches a member of an array field.
bool equalsOrHas(const json::value& field, const json::value& operand) noexcept {
    if (!field.is_array() || operand.is_array()) return equal(field, operand);
    const json::array& members = field.get_array();
    return std::any_of(members.begin(), members.end(), [&](const auto& m) { return equal(m, operand); });
}

bool isEmpty(const json::value& field) noexcept {
    if (field.is_string()) return field.get_string().empty();
    if (field.is_array()) return field.get_array().empty();
    return field.is_null();
}

bool hasSome(const json::value& field, const json::array& operands) noexcept {
    return std::any_of(operands.begin(), operands.end(), [&](const auto& o) { return equalsOrHas(field, o); });
}

bool hasAll(const json::value& field, const json::array& operands) noexcept {
    return std::all_of(operands.begin(), operands.end(), [&](const auto& o) { return equalsOrHas(field, o); });
}

bool contains(std::string_view field, std::string_view part) noexcept {
    const auto same = [](char a, char b) { return equalsIgnoringCase({&a, 1}, {&b, 1}); };
    return std::search(field.begin(), field.end(), part.begin(), part.end(), same) != field.end() || part.empty();
}

bool textMatches(const json::value& field, std::string_view name, std::string_view operand) noexcept {
    if (!field.is_string()) return false;
    const std::string_view whole = text(field);
    if (name == "$contains") return contains(whole, operand);
    if (whole.size() < operand.size()) return false;
    const std::size_t at = name == "$startsWith" ? 0 : whole.size() - operand.size();
    return equalsIgnoringCase(whole.substr(at, operand.size()), operand);
}

bool ordered(const json::value& field, std::string_view name, const json::value& operand) noexcept {
    const std::optional<int> order = compareValues(field, operand);
    if (!order) return false;
    if (name == "$gt") return *order > 0;
    if (name == "$gte") return *order >= 0;
    if (name == "$lt") return *order < 0;
    return *order <= 0;
}

bool applies(const json::value& field, std::string_view name, const json::value& operand) {
    if (name == "$eq") return equalsOrHas(field, operand);
    if (name == "$ne") return !equalsOrHas(field, operand);
    if (name == "$in" || name == "$hasSome") return hasSome(field, operand.as_array());
    if (name == "$nin") return !hasSome(field, operand.as_array());
    if (name == "$hasAll") return hasAll(field, operand.as_array());
    if (name == "$exists") return field.is_null() != operand.as_bool();
    if (name == "$isEmpty") return isEmpty(field) == operand.as_bool();
    if (operand.is_string() && (name == "$startsWith" || name == "$endsWith" || name == "$contains")) {
        return textMatches(field, name, text(operand));
    }
    return ordered(field, name, operand);
}

bool isOperators(const json::value& condition) noexcept {
    return condition.is_object() && !condition.get_object().empty() &&
           condition.get_object().begin()->key().starts_with('$');
}

[[noreturn]] void refuse(std::string_view field, std::string_view description) {
    throw Refusal(validationError("query.filter." + std::string(field), description, "CUSTOM"));
}

void checkCondition(std::string_view field, const json::value& condition) {
    if (!isOperators(condition)) return;
    for (const auto& member : condition.get_object()) {
        const std::string_view name = member.key();
        const auto* known =
            std::find_if(std::begin(operators), std::end(operators), [&](const Operator& o) { return o.name == name; });
        if (known == std::end(operators)) refuse(field, "has an unknown operator " + std::string(name));
        if (!fits(member.value(), known->operand)) refuse(field, "has a wrong operand for " + std::string(name));
    }
}

}  // namespace

bool isKnownField(const FieldNames& fields, std::string_view name) noexcept {
    return std::any_of(fields.begin(), fields.end(), [&](std::string_view known) {
        return known.ends_with('.') ? name.starts_with(known) && name.size() > known.size() : name == known;
    });
}

std::optional<int> compareValues(const json::value& a, const json::value& b) noexcept {
    if (a.is_string() && b.is_string()) {
        const int order = text(a).compare(text(b));
        return (order > 0) - (order < 0);
    }
    if (a.is_bool() && b.is_bool()) return static_cast<int>(a.get_bool()) - static_cast<int>(b.get_bool());
    if (a.is_null() && b.is_null()) return 0;
    const std::optional<double> x = number(a);
    const std::optional<double> y = number(b);
    if (!x || !y) return std::nullopt;
    return (*x > *y) - (*x < *y);
}

void checkFilter(const json::object& filter, const FieldNames& fields) {
    for (const auto& member : filter) {
        const std::string_view name = member.key();
        const json::value& condition = member.value();
        if (name == "$and" || name == "$or") {
            if (!condition.is_array()) refuse(name, "must be an array of filters");
            for (const json::value& part : condition.get_array()) {
                if (!part.is_object()) refuse(name, "must be an array of filters");
                checkFilter(part.get_object(), fields);
            }
        } else if (name == "$not") {
            if (!condition.is_object()) refuse(name, "must be a filter");
            checkFilter(condition.get_object(), fields);
        } else if (name.starts_with('$')) {
            refuse(name, "is an unknown operator");
        } else if (!isKnownField(fields, name)) {
            refuse(name, "is no field to filter by");
        } else {
            checkCondition(name, condition);
        }
    }
}

bool matches(const json::object& record, const json::object& filter) {
    static const json::value absent;
    return std::all_of(filter.begin(), filter.end(), [&](const json::key_value_pair& member) {
        const std::string_view name = member.key();
        const json::value& condition = member.value();
        const auto satisfied = [&](const json::value& part) { return matches(record, part.as_object()); };
        if (name == "$not") return !satisfied(condition);
        if (name == "$and" || name == "$or") {
            const json::array& parts = condition.as_array();
            return name == "$and" ? std::all_of(parts.begin(), parts.end(), satisfied)
                                  : std::any_of(parts.begin(), parts.end(), satisfied);
        }
        const json::value* found = record.if_contains(name);
        const json::value& field = found != nullptr ? *found : absent;
        if (!isOperators(condition)) return equalsOrHas(field, condition);
        const json::object& all = condition.get_object();
        return std::all_of(all.begin(), all.end(), [&](const auto& o) { return applies(field, o.key(), o.value()); });
    });
}

}  // namespace wix::testing::detail
