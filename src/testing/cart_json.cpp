#include "testing/cart.hpp"

#include <algorithm>

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

json::object translated(std::string_view text) {
    json::object made;
    made["original"] = text;
    made["translated"] = text;
    return made;
}

json::array descriptionLines(const CartLine& line) {
    json::array lines;
    if (line.choice.empty()) return lines;
    json::object made;
    made["name"] = translated(line.product->option);
    made["plainText"] = translated(line.choice);
    lines.push_back(std::move(made));
    return lines;
}

json::object lineJson(const CartLine& line) {
    json::object availability;
    availability["status"] = "AVAILABLE";
    if (line.product != nullptr) availability["quantityAvailable"] = line.product->stock;
    json::object physical;
    if (line.product != nullptr) physical["sku"] = line.product->sku;
    physical["shippable"] = line.product != nullptr && !line.product->digital;
    json::object itemType;
    itemType["preset"] = line.product != nullptr && line.product->digital ? "DIGITAL" : "PHYSICAL";

    json::object made;
    made["id"] = line.id;
    made["quantity"] = line.quantity;
    if (!line.catalogReference.empty()) made["catalogReference"] = line.catalogReference;
    made["productName"] = translated(line.name);
    if (line.product != nullptr) {
        made["url"] = "https://shop.example/product-page/" + std::string(line.product->slug);
    }
    made["price"] = moneyJson(line.price);
    made["fullPrice"] = moneyJson(line.fullPrice);
    made["priceBeforeDiscounts"] = moneyJson(line.price);
    made["lineItemPrice"] = moneyJson(line.price * line.quantity);
    made["descriptionLines"] = descriptionLines(line);
    made["availability"] = std::move(availability);
    made["physicalProperties"] = std::move(physical);
    made["itemType"] = std::move(itemType);
    made["paymentOption"] = "FULL_PAYMENT_ONLINE";
    return made;
}

json::array appliedDiscounts(const Cart& cart) {
    json::array discounts;
    if (cart.coupon().empty()) return discounts;
    json::object coupon;
    coupon["code"] = cart.coupon();
    coupon["name"] = std::to_string(couponPercent) + "% off";
    coupon["amount"] = moneyJson(cart.totals(Charges()).discount);
    json::object discount;
    discount["discountType"] = "GLOBAL";
    discount["coupon"] = std::move(coupon);
    discounts.push_back(std::move(discount));
    return discounts;
}

json::object priceSummary(const Totals& totals) {
    json::object summary;
    summary["subtotal"] = moneyJson(totals.subtotal);
    summary["shipping"] = moneyJson(totals.shipping);
    summary["tax"] = moneyJson(totals.tax);
    summary["discount"] = moneyJson(totals.discount);
    summary["additionalFees"] = moneyJson(0);
    summary["total"] = moneyJson(totals.total);
    return summary;
}

}  // namespace

json::object cartJson(const Cart& cart) {
    json::array lines;
    for (const CartLine& line : cart.lines()) lines.push_back(lineJson(line));
    json::object buyer;
    if (const json::value* given = cart.info().if_contains("buyerInfo"); given != nullptr && given->is_object()) {
        buyer = given->get_object();
    }
    buyer["visitorId"] = cart.visitorId();

    json::object made;
    made["id"] = cart.id();
    made["lineItems"] = std::move(lines);
    for (const auto& member : cart.info()) {
        if (member.key() != "buyerInfo") made[member.key()] = member.value();
    }
    made["buyerInfo"] = std::move(buyer);
    made["currency"] = siteCurrency;
    made["conversionCurrency"] = siteCurrency;
    made["paymentCurrency"] = siteCurrency;
    made["buyerLanguage"] = "en";
    made["siteLanguage"] = "en";
    made["taxIncludedInPrices"] = false;
    made["weightUnit"] = "KG";
    if (!cart.checkoutId().empty()) made["checkoutId"] = cart.checkoutId();
    made["appliedDiscounts"] = appliedDiscounts(cart);
    made["revision"] = std::to_string(cart.revision());
    made["createdDate"] = formatTime(cart.created());
    made["updatedDate"] = formatTime(cart.updated());
    return made;
}

json::object estimateJson(const Cart& cart, const Charges& charges) {
    const Totals totals = cart.totals(charges);
    json::array lines;
    for (std::size_t i = 0; i < totals.lines.size(); ++i) {
        const Totals::Line& sums = totals.lines[i];
        const CartLine& line = cart.lines()[i];
        json::object prices;
        prices["price"] = moneyJson(line.price);
        prices["fullPrice"] = moneyJson(line.fullPrice);
        prices["lineItemPrice"] = moneyJson(sums.subtotal);
        prices["discount"] = moneyJson(sums.discount);
        prices["totalPriceBeforeTax"] = moneyJson(sums.subtotal - sums.discount);
        prices["totalPriceAfterTax"] = moneyJson(sums.subtotal - sums.discount + sums.tax);
        json::object made;
        made["lineItemId"] = line.id;
        made["pricesBreakdown"] = std::move(prices);
        lines.push_back(std::move(made));
    }
    json::object tax;
    tax["totalTax"] = moneyJson(totals.tax);

    json::object answer;
    answer["cart"] = cartJson(cart);
    answer["calculatedLineItems"] = std::move(lines);
    answer["priceSummary"] = priceSummary(totals);
    answer["taxSummary"] = std::move(tax);
    answer["appliedDiscounts"] = appliedDiscounts(cart);
    answer["additionalFees"] = json::array();
    answer["calculationErrors"] = json::object();
    answer["violations"] = json::array();
    answer["currency"] = siteCurrency;
    answer["weightUnit"] = "KG";
    answer["payNow"] = priceSummary(totals);
    return answer;
}

}  // namespace wix::testing::detail
