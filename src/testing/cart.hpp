// One visitor's cart: which lines it has and what they cost. Pure, whole cents.
#ifndef WIX_TESTING_CART_HPP
#define WIX_TESTING_CART_HPP

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "testing/catalog.hpp"
#include "testing/encoding.hpp"
#include "testing/money.hpp"

namespace wix::testing::detail {

inline constexpr std::size_t maxCartLines = 300;
/// The one coupon that the shop knows: 10 % off.
inline constexpr std::string_view knownCoupon = "TENOFF";
inline constexpr int couponPercent = 10;

struct CartLine {
    CartLine() = default;
    std::string id;
    const Product* product = nullptr;  ///< nullptr: a custom line.
    std::string name;
    boost::json::object catalogReference;  ///< As it was sent; empty for a custom line.
    std::string choice;                    ///< Of the product's option.
    std::int64_t quantity = 0;
    Cents price = 0;  ///< Of one.
    Cents fullPrice = 0;
};

/// What a sum consists of. `total` is subtotal - discount + shipping + tax, and each is the sum of its lines.
struct Totals {
    Totals() = default;
    struct Line {
        Cents subtotal = 0;
        Cents discount = 0;
        Cents tax = 0;
    };
    std::vector<Line> lines;
    Cents subtotal = 0;
    Cents discount = 0;
    Cents shipping = 0;
    Cents tax = 0;
    Cents total = 0;
};

/// What is added to a sum beside the goods.
struct Charges {
    Charges() = default;
    bool shipping = false;  ///< A flat rate, if a line is physical.
    bool tax = false;       ///< 8 % of the goods after discounts.
};

class Cart {
public:
    Cart() = default;
    Cart(std::string id, std::string visitorId, Time now);

    /// Adds to the line with the same reference, or a new line. What the shop has too little of is capped to its
    /// stock; what it does not have at all, or what lacks a choice, is left out without a word, as Wix does.
    void addCatalogItem(const boost::json::object& catalogReference, std::int64_t quantity);
    void addCustomItem(std::string name, Cents price, std::int64_t quantity);
    /// False if there is no such line. The quantity is capped to the stock.
    bool setQuantity(std::string_view lineId, std::int64_t quantity);
    /// False if there is no such line.
    bool removeLine(std::string_view lineId);
    /// False if the shop does not know the coupon.
    bool applyCoupon(std::string_view code);
    void removeCoupon() { coupon_.clear(); }
    /// Merges members of `cartInfo` that a visitor may set.
    void updateInfo(const boost::json::object& info);
    /// To be called once per write.
    void touch(Time now);

    bool hasLine(std::string_view lineId) const noexcept;
    const std::vector<CartLine>& lines() const noexcept { return lines_; }
    Totals totals(const Charges& charges) const;

    const std::string& id() const noexcept { return id_; }
    const std::string& visitorId() const noexcept { return visitorId_; }
    const std::string& coupon() const noexcept { return coupon_; }
    const boost::json::object& info() const noexcept { return info_; }
    const std::string& checkoutId() const noexcept { return checkoutId_; }
    void setCheckoutId(std::string id) { checkoutId_ = std::move(id); }
    std::uint64_t revision() const noexcept { return revision_; }
    Time created() const noexcept { return created_; }
    Time updated() const noexcept { return updated_; }

private:
    friend boost::json::object saveCart(const Cart& cart);
    friend Cart loadCart(const boost::json::object& saved);

    std::string nextLineId();

    std::string id_;
    std::string visitorId_;
    std::vector<CartLine> lines_;
    std::string coupon_;
    boost::json::object info_;
    std::string checkoutId_;
    std::uint64_t lineCounter_ = 0;
    std::uint64_t revision_ = 0;
    Time created_{};
    Time updated_{};
};

/// All of a cart, for loadCart().
boost::json::object saveCart(const Cart& cart);
/// Throws std::exception if it is not what saveCart() returns.
Cart loadCart(const boost::json::object& saved);

/// The `cart` of an answer.
boost::json::object cartJson(const Cart& cart);
/// The answer to estimate-totals.
boost::json::object estimateJson(const Cart& cart, const Charges& charges);

}  // namespace wix::testing::detail

#endif
