// What FakeWixOptions::stateFile keeps: visitors, tokens, carts and checkouts.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include "testing/core.hpp"
#include "testing/state_file.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::int64_t format = 1;

json::value saveTime(Time time) { return time.time_since_epoch().count(); }
Time timeAt(const json::object& in, std::string_view name) {
    return Time(std::chrono::milliseconds(in.at(name).as_int64()));
}
std::string textAt(const json::object& in, std::string_view name) { return std::string(in.at(name).as_string()); }
std::uint64_t countAt(const json::object& in, std::string_view name) { return in.at(name).to_number<std::uint64_t>(); }

json::object saveHolder(const TokenHolder& holder) {
    json::object saved;
    saved["visitor"] = holder.visitorId;
    saved["client"] = holder.clientId;
    saved["issued"] = saveTime(holder.issued);
    saved["expires"] = saveTime(holder.expires);
    return saved;
}
TokenHolder loadHolder(const json::object& saved) {
    TokenHolder holder;
    holder.visitorId = textAt(saved, "visitor");
    holder.clientId = textAt(saved, "client");
    holder.issued = timeAt(saved, "issued");
    holder.expires = timeAt(saved, "expires");
    return holder;
}

json::object saveLine(const CartLine& line) {
    json::object saved;
    saved["id"] = line.id;
    if (line.product != nullptr) saved["product"] = line.product->id;
    saved["name"] = line.name;
    saved["reference"] = line.catalogReference;
    saved["choice"] = line.choice;
    saved["quantity"] = line.quantity;
    saved["price"] = line.price;
    saved["fullPrice"] = line.fullPrice;
    return saved;
}
CartLine loadLine(const json::object& saved) {
    CartLine line;
    line.id = textAt(saved, "id");
    if (saved.contains("product")) {
        line.product = findProduct(textAt(saved, "product"));
        if (line.product == nullptr) throw std::runtime_error("an unknown product");
    }
    line.name = textAt(saved, "name");
    line.catalogReference = saved.at("reference").as_object();
    line.choice = textAt(saved, "choice");
    line.quantity = saved.at("quantity").as_int64();
    line.price = saved.at("price").as_int64();
    line.fullPrice = saved.at("fullPrice").as_int64();
    return line;
}

}  // namespace

json::object saveCart(const Cart& cart) {
    json::array lines;
    for (const CartLine& line : cart.lines_) lines.push_back(saveLine(line));
    json::object saved;
    saved["id"] = cart.id_;
    saved["visitor"] = cart.visitorId_;
    saved["lines"] = std::move(lines);
    saved["coupon"] = cart.coupon_;
    saved["info"] = cart.info_;
    saved["checkout"] = cart.checkoutId_;
    saved["lineCounter"] = cart.lineCounter_;
    saved["revision"] = cart.revision_;
    saved["created"] = saveTime(cart.created_);
    saved["updated"] = saveTime(cart.updated_);
    return saved;
}

Cart loadCart(const json::object& saved) {
    Cart cart(textAt(saved, "id"), textAt(saved, "visitor"), timeAt(saved, "created"));
    for (const json::value& line : saved.at("lines").as_array()) cart.lines_.push_back(loadLine(line.as_object()));
    cart.coupon_ = textAt(saved, "coupon");
    cart.info_ = saved.at("info").as_object();
    cart.checkoutId_ = textAt(saved, "checkout");
    cart.lineCounter_ = countAt(saved, "lineCounter");
    cart.revision_ = countAt(saved, "revision");
    cart.updated_ = timeAt(saved, "updated");
    return cart;
}

json::object Shop::save() const {
    json::array carts;
    for (const auto& [visitor, cart] : carts_) carts.push_back(saveCart(cart));
    json::object checkouts;
    for (const auto& [checkout, visitor] : checkouts_) checkouts[checkout] = visitor;
    json::object saved;
    saved["carts"] = std::move(carts);
    saved["checkouts"] = std::move(checkouts);
    return saved;
}

void Shop::load(const json::object& saved) {
    for (const json::value& entry : saved.at("carts").as_array()) {
        Cart cart = loadCart(entry.as_object());
        const std::string visitor = cart.visitorId();
        carts_.insert_or_assign(visitor, std::move(cart));
    }
    for (const auto& entry : saved.at("checkouts").as_object())
        checkouts_[std::string(entry.key())] = std::string(entry.value().as_string());
}

json::object Tokens::save() const {
    json::object access;
    for (const auto& [token, holder] : access_) access[token] = saveHolder(holder);
    json::object refresh;
    for (const auto& [token, entry] : refresh_) {
        json::object saved;
        saved["family"] = entry.family;
        saved["generation"] = entry.generation;
        refresh[token] = std::move(saved);
    }
    json::array families;
    for (const auto& [id, family] : families_) {
        json::object saved = saveHolder(family.holder);
        saved["id"] = id;
        saved["generation"] = family.generation;
        saved["rotated"] = saveTime(family.rotated);
        saved["latestAccess"] = family.latest.access;
        saved["latestRefresh"] = family.latest.refresh;
        saved["latestExpiresIn"] = family.latest.expiresIn.count();
        saved["revoked"] = family.revoked;
        families.push_back(std::move(saved));
    }
    json::object saved;
    saved["access"] = std::move(access);
    saved["refresh"] = std::move(refresh);
    saved["families"] = std::move(families);
    saved["visitors"] = visitors_;
    return saved;
}

void Tokens::load(const json::object& saved) {
    for (const auto& entry : saved.at("access").as_object())
        access_.insert_or_assign(std::string(entry.key()), loadHolder(entry.value().as_object()));
    for (const json::value& value : saved.at("families").as_array()) {
        const json::object& entry = value.as_object();
        Family family;
        family.holder = loadHolder(entry);
        family.generation = countAt(entry, "generation");
        family.rotated = timeAt(entry, "rotated");
        family.latest.access = textAt(entry, "latestAccess");
        family.latest.refresh = textAt(entry, "latestRefresh");
        family.latest.expiresIn = std::chrono::seconds(entry.at("latestExpiresIn").as_int64());
        family.revoked = entry.at("revoked").as_bool();
        families_.insert_or_assign(countAt(entry, "id"), std::move(family));
    }
    for (const auto& entry : saved.at("refresh").as_object()) {
        Refresh refresh;
        refresh.family = countAt(entry.value().as_object(), "family");
        refresh.generation = countAt(entry.value().as_object(), "generation");
        if (!families_.contains(refresh.family)) throw std::runtime_error("a refresh token without a session");
        refresh_.insert_or_assign(std::string(entry.key()), refresh);
    }
    visitors_ = countAt(saved, "visitors");
}

json::object Site::save() const {
    json::object saved;
    saved["format"] = format;
    saved["tokens"] = tokens_.save();
    saved["shop"] = shop_.save();
    return saved;
}

void Site::load(const json::object& saved) {
    if (saved.at("format").as_int64() != format) throw std::runtime_error("another format");
    tokens_.load(saved.at("tokens").as_object());
    shop_.load(saved.at("shop").as_object());
}

void Core::setSiteUrl(std::string url) {
    const std::lock_guard lock(mutex_);
    site_.setUrl(std::move(url));
}

void Core::keepStateIn(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (const std::optional<json::object> saved = readStateFile(path)) {
        try {
            site_.load(*saved);
        } catch (const std::exception&) {  // its text may have a part of the content
            throw std::runtime_error("the state file " + path +
                                     " is damaged; it was left as it is: remove it to begin anew");
        }
    } else {
        writeStateFile(path, site_.save());
    }
    stateFile_ = path;
}

/// With the lock held. A request is answered although its effect could not be saved, as after a crash.
void Core::saveState() {
    try {
        writeStateFile(stateFile_, site_.save());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "wix-fake: %s\n", error.what());
    }
}

}  // namespace wix::testing::detail
