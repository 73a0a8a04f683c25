#include "testing/catalog_routes.hpp"

#include "testing/catalog.hpp"
#include "testing/query_page.hpp"
#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

// A read goes out as GET with its body in `.r`, base64url.
json::object bodyInQuery(const HttpRequest& request) {
    const std::optional<std::string> packed = request.parameter(".r");
    if (!packed) return {};
    const std::optional<std::string> text = base64UrlDecode(*packed);
    if (!text) throw Refusal(validationError(".r", "is not base64url", "FORMAT"));
    return parseBody(*text);
}

json::array productsV1(const Page& page, Variants variants) {
    json::array products;
    for (const std::size_t i : page.indexes) products.push_back(productV1(catalog()[i], variants));
    return products;
}

HttpReply queryV1(const Call& call) {
    const json::object body = parseBody(call.request.body);
    const Query query = readQuery(body, Paging::offset, fieldsV1());
    const Page page = select(recordsV1(), query);
    json::object metadata;
    metadata["items"] = page.indexes.size();
    metadata["offset"] = page.offset;
    json::object answer;
    answer["products"] = productsV1(page, boolAt(body, "includeVariants") ? Variants::included : Variants::omitted);
    answer["metadata"] = std::move(metadata);
    answer["totalResults"] = page.total;
    return HttpReply(200, answer);
}

HttpReply queryPlatformized(const Call& call) {
    const json::object body = bodyInQuery(call.request);
    const Query query = readQuery(body, Paging::offset, fieldsV1());
    const Page page = select(recordsV1(), query);
    json::object metadata;
    metadata["count"] = page.indexes.size();
    metadata["offset"] = page.offset;
    metadata["total"] = page.total;
    metadata["cursors"] = json::object();
    json::object answer;
    answer["products"] = productsV1(page, Variants::included);
    answer["metadata"] = std::move(metadata);
    return HttpReply(200, answer);
}

HttpReply queryV3(const json::object& body) {
    RequestedFields fields;
    if (const json::array* named = arrayAt(body, "fields")) {
        for (const json::value& name : *named) {
            if (name.is_string()) fields.emplace_back(name.get_string());
        }
    }
    const Query query = readQuery(body, Paging::cursor, fieldsV3());
    const Page page = select(recordsV3(), query);
    json::array products;
    // A query with a visitor's token has no variants: they come with get.
    for (const std::size_t i : page.indexes) products.push_back(productV3(catalog()[i], fields, Variants::omitted));
    json::object answer;
    answer["products"] = std::move(products);
    answer["pagingMetadata"] = cursorMetadata(query, page);
    return HttpReply(200, answer);
}

HttpReply oneProduct(json::object product) {
    json::object answer;
    answer["product"] = std::move(product);
    return HttpReply(200, answer);
}

[[noreturn]] void refuseMissing(const std::string& name) {
    throw Refusal(applicationError(404, "PRODUCT_NOT_FOUND", "Product " + name + " not found"));
}

HttpReply getV1(const Call& call) {
    const Product* product = findProduct(call.path[0]);
    if (product == nullptr) refuseMissing(call.path[0]);
    return oneProduct(productV1(*product, Variants::included));
}

HttpReply getV3(const Call& call, const Product* product) {
    if (product == nullptr) refuseMissing(call.path[0]);
    return oneProduct(productV3(*product, call.request.parameters("fields"), Variants::included));
}

}  // namespace

void addCatalogRoutes(Router& router) {
    const auto add = [&](std::string_view method, std::string_view pattern, Handler handler) {
        router.add(Route("products", method, pattern, Access::visitor, Effect::read, std::move(handler)));
    };
    add("POST", "/stores-reader/v1/products/query", queryV1);
    add("POST", "/stores/v1/products/query", queryV1);
    add("GET", "/stores-reader/v1/products/query-platformized", queryPlatformized);
    add("GET", "/stores-reader/v1/products/{}", getV1);
    add("POST", "/stores/v3/products/query", [](const Call& call) { return queryV3(parseBody(call.request.body)); });
    add("GET", "/stores/v3/products/query", [](const Call& call) { return queryV3(bodyInQuery(call.request)); });
    add("GET", "/stores/v3/products/slug/{}",
        [](const Call& call) { return getV3(call, findProductBySlug(call.path[0])); });
    add("GET", "/stores/v3/products/{}", [](const Call& call) { return getV3(call, findProduct(call.path[0])); });
}

}  // namespace wix::testing::detail
