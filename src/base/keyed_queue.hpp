// The order of blocking calls: one after the other for each key, in parallel otherwise. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace wix::detail {

/// Calls in the order of their arrival. Not thread-safe.
template <class Item>
class KeyedQueue {
public:
    /// Calls are numbered from 1.
    using Number = std::uint64_t;
    struct Begun {
        Begun(Number which, Item what) : number(which), item(std::move(what)) {}
        Number number;
        Item item;
    };

    /// Queues a call. It begins after the earlier calls of the same key have ended; an empty key orders nothing.
    Number push(std::string key, Item item) {
        const Number number = last_ + 1;
        const auto entry = keys_.emplace(number, std::move(key)).first;
        try {
            const std::string& name = entry->second;
            const auto line = name.empty() ? lines_.end() : lines_.find(name);
            if (line != lines_.end()) {
                line->second.emplace(number, std::move(item));
            } else {
                ready_.emplace(number, std::move(item));
                if (!name.empty()) lines_.try_emplace(name);
            }
        } catch (...) {
            ready_.erase(number);
            keys_.erase(entry);
            throw;
        }
        return last_ = number;
    }

    /// Takes the oldest call that may begin. Its key is busy until end() is called.
    std::optional<Begun> begin() {
        if (ready_.empty()) return std::nullopt;
        auto node = ready_.extract(ready_.begin());
        return Begun(node.key(), std::move(node.mapped()));
    }

    /// Reports that a call, which begin() has returned, has ended.
    void end(Number number) {
        const auto entry = keys_.find(number);
        if (entry == keys_.end()) return;
        admitNext(entry->second);
        keys_.erase(entry);
    }

    /// Removes a call that has not begun and returns it. Returns nothing if the call has begun.
    std::optional<Item> withdraw(Number number) {
        const auto entry = keys_.find(number);
        if (entry == keys_.end()) return std::nullopt;
        std::optional<Item> item;
        if (auto node = ready_.extract(number)) {
            item.emplace(std::move(node.mapped()));
            admitNext(entry->second);
        } else if (const auto line = lines_.find(entry->second); line != lines_.end()) {
            if (auto waiting = line->second.extract(number)) item.emplace(std::move(waiting.mapped()));
        }
        if (item) keys_.erase(entry);
        return item;
    }

    /// Number of calls that may begin now.
    std::size_t ready() const noexcept { return ready_.size(); }
    /// The number of the newest call.
    Number last() const noexcept { return last_; }
    /// Returns whether all calls up to `number` have ended or were withdrawn, `except` aside.
    bool haveEnded(Number number, Number except = 0) const {
        auto oldest = keys_.begin();
        if (oldest != keys_.end() && oldest->first == except) ++oldest;
        return oldest == keys_.end() || oldest->first > number;
    }

private:
    using Calls = std::map<Number, Item>;

    /// Nodes are moved: this allocates nothing.
    void admitNext(const std::string& key) {
        const auto line = lines_.find(key);
        if (line == lines_.end()) return;
        if (line->second.empty())
            lines_.erase(line);
        else
            ready_.insert(line->second.extract(line->second.begin()));
    }

    Number last_ = 0;
    std::map<Number, std::string> keys_;  // of all calls that have not ended
    Calls ready_;
    std::map<std::string, Calls> lines_;  // for each key that is busy: the calls that wait for it
};

}  // namespace wix::detail
