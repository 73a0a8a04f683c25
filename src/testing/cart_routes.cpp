#include "testing/cart_routes.hpp"

#include <boost/json/object.hpp>

#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::int64_t maxQuantity = 100'000;
constexpr std::size_t maxLinesPerCall = 100;

Cart& currentCart(Shop& shop, const Call& call) {
    Cart* cart = shop.cartOf(call.visitorId);
    if (cart == nullptr) throw Refusal(applicationError(404, "OWNED_CART_NOT_FOUND", "Cart not found"));
    return *cart;
}

HttpReply cartReply(const Cart& cart) {
    json::object answer;
    answer["cart"] = cartJson(cart);
    return HttpReply(200, answer);
}

std::string at(std::string_view list, std::size_t index, std::string_view member) {
    return std::string(list) + "[" + std::to_string(index) + "]." + std::string(member);
}

const json::object& entryOf(const json::array& list, std::string_view name, std::size_t index) {
    if (!list[index].is_object()) throw Refusal(validationError(name, "must hold objects", "FORMAT"));
    return list[index].get_object();
}

void checkSize(Violations& violations, std::string_view name, std::size_t size) {
    if (size > maxLinesPerCall) violations.add(std::string(name), "must have at most 100 entries", "MAX_SIZE");
}

struct NewLines {
    struct Catalog {
        json::object reference;
        std::int64_t quantity = 0;
    };
    struct Custom {
        std::string name;
        Cents price = 0;
        std::int64_t quantity = 0;
    };
    std::vector<Catalog> catalog;
    std::vector<Custom> custom;
};

void readCatalogLines(const json::array& lines, NewLines& into, Violations& violations) {
    checkSize(violations, "lineItems", lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const json::object& line = entryOf(lines, "lineItems", i);
        NewLines::Catalog made;
        made.quantity = integerAt(line, "quantity", 0, at("lineItems", i, ""));
        violations.checkRange(at("lineItems", i, "quantity"), made.quantity, 1, maxQuantity);
        const std::string path = at("lineItems", i, "catalogReference");
        if (const json::object* reference = objectAt(line, "catalogReference", at("lineItems", i, ""))) {
            made.reference = *reference;
            if (!isGuid(stringAt(*reference, "appId", path + "."))) {
                violations.add(path + ".appId", "must be a GUID", "FORMAT");
            }
            if (stringAt(*reference, "catalogItemId", path + ".").empty()) {
                violations.add(path + ".catalogItemId", "must not be empty", "REQUIRED_FIELD");
            }
        } else {
            violations.add(path, "must not be empty", "REQUIRED_FIELD");
        }
        into.catalog.push_back(std::move(made));
    }
}

void readCustomLines(const json::array& lines, NewLines& into, Violations& violations) {
    checkSize(violations, "customLineItems", lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const json::object& line = entryOf(lines, "customLineItems", i);
        NewLines::Custom made;
        made.quantity = integerAt(line, "quantity", 1, at("customLineItems", i, ""));
        violations.checkRange(at("customLineItems", i, "quantity"), made.quantity, 1, maxQuantity);
        if (const json::object* name = objectAt(line, "productName", at("customLineItems", i, ""))) {
            made.name = stringAt(*name, "original", at("customLineItems", i, "productName."));
        }
        const auto price = parseCents(stringAt(line, "price", at("customLineItems", i, "")));
        if (!price) violations.add(at("customLineItems", i, "price"), "must be a decimal string", "DECIMAL_VALUE");
        made.price = price.value_or(0);
        into.custom.push_back(std::move(made));
    }
}

NewLines readNewLines(const json::object& body) {
    NewLines lines;
    Violations violations;
    if (const json::array* given = arrayAt(body, "lineItems")) readCatalogLines(*given, lines, violations);
    if (const json::array* given = arrayAt(body, "customLineItems")) readCustomLines(*given, lines, violations);
    violations.refuseIfAny();
    return lines;
}

void refuseIfFull(std::size_t have, const NewLines& lines) {
    if (have + lines.catalog.size() + lines.custom.size() <= maxCartLines) return;
    throw Refusal(validationError("lineItems", "a cart has at most 300 lines", "MAX_SIZE"));
}

void addLines(Cart& cart, const NewLines& lines) {
    for (const auto& line : lines.catalog) cart.addCatalogItem(line.reference, line.quantity);
    for (const auto& line : lines.custom) cart.addCustomItem(line.name, line.price, line.quantity);
}

HttpReply add(Shop& shop, const Call& call) {
    const NewLines lines = readNewLines(parseBody(call.request.body));
    if (lines.catalog.empty() && lines.custom.empty()) {
        throw Refusal(validationError("lineItems", "must not be empty", "MIN_SIZE"));
    }
    const Cart* existing = shop.cartOf(call.visitorId);
    refuseIfFull(existing != nullptr ? existing->lines().size() : 0, lines);
    Cart& cart = shop.cartOrNew(call.visitorId, call.now);
    addLines(cart, lines);
    cart.touch(call.now);
    return cartReply(cart);
}

// Checks all lines before the first one changes: a refused call has no effect.
void refuseIfUnknown(const Cart& cart, const std::string& lineId) {
    if (cart.hasLine(lineId)) return;
    throw Refusal(applicationError(404, "LINE_ITEM_NOT_FOUND_IN_CART", "Line item " + lineId + " not found in cart"));
}

HttpReply updateQuantities(Shop& shop, const Call& call) {
    Cart& cart = currentCart(shop, call);
    const json::object body = parseBody(call.request.body);
    const json::array* given = arrayAt(body, "lineItems");
    if (given == nullptr || given->empty()) {
        throw Refusal(validationError("lineItems", "must not be empty", "MIN_SIZE"));
    }
    std::vector<std::pair<std::string, std::int64_t>> wanted;
    Violations violations;
    checkSize(violations, "lineItems", given->size());
    for (std::size_t i = 0; i < given->size(); ++i) {
        const json::object& line = entryOf(*given, "lineItems", i);
        wanted.emplace_back(stringAt(line, "id", at("lineItems", i, "")),
                            integerAt(line, "quantity", 0, at("lineItems", i, "")));
        violations.checkRange(at("lineItems", i, "quantity"), wanted.back().second, 1, maxQuantity);
    }
    violations.refuseIfAny();
    for (const auto& [id, quantity] : wanted) refuseIfUnknown(cart, id);
    for (const auto& [id, quantity] : wanted) cart.setQuantity(id, quantity);
    cart.touch(call.now);
    return cartReply(cart);
}

HttpReply removeLines(Shop& shop, const Call& call) {
    Cart& cart = currentCart(shop, call);
    const json::object body = parseBody(call.request.body);
    const json::array* given = arrayAt(body, "lineItemIds");
    if (given == nullptr || given->empty()) {
        throw Refusal(validationError("lineItemIds", "must not be empty", "MIN_SIZE"));
    }
    std::vector<std::string> ids;
    Violations violations;
    checkSize(violations, "lineItemIds", given->size());
    violations.refuseIfAny();
    for (const json::value& id : *given) {
        if (!id.is_string()) throw Refusal(validationError("lineItemIds", "must hold strings", "FORMAT"));
        ids.emplace_back(id.get_string());
    }
    for (const std::string& id : ids) refuseIfUnknown(cart, id);
    for (const std::string& id : ids) cart.removeLine(id);
    cart.touch(call.now);
    return cartReply(cart);
}

HttpReply update(Shop& shop, const Call& call) {
    Cart& cart = currentCart(shop, call);
    const json::object body = parseBody(call.request.body);
    const json::object* info = objectAt(body, "cartInfo");
    const std::string coupon = stringAt(body, "couponCode");
    const NewLines lines = readNewLines(body);
    refuseIfFull(cart.lines().size(), lines);
    if (!coupon.empty() && !cart.applyCoupon(coupon)) {
        throw Refusal(applicationError(400, "ERROR_COUPON_DOES_NOT_EXIST", "Coupon does not exist"));
    }
    if (info != nullptr) cart.updateInfo(*info);
    addLines(cart, lines);
    cart.touch(call.now);
    return cartReply(cart);
}

HttpReply removeCoupon(Shop& shop, const Call& call) {
    Cart& cart = currentCart(shop, call);
    cart.removeCoupon();
    cart.touch(call.now);
    return cartReply(cart);
}

HttpReply estimate(Shop& shop, const Call& call) {
    const Cart& cart = currentCart(shop, call);
    const json::object body = parseBody(call.request.body);
    Charges charges;
    charges.tax = boolAt(body, "calculateTax");
    charges.shipping = boolAt(body, "calculateShipping") || objectAt(body, "selectedShippingOption") != nullptr ||
                       cart.info().contains("selectedShippingOption");
    return HttpReply(200, estimateJson(cart, charges));
}

HttpReply createCheckout(Shop& shop, const Call& call) {
    Cart& cart = currentCart(shop, call);
    parseBody(call.request.body);
    if (cart.lines().empty()) throw Refusal(applicationError(400, "EMPTY_CHECKOUT", "The cart has no line items"));
    json::object answer;
    answer["checkoutId"] = shop.checkoutOf(cart);
    cart.touch(call.now);
    return HttpReply(200, answer);
}

HttpReply remove(Shop& shop, const Call& call) {
    currentCart(shop, call);
    shop.removeCart(call.visitorId);
    return HttpReply(200, json::object());
}

}  // namespace

void addCartRoutes(Router& router, Shop& shop) {
    const auto route = [&](std::string_view method, const char* pattern, Effect effect, auto handler) {
        router.add(Route("cart", method, pattern, Access::visitor, effect,
                         [&shop, handler](const Call& call) { return handler(shop, call); }));
    };
    route("GET", "/ecom/v1/carts/current", Effect::read,
          [](Shop& s, const Call& call) { return cartReply(currentCart(s, call)); });
    route("PATCH", "/ecom/v1/carts/current", Effect::write, update);
    route("DELETE", "/ecom/v1/carts/current", Effect::write, remove);
    route("POST", "/ecom/v1/carts/current/add-to-cart", Effect::write, add);
    route("POST", "/ecom/v1/carts/current/update-line-items-quantity", Effect::write, updateQuantities);
    route("POST", "/ecom/v1/carts/current/remove-line-items", Effect::write, removeLines);
    route("POST", "/ecom/v1/carts/current/remove-coupon", Effect::write, removeCoupon);
    route("POST", "/ecom/v1/carts/current/estimate-totals", Effect::read, estimate);
    route("POST", "/ecom/v1/carts/current/create-checkout", Effect::write, createCheckout);
}

}  // namespace wix::testing::detail
