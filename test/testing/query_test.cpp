#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "testing/catalog.hpp"
#include "testing/query_page.hpp"
#include "testing/wix_error.hpp"

using namespace wix::testing::detail;
namespace json = boost::json;

namespace {

const FieldNames fields = {"id", "name", "price", "visible", "tags", "note", "options."};

const std::vector<json::object>& records() {
    static const std::vector<json::object> made = [] {
        std::vector<json::object> all;
        for (const char* text :
             {R"({"id":"1","name":"Apple","price":3,"visible":true,"tags":["red","green"],"options.Size":["S","M"]})",
              R"({"id":"2","name":"Banana","price":1.5,"visible":true,"tags":["yellow"],"note":""})",
              R"({"id":"3","name":"Cherry","price":9,"visible":false,"tags":["red"],"note":"sour"})",
              R"({"id":"4","name":"apricot","price":3,"visible":true,"tags":[]})"}) {
            all.push_back(json::parse(text).as_object());
        }
        return all;
    }();
    return made;
}

std::string ids(const Page& page) {
    std::string text;
    for (const std::size_t i : page.indexes) text += std::string(records()[i].at("id").as_string());
    return text;
}

Query read(std::string_view body, Paging paging = Paging::offset) {
    return readQuery(json::parse(body).as_object(), paging, fields);
}

std::string found(std::string_view filter) {
    return ids(select(records(), read(R"({"query":{"filter":)" + std::string(filter) + "}}")));
}

std::string violatedField(std::string_view body, Paging paging = Paging::offset) {
    try {
        read(body, paging);
    } catch (const Refusal& refusal) {
        CHECK(refusal.reply().status == 400);
        const json::value reply = json::parse(refusal.reply().body);
        const json::value& first = reply.at("details").at("validationError").at("fieldViolations").at(0);
        return std::string(first.at("field").as_string());
    }
    return "accepted";
}

}  // namespace

TEST_CASE("filters") {
    struct Row {
        std::string_view filter;
        std::string_view expected;
    };
    const Row rows[] = {
        {R"({})", "1234"},
        {R"({"id":"2"})", "2"},
        {R"({"id":{"$eq":"2"}})", "2"},
        {R"({"name":{"$ne":"Apple"}})", "234"},
        {R"({"price":{"$gt":3}})", "3"},
        {R"({"price":{"$gte":3}})", "134"},
        {R"({"price":{"$lt":3}})", "2"},
        {R"({"price":{"$lte":"3.00"}})", "124"},
        {R"({"price":{"$gt":1,"$lt":4}})", "124"},
        {R"({"price":{"$gt":"cheap"}})", ""},
        {R"({"id":{"$in":["1","3","9"]}})", "13"},
        {R"({"id":{"$nin":["1","3"]}})", "24"},
        {R"({"id":{"$hasSome":["4"]}})", "4"},
        {R"({"tags":{"$hasSome":["yellow","green"]}})", "12"},
        {R"({"tags":{"$hasAll":["red","green"]}})", "1"},
        {R"({"tags":"red"})", "13"},
        {R"({"tags":["red"]})", "3"},
        {R"({"options.Size":"M"})", "1"},
        {R"({"name":{"$startsWith":"AP"}})", "14"},
        {R"({"name":{"$contains":"AN"}})", "2"},
        {R"({"name":{"$endsWith":"e"}})", "1"},
        {R"({"note":{"$exists":true}})", "23"},
        {R"({"note":{"$isEmpty":true}})", "124"},
        {R"({"visible":false})", "3"},
        {R"({"$and":[{"visible":true},{"price":3}]})", "14"},
        {R"({"$or":[{"id":"1"},{"id":"2"}]})", "12"},
        {R"({"$not":{"visible":true}})", "3"},
        {R"({"visible":true,"price":3})", "14"},
        {R"("{\"id\":\"2\"}")", "2"},  // Stores V1
        {R"("")", "1234"},
        {R"(null)", "1234"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.filter);
        CHECK(found(row.filter) == row.expected);
    }
}

TEST_CASE("what is wrong with a query is named") {
    struct Row {
        std::string_view body;
        std::string_view field;
    };
    const Row rows[] = {
        {R"({"query":{"filter":{"id":{"$like":"x"}}}})", "query.filter.id"},
        {R"({"query":{"filter":{"colour":"x"}}})", "query.filter.colour"},
        {R"({"query":{"filter":{"options.":"x"}}})", "query.filter.options."},
        {R"({"query":{"filter":{"id":{"$in":"x"}}}})", "query.filter.id"},
        {R"({"query":{"filter":{"name":{"$startsWith":1}}}})", "query.filter.name"},
        {R"({"query":{"filter":{"$xor":[]}}})", "query.filter.$xor"},
        {R"({"query":{"filter":{"$and":{}}}})", "query.filter.$and"},
        {R"({"query":{"filter":{"$or":[1]}}})", "query.filter.$or"},
        {R"({"query":{"filter":{"$not":{"$or":[{"x":1}]}}}})", "query.filter.x"},
        {R"({"query":{"filter":[]}})", "query.filter"},
        {R"({"query":{"filter":"{"}})", "query.filter"},
        {R"({"query":{"sort":{}}})", "query.sort"},
        {R"({"query":{"sort":[1]}})", "query.sort"},
        {R"({"query":{"sort":[{"fieldName":"colour"}]}})", "query.sort.colour"},
        {R"({"query":{"sort":[{"price":"upwards"}]}})", "query.sort.price"},
        {R"({"query":{"paging":{"limit":101}}})", "query.paging.limit"},
        {R"({"query":{"paging":{"offset":-1}}})", "query.paging.offset"},
        {R"({"query":{"paging":{"limit":"many"}}})", "query.paging.limit"},
        {R"({"query":[]})", "query"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.body);
        CHECK(violatedField(row.body) == row.field);
    }
    CHECK(violatedField(R"({"query":{"cursorPaging":{"limit":0}}})", Paging::cursor) == "query.cursorPaging.limit");
    for (const char* cursor : {"x", "%%%", "e30", "bnVsbA"}) {
        CAPTURE(cursor);
        const std::string body = R"({"query":{"cursorPaging":{"cursor":")" + std::string(cursor) + R"("}}})";
        CHECK(violatedField(body, Paging::cursor) == "query.cursorPaging.cursor");
    }
}

TEST_CASE("sorting is stable, and absent fields do not decide") {
    struct Row {
        std::string_view sort;
        std::string_view expected;
    };
    const Row rows[] = {
        {R"([{"fieldName":"price","order":"ASC"}])", "2143"},
        {R"([{"fieldName":"price","order":"DESC"}])", "3142"},
        {R"([{"fieldName":"price"},{"fieldName":"name","order":"DESC"}])", "2413"},
        {R"("[{\"price\":\"desc\"}]")", "3142"},  // Stores V1
    };
    for (const Row& row : rows) {
        CAPTURE(row.sort);
        CHECK(ids(select(records(), read(R"({"query":{"sort":)" + std::string(row.sort) + "}}"))) == row.expected);
    }
}

TEST_CASE("offset paging") {
    const Page page = select(records(), read(R"({"query":{"paging":{"limit":2,"offset":1}}})"));
    CHECK(ids(page) == "23");
    CHECK(page.total == 4);
    CHECK(page.offset == 1);
    CHECK(ids(select(records(), read(R"({"query":{"paging":{"offset":100}}})"))).empty());
    CHECK(ids(select(records(), read(R"({"query":{"paging":{"limit":0}}})"))).empty());
    CHECK(ids(select(records(), read("{}"))) == "1234");
}

TEST_CASE("a cursor carries filter and sort") {
    std::string body = R"({"query":{"filter":{"visible":true},"sort":[{"fieldName":"name","order":"DESC"}],)"
                       R"("cursorPaging":{"limit":2}}})";
    Query query = read(body, Paging::cursor);
    Page page = select(records(), query);
    CHECK(ids(page) == "42");
    json::object metadata = cursorMetadata(query, page);
    CHECK(metadata.at("hasNext") == true);
    CHECK(metadata.at("cursors").at("prev").is_null());
    const std::string next(metadata.at("cursors").at("next").as_string());

    body = R"({"query":{"filter":{"id":"3"},"cursorPaging":{"limit":2,"cursor":")" + next + R"("}}})";
    query = read(body, Paging::cursor);
    page = select(records(), query);
    CHECK(ids(page) == "1");
    metadata = cursorMetadata(query, page);
    CHECK(metadata.at("hasNext") == false);
    CHECK(metadata.at("cursors").at("next").is_null());
    const std::string previous(metadata.at("cursors").at("prev").as_string());

    body = R"({"query":{"cursorPaging":{"limit":2,"cursor":")" + previous + R"("}}})";
    CHECK(ids(select(records(), read(body, Paging::cursor))) == "42");
}

TEST_CASE("the catalogue is consistent") {
    REQUIRE(catalog().size() == recordsV1().size());
    REQUIRE(catalog().size() == recordsV3().size());
    std::size_t soldOut = 0;
    for (const Product& product : catalog()) {
        CAPTURE(product.slug);
        CHECK(findProduct(product.id) == &product);
        CHECK(findProductBySlug(product.slug) == &product);
        CHECK(product.price <= product.fullPrice);
        CHECK_FALSE(product.variants.empty());
        soldOut += product.stock == 0 ? 1 : 0;
        const json::object v1 = productV1(product, Variants::included);
        CHECK(v1.at("variants").as_array().size() == product.variants.size());
        const json::object bare = productV3(product, {}, Variants::omitted);
        CHECK_FALSE(bare.contains("currency"));
        CHECK_FALSE(bare.contains("variantsInfo"));
        CHECK(productV3(product, {"CURRENCY"}, Variants::included).contains("currency"));
    }
    CHECK(soldOut == 1);
}
