// Who waits, by number: thousands come and go, and neither costs an allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace wix::detail {

/// Holds `T`s, which are movable and default-constructible, in an array. An id grows with the order of arrival; its low
/// bits are the place in the array.
template <class T>
class WaiterSlots {
public:
    using Id = std::uint64_t;

    Id put(T waiter) {
        if (free_.empty()) {
            if (slots_.size() > slotMask) throw std::length_error("too many waiters");
            slots_.emplace_back();
            free_.push_back(slots_.size() - 1);
        }
        const std::size_t place = free_.back();
        free_.pop_back();
        slots_[place].id = ++arrivals_ << slotBits | place;
        slots_[place].waiter = std::move(waiter);
        return slots_[place].id;
    }

    /// Takes the waiter out; T() if it has gone. No waiter has the id 0: that of one that has not come yet.
    T take(Id id) {
        const std::size_t place = id & slotMask;
        if (id == 0 || place >= slots_.size() || slots_[place].id != id) return T();
        free_.push_back(place);
        slots_[place].id = 0;
        return std::exchange(slots_[place].waiter, T());
    }

private:
    static constexpr unsigned slotBits = 24;  // 16 million waiters at a time, and 2^40 in all
    static constexpr Id slotMask = (Id(1) << slotBits) - 1;

    struct Slot {
        Id id = 0;
        T waiter{};
    };
    std::vector<Slot> slots_;
    std::vector<std::size_t> free_;
    Id arrivals_ = 0;
};

}  // namespace wix::detail
