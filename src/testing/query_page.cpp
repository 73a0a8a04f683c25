#include "testing/query_page.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "testing/encoding.hpp"
#include "testing/http_message.hpp"
#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::int64_t maxLimit = 100;
constexpr std::int64_t maxOffset = 1'000'000'000;

[[noreturn]] void refuse(std::string_view field, std::string_view description, std::string_view rule) {
    throw Refusal(validationError(field, description, rule));
}

// Stores V1 sends a filter and a sort as strings that hold JSON.
json::value unwrapped(const json::object& query, std::string_view name) {
    const json::value* found = query.if_contains(name);
    if (found == nullptr) return {};
    if (!found->is_string()) return *found;
    if (found->get_string().empty()) return {};
    boost::system::error_code error;
    json::value parsed = json::parse(found->get_string(), error);
    if (error) refuse("query." + std::string(name), "is a string that holds no JSON", "FORMAT");
    return parsed;
}

json::object sortEntry(const json::value& given, const FieldNames& fields) {
    if (!given.is_object() || given.get_object().empty()) refuse("query.sort", "must hold objects", "FORMAT");
    const json::object& entry = given.get_object();
    std::string field = stringAt(entry, "fieldName", "query.sort.");
    std::string order = stringAt(entry, "order", "query.sort.");
    if (field.empty()) {  // {"price":"desc"}
        field = entry.begin()->key();
        order = stringAt(entry, field, "query.sort.");
    }
    if (!isKnownField(fields, field)) refuse("query.sort." + field, "is no field to sort by", "CUSTOM");
    const bool descending = equalsIgnoringCase(order, "desc");
    if (!descending && !order.empty() && !equalsIgnoringCase(order, "asc")) {
        refuse("query.sort." + field, "must be ASC or DESC", "CUSTOM");
    }
    json::object made;
    made["fieldName"] = field;
    made["order"] = descending ? "DESC" : "ASC";
    return made;
}

std::size_t readNumber(const json::object& paging, std::string_view name, std::string_view path, std::int64_t min,
                       std::int64_t max, std::int64_t otherwise) {
    const std::int64_t value = integerAt(paging, name, otherwise, path);
    Violations violations;
    violations.checkRange(std::string(path) + std::string(name), value, min, max);
    violations.refuseIfAny();
    return static_cast<std::size_t>(value);
}

std::string encodeCursor(const Query& query, std::size_t offset) {
    json::object state;
    state["filter"] = query.filter;
    state["sort"] = query.sort;
    state["offset"] = offset;
    return base64UrlEncode(json::serialize(state));
}

void decodeCursor(std::string_view cursor, Query& query, const FieldNames& fields) {
    const auto invalid = [] { refuse("query.cursorPaging.cursor", "is no cursor of this API", "CUSTOM"); };
    const std::optional<std::string> text = base64UrlDecode(cursor);
    boost::system::error_code error;
    const json::value state = text ? json::parse(*text, error) : json::value();
    if (error || !state.is_object()) invalid();
    const json::object* filter = objectAt(state.get_object(), "filter");
    const json::array* sort = arrayAt(state.get_object(), "sort");
    const std::int64_t offset = integerAt(state.get_object(), "offset", -1);
    if (filter == nullptr || sort == nullptr || offset < 0 || offset > maxOffset) invalid();
    checkFilter(*filter, fields);
    query.filter = *filter;
    query.sort.clear();
    for (const json::value& entry : *sort) query.sort.push_back(sortEntry(entry, fields));
    query.offset = static_cast<std::size_t>(offset);
}

bool before(const json::object& a, const json::object& b, const json::array& sort) {
    static const json::value absent;
    for (const json::value& entry : sort) {
        const std::string_view field = entry.at("fieldName").as_string();
        const json::value* left = a.if_contains(field);
        const json::value* right = b.if_contains(field);
        const auto order = compareValues(left != nullptr ? *left : absent, right != nullptr ? *right : absent);
        if (!order || *order == 0) continue;
        return entry.at("order").as_string() == "DESC" ? *order > 0 : *order < 0;
    }
    return false;
}

}  // namespace

Query readQuery(const json::object& body, Paging paging, const FieldNames& fields) {
    Query query;
    const json::object* given = objectAt(body, "query");
    if (given == nullptr) return query;

    const json::value filter = unwrapped(*given, "filter");
    if (!filter.is_null() && !filter.is_object()) refuse("query.filter", "must be an object", "FORMAT");
    if (filter.is_object()) query.filter = filter.get_object();
    checkFilter(query.filter, fields);

    const json::value sort = unwrapped(*given, "sort");
    if (!sort.is_null() && !sort.is_array()) refuse("query.sort", "must be an array", "FORMAT");
    if (sort.is_array()) {
        for (const json::value& entry : sort.get_array()) query.sort.push_back(sortEntry(entry, fields));
    }

    if (paging == Paging::offset) {
        if (const json::object* page = objectAt(*given, "paging", "query.")) {
            query.limit = readNumber(*page, "limit", "query.paging.", 0, maxLimit, maxLimit);
            query.offset = readNumber(*page, "offset", "query.paging.", 0, maxOffset, 0);
        }
    } else if (const json::object* page = objectAt(*given, "cursorPaging", "query.")) {
        query.limit = readNumber(*page, "limit", "query.cursorPaging.", 1, maxLimit, maxLimit);
        const std::string cursor = stringAt(*page, "cursor", "query.cursorPaging.");
        if (!cursor.empty()) decodeCursor(cursor, query, fields);
    }
    return query;
}

Page select(const std::vector<json::object>& records, const Query& query) {
    Page page;
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (matches(records[i], query.filter)) page.indexes.push_back(i);
    }
    std::stable_sort(page.indexes.begin(), page.indexes.end(),
                     [&](auto a, auto b) { return before(records[a], records[b], query.sort); });
    page.total = page.indexes.size();
    page.offset = query.offset;
    const std::size_t first = std::min(query.offset, page.total);
    const std::size_t last = std::min(first + query.limit, page.total);
    page.indexes = std::vector<std::size_t>(page.indexes.begin() + static_cast<std::ptrdiff_t>(first),
                                            page.indexes.begin() + static_cast<std::ptrdiff_t>(last));
    return page;
}

json::object cursorMetadata(const Query& query, const Page& page) {
    const std::size_t end = page.offset + page.indexes.size();
    const bool hasNext = end < page.total;
    json::object cursors;
    cursors["next"] = nullptr;
    cursors["prev"] = nullptr;
    if (hasNext) cursors["next"] = encodeCursor(query, end);
    if (page.offset > 0) {
        cursors["prev"] = encodeCursor(query, page.offset > query.limit ? page.offset - query.limit : 0);
    }
    json::object metadata;
    metadata["count"] = page.indexes.size();
    metadata["cursors"] = std::move(cursors);
    metadata["hasNext"] = hasNext;
    return metadata;
}

}  // namespace wix::testing::detail
