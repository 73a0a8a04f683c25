// Which sessions are in memory, and which of them goes next. Pure: times go in, and who may go is asked.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wix::detail {

using TableTime = std::chrono::steady_clock::time_point;

struct SessionTableLimits {
    SessionTableLimits(std::size_t entries, std::chrono::milliseconds idle) : maxEntries(entries), maxIdle(idle) {}
    std::size_t maxEntries;
    std::chrono::milliseconds maxIdle;
};

/// Values by key, in the order of their last use. Everything takes the same time for any number of them: at most so many
/// of the longest unused are looked at. One that may not go counts as used when it was looked at, so that the next look
/// is at others. The text of a key belongs to its value: it must live as long as that.
template <class Value>
class SessionTable {
public:
    /// At most so many are looked at to find one that makes room, and so many of the idle ones go at a time.
    static constexpr std::size_t mostLookedAt = 256;
    static constexpr std::size_t mostIdle = 4;

    explicit SessionTable(SessionTableLimits limits) : limits_(limits) {}
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;

    std::size_t size() const noexcept { return entries_.size(); }

    /// The value of `key`, which is used now; null if there is none.
    Value* find(std::string_view key, TableTime now) {
        const auto found = entries_.find(key);
        if (found == entries_.end()) return nullptr;
        touch(*found, now);
        return &found->second.value;
    }

    /// Whether there is a place for another one; if not, one goes into `removed`, if there is one that may.
    template <class MayGo>
    bool makeRoom(TableTime now, MayGo mayGo, std::vector<Value>& removed) {
        if (entries_.size() < limits_.maxEntries) return true;
        for (std::size_t i = 0; i < mostLookedAt && i < limits_.maxEntries; ++i)
            if (takeOldest(now, mayGo, removed)) return true;
        return false;
    }

    /// `key` must be new.
    Value& insert(std::string_view key, Value value, TableTime now) {
        Node& node = *entries_.try_emplace(key, std::move(value), now).first;
        append(node);
        return node.second.value;
    }

    /// Removes that one; null if there is none.
    Value remove(std::string_view key) {
        const auto found = entries_.find(key);
        if (found == entries_.end()) return Value();
        Value value = std::move(found->second.value);
        detach(*found);
        entries_.erase(found);
        return value;
    }

    /// Removes some of those that were unused for longer than the limit. Gives how many.
    template <class MayGo>
    std::size_t sweep(TableTime now, MayGo mayGo, std::vector<Value>& removed) {
        std::size_t count = 0;
        for (std::size_t i = 0; i < mostIdle && oldest_ && now - oldest_->second.used > limits_.maxIdle; ++i)
            if (takeOldest(now, mayGo, removed)) ++count;
        return count;
    }

    /// Removes all.
    std::vector<Value> takeAll() {
        std::vector<Value> all;
        all.reserve(entries_.size());
        for (Node* node = oldest_; node; node = node->second.newer) all.push_back(std::move(node->second.value));
        entries_.clear();
        oldest_ = newest_ = nullptr;
        return all;
    }

private:
    struct Entry;
    using Node = std::pair<const std::string_view, Entry>;
    struct Entry {
        Entry(Value given, TableTime now) : value(std::move(given)), used(now) {}
        Value value;
        TableTime used;
        Node* older = nullptr;
        Node* newer = nullptr;
    };

    /// Removes the longest unused one if it may go.
    template <class MayGo>
    bool takeOldest(TableTime now, MayGo& mayGo, std::vector<Value>& removed) {
        Node& node = *oldest_;
        if (!mayGo(std::as_const(node.second.value))) {
            touch(node, now);
            return false;
        }
        removed.push_back(std::move(node.second.value));
        detach(node);
        entries_.erase(entries_.find(node.first));
        return true;
    }

    void touch(Node& node, TableTime now) {
        detach(node);
        node.second.used = now;
        append(node);
    }
    void append(Node& node) {
        node.second.older = newest_;
        node.second.newer = nullptr;
        (newest_ ? newest_->second.newer : oldest_) = &node;
        newest_ = &node;
    }
    void detach(Node& node) {
        Entry& entry = node.second;
        (entry.older ? entry.older->second.newer : oldest_) = entry.newer;
        (entry.newer ? entry.newer->second.older : newest_) = entry.older;
    }

    const SessionTableLimits limits_;
    std::unordered_map<std::string_view, Entry> entries_;
    Node* oldest_ = nullptr;
    Node* newest_ = nullptr;
};

}  // namespace wix::detail
