#include "testing/cart.hpp"

#include <algorithm>
#include <numeric>

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr Cents flatShipping = 500;
constexpr int taxPercent = 8;

std::string textOf(const json::object& in, std::string_view name) {
    const json::value* found = in.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// V1 sends `options{options{Size}}` or `options{variantId}`, V3 `options{variantId, options{}}`.
const Variant* chosenVariant(const Product& product, const json::object& reference) {
    const json::value* given = reference.if_contains("options");
    const json::object none;
    const json::object& options = given != nullptr && given->is_object() ? given->get_object() : none;
    const std::string id = textOf(options, "variantId");
    const json::value* nested = options.if_contains("options");
    const std::string choice =
        nested != nullptr && nested->is_object() ? textOf(nested->get_object(), product.option) : std::string();
    for (const Variant& variant : product.variants) {
        if (!id.empty() ? variant.id == id : variant.choice == choice) return &variant;
    }
    return nullptr;
}

}  // namespace

Cart::Cart(std::string cartId, std::string visitor, Time now)
    : id_(std::move(cartId)), visitorId_(std::move(visitor)), created_(now), updated_(now) {}

void Cart::addCatalogItem(const json::object& catalogReference, std::int64_t quantity) {
    const Product* product = findProduct(textOf(catalogReference, "catalogItemId"));
    if (product == nullptr || textOf(catalogReference, "appId") != storesAppId || product->stock == 0) return;
    const Variant* variant = chosenVariant(*product, catalogReference);
    if (variant == nullptr) return;

    // The stock is shared by a product's variants, so other lines of the product count too.
    std::int64_t held = 0;
    CartLine* same = nullptr;
    for (CartLine& line : lines_) {
        if (line.product != product) continue;
        held += line.quantity;
        if (line.choice == variant->choice) same = &line;
    }
    const std::int64_t added = std::min(quantity, product->stock - held);
    if (added <= 0) return;
    if (same != nullptr) {
        same->quantity += added;
        return;
    }
    CartLine line;
    line.id = nextLineId();
    line.product = product;
    line.name = product->name;
    line.catalogReference = catalogReference;
    line.choice = variant->choice;
    line.quantity = added;
    line.price = product->price;
    line.fullPrice = product->fullPrice;
    lines_.push_back(std::move(line));
}

void Cart::addCustomItem(std::string name, Cents price, std::int64_t quantity) {
    CartLine line;
    line.id = nextLineId();
    line.name = std::move(name);
    line.quantity = quantity;
    line.price = price;
    line.fullPrice = price;
    lines_.push_back(std::move(line));
}

bool Cart::setQuantity(std::string_view lineId, std::int64_t quantity) {
    const auto line = std::find_if(lines_.begin(), lines_.end(), [&](const auto& l) { return l.id == lineId; });
    if (line == lines_.end()) return false;
    if (line->product != nullptr) {
        std::int64_t others = 0;
        for (const CartLine& other : lines_) {
            if (&other != &*line && other.product == line->product) others += other.quantity;
        }
        quantity = std::min(quantity, line->product->stock - others);
    }
    line->quantity = quantity;
    return true;
}

bool Cart::removeLine(std::string_view lineId) {
    return std::erase_if(lines_, [&](const CartLine& line) { return line.id == lineId; }) > 0;
}

bool Cart::applyCoupon(std::string_view code) {
    if (code != knownCoupon) return false;
    coupon_ = code;
    return true;
}

void Cart::updateInfo(const json::object& info) {
    for (const std::string_view name : {"buyerNote", "contactInfo", "selectedShippingOption", "buyerInfo"}) {
        if (const json::value* given = info.if_contains(name)) info_[name] = *given;
    }
}

void Cart::touch(Time now) {
    ++revision_;
    updated_ = now;
}

bool Cart::hasLine(std::string_view lineId) const noexcept {
    return std::any_of(lines_.begin(), lines_.end(), [&](const CartLine& line) { return line.id == lineId; });
}

Totals Cart::totals(const Charges& charges) const {
    Totals totals;
    std::vector<Cents> weights;
    bool physical = false;
    for (const CartLine& line : lines_) {
        weights.push_back(line.price * line.quantity);
        physical = physical || (line.product != nullptr && !line.product->digital);
    }
    totals.subtotal = std::accumulate(weights.begin(), weights.end(), Cents{0});
    totals.discount = coupon_.empty() ? 0 : percentOf(totals.subtotal, couponPercent);
    const std::vector<Cents> discounts = distribute(totals.discount, weights);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        Totals::Line line;
        line.subtotal = weights[i];
        line.discount = discounts[i];
        line.tax = charges.tax ? percentOf(weights[i] - discounts[i], taxPercent) : 0;
        totals.tax += line.tax;
        totals.lines.push_back(line);
    }
    totals.shipping = charges.shipping && physical ? flatShipping : 0;
    totals.total = totals.subtotal - totals.discount + totals.shipping + totals.tax;
    return totals;
}

std::string Cart::nextLineId() {
    std::string number = std::to_string(++lineCounter_);
    return "00000000-0000-0000-0000-" + std::string(12 - std::min<std::size_t>(12, number.size()), '0') + number;
}

}  // namespace wix::testing::detail
