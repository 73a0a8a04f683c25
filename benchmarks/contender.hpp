// One way to make calls, of those that call_bench compares.
#pragma once

#include <cstddef>
#include <string>

namespace wix::bench {

inline constexpr std::size_t connections = 64;
inline constexpr const char* productPath = "/stores-reader/v1/products/0f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";

class Contender {
public:
    virtual ~Contender() = default;
    virtual std::string name() const = 0;
    /// Makes so many calls with `connections` at a time on the calling thread, and keeps the connections open.
    /// Throws if one fails.
    virtual void make(std::size_t calls) = 0;
};

}  // namespace wix::bench
