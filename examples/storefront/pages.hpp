// The pages of the shop, as functions of what the API has answered. They work without JavaScript.
#ifndef STOREFRONT_PAGES_HPP
#define STOREFRONT_PAGES_HPP

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace storefront {

/// What is on every page.
struct Frame {
    Frame() = default;
    std::string csrf;                       ///< Goes into every form.
    std::optional<std::int64_t> cartItems;  ///< Beside the link to the cart, if it is known.
};

std::string gridPage(const Frame& frame, const boost::json::value& products);
std::string productPage(const Frame& frame, const boost::json::value& product);
/// `totals` is an answer of estimate-totals; null for a visitor without a cart.
std::string cartPage(const Frame& frame, const boost::json::value& totals);
std::string eventsPage(const Frame& frame, const boost::json::value& events);
std::string eventPage(const Frame& frame, const boost::json::value& event, const boost::json::value& tickets);
std::string reservationPage(const Frame& frame, const boost::json::value& reservation, std::string_view eventSlug);
std::string messagePage(const std::string& title, const std::string& message, const std::string& reference);

std::int64_t itemsOf(const boost::json::value& cart);

extern const std::string_view styleSheet;

}  // namespace storefront

#endif
