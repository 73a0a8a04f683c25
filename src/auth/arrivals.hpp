// Values in the order of their arrival, by numbers that grow: thousands are added, looked through and taken.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace wix::detail {

/// One array: a pass over ten thousand of them is a pass over memory, not over as many nodes.
template <class T>
class Arrivals {
public:
    using Id = std::uint64_t;

    /// `id` is greater than all before it.
    void add(Id id, T value) { all_.emplace_back(id, std::move(value)); }

    /// Nothing happens if it is not there. What has left keeps its place until half of the places are empty.
    void remove(Id id) {
        const auto found = std::lower_bound(all_.begin(), all_.end(), id,
                                            [](const Entry& entry, Id wanted) { return entry.id < wanted; });
        if (found == all_.end() || found->id != id || found->gone) return;
        found->gone = true;
        if (++gone_ * 2 > all_.size()) sweep();
    }

    /// Takes those that `isWanted` out and gives their ids.
    template <class Predicate>
    std::vector<Id> take(Predicate isWanted) {
        std::vector<Id> taken;
        for (Entry& entry : all_) {
            if (entry.gone || !isWanted(entry.value)) continue;
            entry.gone = true;
            ++gone_;
            taken.push_back(entry.id);
        }
        if (!taken.empty()) sweep();
        return taken;
    }

    template <class Predicate>
    std::size_t count(Predicate isWanted) const {
        return static_cast<std::size_t>(std::count_if(
            all_.begin(), all_.end(), [&](const Entry& entry) { return !entry.gone && isWanted(entry.value); }));
    }

    /// The first to come of those that are there; null if there is none.
    const T* first() const {
        const auto found = std::find_if(all_.begin(), all_.end(), [](const Entry& entry) { return !entry.gone; });
        return found == all_.end() ? nullptr : &found->value;
    }
    std::size_t size() const noexcept { return all_.size() - gone_; }
    bool empty() const noexcept { return size() == 0; }

private:
    struct Entry {
        Entry(Id number, T what) : id(number), value(std::move(what)) {}
        Id id;
        T value;
        bool gone = false;
    };
    void sweep() {
        std::erase_if(all_, [](const Entry& entry) { return entry.gone; });
        gone_ = 0;
    }

    std::vector<Entry> all_;
    std::size_t gone_ = 0;
};

}  // namespace wix::detail
