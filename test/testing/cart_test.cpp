#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <numeric>

#include "testing/cart.hpp"
#include "testing/money.hpp"

using namespace wix::testing::detail;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const Time start{1'700'000'000s};
constexpr std::string_view mug = "a0000000-0000-4000-8000-000000000001";      // 18.00, 40 in stock
constexpr std::string_view cup = "a0000000-0000-4000-8000-000000000002";      // 9.99 instead of 12.50, 12
constexpr std::string_view board = "a0000000-0000-4000-8000-000000000003";    // 45.00, 3
constexpr std::string_view apron = "a0000000-0000-4000-8000-000000000004";    // 47.20, Size M or L, 8
constexpr std::string_view socks = "a0000000-0000-4000-8000-000000000006";    // sold out
constexpr std::string_view sticker = "a0000000-0000-4000-8000-000000000009";  // 3.33
constexpr std::string_view book = "a0000000-0000-4000-8000-000000000010";     // 9.99, digital

json::object reference(std::string_view item, std::string_view options = "null", std::string_view appId = storesAppId) {
    json::object made;
    made["appId"] = appId;
    made["catalogItemId"] = item;
    made["options"] = json::parse(options);
    return made;
}

Cart emptyCart() { return Cart("cart", "visitor", start); }

std::string amount(const json::value& money) { return std::string(money.at("amount").as_string()); }

}  // namespace

TEST_CASE("cents and decimal strings") {
    CHECK(formatCents(0) == "0.00");
    CHECK(formatCents(5) == "0.05");
    CHECK(formatCents(1250) == "12.50");
    CHECK(formatCents(-199) == "-1.99");
    CHECK(parseCents("12") == 1200);
    CHECK(parseCents("12.5") == 1250);
    CHECK(parseCents("12.05") == 1205);
    for (const char* text : {"", ".5", "1.", "1.234", "-1", "1e3", "1,5", "12345678", " 1"}) {
        CAPTURE(text);
        CHECK_FALSE(parseCents(text));
    }
}

TEST_CASE("percentages round half up, and shares add up") {
    CHECK(percentOf(1005, 10) == 101);
    CHECK(percentOf(1004, 10) == 100);
    struct Row {
        Cents total;
        std::vector<Cents> weights;
        std::vector<Cents> expected;
    };
    const Row rows[] = {
        {100, {1, 1, 1}, {34, 33, 33}},
        {1, {5, 5}, {1, 0}},
        {10, {0, 10}, {0, 10}},
        {0, {3, 4}, {0, 0}},
        {7, {}, {}},
        {7, {0, 0}, {0, 0}},
        {3'000'000'000'000'000,
         {10'000'000'000'000'000, 20'000'000'000'000'000},
         {1'000'000'000'000'000, 2'000'000'000'000'000}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.total);
        CHECK(distribute(row.total, row.weights) == row.expected);
    }
}

TEST_CASE("what can be added") {
    struct Row {
        const char* what;
        json::object reference;
        std::int64_t quantity;
        std::int64_t inCart;  // 0: no line
    };
    const Row rows[] = {
        {"in stock", reference(mug), 2, 2},
        {"capped to the stock", reference(board), 5, 3},
        {"sold out", reference(socks), 1, 0},
        {"unknown product", reference("a0000000-0000-4000-8000-000000000099"), 1, 0},
        {"another app's", reference(mug, "null", "13d21c63-b5ec-5912-8397-c3a5ddb27a97"), 1, 0},
        {"the only variant by id", reference(mug, R"({"variantId":"00000000-0000-0000-0000-000000000000"})"), 1, 1},
        {"another product's variant", reference(mug, R"({"variantId":"b0000000-0000-4000-8000-000000000041"})"), 1, 0},
        {"no choice", reference(apron), 1, 0},
        {"a choice, V1", reference(apron, R"({"options":{"Size":"M"}})"), 1, 1},
        {"a choice that does not exist", reference(apron, R"({"options":{"Size":"XXL"}})"), 1, 0},
        {"a variant, V3", reference(apron, R"({"variantId":"b0000000-0000-4000-8000-000000000042"})"), 1, 1},
        {"options of a wrong type", reference(apron, "7"), 1, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        Cart cart = emptyCart();
        cart.addCatalogItem(row.reference, row.quantity);
        REQUIRE(cart.lines().size() == (row.inCart > 0 ? 1 : 0));
        if (row.inCart > 0) CHECK(cart.lines()[0].quantity == row.inCart);
    }
}

TEST_CASE("the same reference adds to its line; stock is shared by variants") {
    Cart cart = emptyCart();
    cart.addCatalogItem(reference(apron, R"({"options":{"Size":"M"}})"), 3);
    cart.addCatalogItem(reference(apron, R"({"variantId":"b0000000-0000-4000-8000-000000000041"})"), 2);
    REQUIRE(cart.lines().size() == 1);
    CHECK(cart.lines()[0].quantity == 5);
    cart.addCatalogItem(reference(apron, R"({"options":{"Size":"L"}})"), 9);
    REQUIRE(cart.lines().size() == 2);
    CHECK(cart.lines()[1].quantity == 3);
    CHECK(cart.setQuantity(cart.lines()[0].id, 100));
    CHECK(cart.lines()[0].quantity == 5);
}

TEST_CASE("lines have Wix's ids, which are not used again") {
    Cart cart = emptyCart();
    cart.addCatalogItem(reference(mug), 1);
    cart.addCatalogItem(reference(cup), 1);
    CHECK(cart.lines()[1].id == "00000000-0000-0000-0000-000000000002");
    CHECK(cart.removeLine("00000000-0000-0000-0000-000000000002"));
    CHECK_FALSE(cart.removeLine("00000000-0000-0000-0000-000000000002"));
    CHECK_FALSE(cart.setQuantity("00000000-0000-0000-0000-000000000002", 1));
    cart.addCatalogItem(reference(cup), 1);
    CHECK(cart.lines()[1].id == "00000000-0000-0000-0000-000000000003");
}

TEST_CASE("sums add up to the cent") {
    Cart cart = emptyCart();
    cart.addCatalogItem(reference(cup), 3);      // 29.97
    cart.addCatalogItem(reference(sticker), 7);  // 23.31
    cart.addCustomItem("Gift wrap", 199, 1);     //  1.99
    REQUIRE(cart.applyCoupon(knownCoupon));
    CHECK_FALSE(cart.applyCoupon("FREE"));
    Charges charges;
    charges.shipping = true;
    charges.tax = true;
    const Totals totals = cart.totals(charges);
    CHECK(totals.subtotal == 5527);
    CHECK(totals.discount == 553);
    CHECK(totals.shipping == 500);
    Totals::Line sum;
    for (const Totals::Line& line : totals.lines) {
        sum.subtotal += line.subtotal;
        sum.discount += line.discount;
        sum.tax += line.tax;
    }
    CHECK(sum.subtotal == totals.subtotal);
    CHECK(sum.discount == totals.discount);
    CHECK(sum.tax == totals.tax);
    CHECK(totals.total == totals.subtotal - totals.discount + totals.shipping + totals.tax);

    const json::object estimate = estimateJson(cart, charges);
    CHECK(amount(estimate.at("priceSummary").at("subtotal")) == "55.27");
    CHECK(amount(estimate.at("priceSummary").at("total")) == formatCents(totals.total));
    CHECK(estimate.at("calculatedLineItems").as_array().size() == 3);
    cart.removeCoupon();
    CHECK(cart.totals(Charges()).total == 5527);
}

TEST_CASE("only physical goods are shipped") {
    Cart cart = emptyCart();
    cart.addCatalogItem(reference(book), 1);
    Charges charges;
    charges.shipping = true;
    CHECK(cart.totals(charges).total == 999);
}

TEST_CASE("the JSON of a cart") {
    Cart cart = emptyCart();
    cart.addCatalogItem(reference(apron, R"({"options":{"Size":"M"}})"), 2);
    cart.updateInfo(
        json::parse(R"({"buyerNote":"ring twice","currency":"EUR","buyerInfo":{"email":"a@b.example"}})").as_object());
    cart.touch(start + 1s);
    cart.touch(start + 2s);
    const json::object made = cartJson(cart);
    CHECK(made.at("revision") == "2");
    CHECK(made.at("updatedDate") == "2023-11-14T22:13:22.000Z");
    CHECK(made.at("createdDate") == "2023-11-14T22:13:20.000Z");
    CHECK(made.at("buyerNote") == "ring twice");
    CHECK(made.at("currency") == "USD");  // not the visitor's to set
    CHECK(made.at("buyerInfo").at("visitorId") == "visitor");
    CHECK(made.at("buyerInfo").at("email") == "a@b.example");
    const json::value& line = made.at("lineItems").at(0);
    CHECK(amount(line.at("price")) == "47.20");
    CHECK(amount(line.at("fullPrice")) == "59.00");
    CHECK(amount(line.at("lineItemPrice")) == "94.40");
    CHECK(line.at("descriptionLines").at(0).at("plainText").at("original") == "M");
    CHECK(line.at("catalogReference").at("catalogItemId").as_string() == apron);
}
