// How many retries an origin gets while it fails. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace wix::detail {

/// `reserve` retries at once, and `percent` of one more for each call; never more than the reserve (at least one) is
/// saved up. So of any n calls in a row, however healthy it was before, reserve + n * percent / 100 are repeated at most.
class RetryQuota {
public:
    RetryQuota(std::size_t reserve, int percent)
        : start_(std::uint64_t{reserve} * whole),
          most_(std::max<std::uint64_t>(start_, whole)),
          share_(static_cast<std::uint64_t>(percent)),
          left_(start_) {}

    void callBegins() noexcept { left_ = std::min(left_ + share_, most_); }
    /// Counts a retry, when it is decided. False: there must be none.
    bool takeRetry() noexcept {
        if (left_ < whole) return false;
        left_ -= whole;
        return true;
    }
    /// Nothing is lost if it is forgotten.
    bool isAsNew() const noexcept { return left_ == start_; }

private:
    static constexpr std::uint64_t whole = 100;

    std::uint64_t start_;
    std::uint64_t most_;
    std::uint64_t share_;
    std::uint64_t left_;
};

}  // namespace wix::detail
