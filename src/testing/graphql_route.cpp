#include "testing/graphql_route.hpp"

#include <algorithm>

#include "testing/catalog.hpp"
#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

// The names in a query's text, in order; not a parser.
std::vector<std::string_view> wordsOf(std::string_view text) {
    const auto isNamePart = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    std::vector<std::string_view> words;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && isNamePart(text[i])) continue;
        if (i > begin) words.push_back(text.substr(begin, i - begin));
        begin = i + 1;
    }
    return words;
}

HttpReply errorReply(std::string_view message) {
    json::object error;
    error["message"] = message;
    json::object answer;
    answer["data"] = nullptr;
    answer["errors"] = json::array{std::move(error)};
    return HttpReply(200, answer);
}

HttpReply answer(const Call& call) {
    const json::object body = parseBody(call.request.body);
    const std::string query = stringAt(body, "query");
    objectAt(body, "variables");
    if (query.empty()) throw Refusal(validationError("query", "must not be empty", "REQUIRED_FIELD"));
    const std::string_view text = query;
    const auto brace = text.find('{');
    if (brace == std::string_view::npos) return errorReply("Syntax error: expected a selection");

    const std::vector<std::string_view> words = wordsOf(text.substr(brace));
    const auto named = [&](std::string_view name) {
        return std::find(words.begin(), words.end(), name) != words.end();
    };
    const std::string_view root = named("storesProducts") ? "storesProducts" : "products";
    if (!named(root)) {
        return errorReply("Cannot query field \"" + std::string(words.empty() ? "" : words.front()) + "\"");
    }
    json::array items;
    for (const Product& product : catalog()) {
        json::object item;
        if (named("id")) item["id"] = product.id;
        if (named("name")) item["name"] = product.name;
        if (named("slug")) item["slug"] = product.slug;
        if (named("price")) item["price"] = formatCents(product.price);
        items.push_back(std::move(item));
    }
    json::object list;
    list["items"] = std::move(items);
    json::object data;
    data[root] = std::move(list);
    json::object reply;
    reply["data"] = std::move(data);
    return HttpReply(200, reply);
}

}  // namespace

void addGraphqlRoute(Router& router) {
    router.add(Route("graphql", "POST", "/graphql/alpha", Access::visitor, Effect::read, answer));
}

}  // namespace wix::testing::detail
