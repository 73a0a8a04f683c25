// The retry quotas of a Transport, by origin.
//
// Paid from them: retries of calls, and resends on another connection. Not: the replay after a 401, the replay of a
// token exchange and redirects, each of which comes once, or as often as the caller has allowed.
#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include <wix/options.hpp>

#include "base/retry_quota.hpp"
#include "http/url.hpp"

namespace wix::detail {

/// Thread-safe.
class RetryQuotas {
public:
    explicit RetryQuotas(const TransportOptions& options = TransportOptions())
        : reserve_(options.retryReserve), percent_(options.retryPercent) {}

    void callBegins(const Origin& origin) {
        const std::lock_guard lock(mutex_);
        of(origin).callBegins();
    }
    /// False: the quota is empty, and what failed is not to be repeated.
    bool takeRetry(const Origin& origin) {
        const std::lock_guard lock(mutex_);
        return of(origin).takeRetry();
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return quotas_.size();
    }

private:
    struct Less {
        bool operator()(const Origin& a, const Origin& b) const noexcept {
            return std::tie(a.port, a.tls, a.host) < std::tie(b.port, b.tls, b.host);
        }
    };
    static constexpr std::size_t many = 1000;  // redirects may lead anywhere

    RetryQuota& of(const Origin& origin) {
        const auto found = quotas_.find(origin);
        if (found != quotas_.end()) return found->second;
        if (quotas_.size() >= many) std::erase_if(quotas_, [](const auto& entry) { return entry.second.isAsNew(); });
        return quotas_.emplace(origin, RetryQuota(reserve_, percent_)).first->second;
    }

    const std::size_t reserve_;
    const int percent_;
    mutable std::mutex mutex_;
    std::map<Origin, RetryQuota, Less> quotas_;
};

}  // namespace wix::detail
