// All carts and checkouts of the site, by visitor.
#ifndef WIX_TESTING_SHOP_HPP
#define WIX_TESTING_SHOP_HPP

#include <map>
#include <string>
#include <string_view>

#include "testing/cart.hpp"
#include "testing/encoding.hpp"

namespace wix::testing::detail {

class Shop {
public:
    explicit Shop(std::uint64_t seed) : guids_(seed) {}

    /// nullptr if the visitor has none.
    Cart* cartOf(const std::string& visitorId) {
        const auto found = carts_.find(visitorId);
        return found == carts_.end() ? nullptr : &found->second;
    }
    Cart& cartOrNew(const std::string& visitorId, Time now) {
        if (Cart* cart = cartOf(visitorId)) return *cart;
        return carts_.emplace(visitorId, Cart(guids_.next(), visitorId, now)).first->second;
    }
    void removeCart(const std::string& visitorId) { carts_.erase(visitorId); }

    /// One cart keeps its checkout: a second call gives the same id.
    const std::string& checkoutOf(Cart& cart) {
        if (cart.checkoutId().empty()) {
            cart.setCheckoutId(guids_.next());
            checkouts_[cart.checkoutId()] = cart.visitorId();
        }
        return cart.checkoutId();
    }
    bool ownsCheckout(const std::string& visitorId, const std::string& checkoutId) const {
        const auto found = checkouts_.find(checkoutId);
        return found != checkouts_.end() && found->second == visitorId;
    }

    const std::map<std::string, Cart>& carts() const noexcept { return carts_; }
    /// nullptr if the checkout does not exist, or its cart was removed.
    const Cart* cartOfCheckout(const std::string& checkoutId) const {
        const auto found = checkouts_.find(checkoutId);
        const auto cart = found == checkouts_.end() ? carts_.end() : carts_.find(found->second);
        return cart == carts_.end() || cart->second.checkoutId() != checkoutId ? nullptr : &cart->second;
    }

    boost::json::object save() const;
    /// Throws std::exception if it is not what save() returns.
    void load(const boost::json::object& saved);

private:
    GuidSource guids_;
    std::map<std::string, Cart> carts_;             // by visitor
    std::map<std::string, std::string> checkouts_;  // their visitors
};

}  // namespace wix::testing::detail

#endif
