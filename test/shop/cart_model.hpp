// What a visitor's cart must be, whatever the network did to the actions.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace wix::test {

using Cart = std::map<std::string, int>;

/// Products without variants, and how many of each a cart of the fake holds at most.
inline const std::vector<std::pair<std::string, int>> stock{{"a0000000-0000-4000-8000-000000000001", 40},
                                                            {"a0000000-0000-4000-8000-000000000003", 3},
                                                            {"a0000000-0000-4000-8000-000000000007", 100},
                                                            {"a0000000-0000-4000-8000-000000000009", 500},
                                                            {"a0000000-0000-4000-8000-000000000010", 100'000}};

struct Action {
    enum class Kind { add, change, remove };
    Kind kind = Kind::add;
    std::size_t product = 0;
    int quantity = 1;

    Cart applied(Cart cart) const {
        const auto& [id, most] = stock[product];
        const auto line = cart.find(id);
        if (kind == Kind::add) cart[id] = std::min(most, (line == cart.end() ? 0 : line->second) + quantity);
        if (kind == Kind::change && line != cart.end()) line->second = std::min(most, quantity);
        if (kind == Kind::remove) cart.erase(id);
        return cart;
    }
};

enum class Outcome {
    done,
    notDone,
    unsure,  ///< The answer says that it may have been done.
};

class CartModel {
public:
    void did(const Action& action, Outcome outcome) {
        if (outcome == Outcome::notDone) return;
        const std::set<Cart> before = withLate();
        if (outcome == Outcome::done) possible_.clear();
        for (const Cart& cart : before) possible_.insert(action.applied(cart));
        if (outcome == Outcome::unsure) late_.emplace_back(action, 3);
    }

    /// Whether the cart may be that; from now on it is.
    bool saw(const Cart& cart) {
        const bool expected = withLate().contains(cart);
        if (!possible_.contains(cart)) late_.clear();  // it has come
        possible_ = {cart};
        // A request without an answer may still be on its way, but not for long.
        for (auto& each : late_) --each.second;
        std::erase_if(late_, [](const auto& each) { return each.second == 0; });
        return expected;
    }

private:
    std::set<Cart> withLate() const {
        std::set<Cart> all = possible_;
        for (const auto& each : late_) {
            const std::set<Cart> before = all;
            for (const Cart& cart : before) all.insert(each.first.applied(cart));
        }
        return all;
    }

    std::set<Cart> possible_{Cart()};
    std::deque<std::pair<Action, int>> late_;  // with the number of sights that it has left
};

}  // namespace wix::test
