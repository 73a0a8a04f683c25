// What the shop counts, in Prometheus' text format.
#ifndef STOREFRONT_METRICS_HPP
#define STOREFRONT_METRICS_HPP

#include <wix/observer.hpp>
#include <wix/visitor_sessions.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace storefront {

/// Everything happens on the one thread of the io_context, so plain numbers will do.
class Metrics final : public wix::Observer {
public:
    void renewalStarted(const wix::RenewalStarted& event) override;
    void renewalFinished(const wix::RenewalFinished& event) override;
    void renewalFailed(const wix::RenewalFailed& event) override;
    void renewalAdopted(const wix::RenewalAdopted&) override { ++adopted_; }
    void sessionLost(const wix::SessionLost& event) override;
    void saveFailed(const wix::SaveFailed& event) override;
    void requestRetried(const wix::RequestRetried&) override { ++retries_; }
    void requestFinished(const wix::RequestFinished& event) override;

    void answered(unsigned status) { ++answers_[status]; }
    void cookieRefused() { ++refusedCookies_; }

    std::string text(const wix::VisitorSessionsStatistics& sessions, std::size_t connections) const;

private:
    static constexpr std::array<double, 9> bounds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};  // seconds

    std::map<std::string, std::uint64_t> started_, finished_, failed_;  // by reason
    std::map<std::string, std::uint64_t> requests_;                     // by class of status
    std::map<unsigned, std::uint64_t> answers_;                         // by status
    std::uint64_t adopted_ = 0, lost_ = 0, saveFailures_ = 0, retries_ = 0, refusedCookies_ = 0;
    std::array<std::uint64_t, bounds.size()> buckets_{};
    std::uint64_t durations_ = 0;
    double durationSum_ = 0;
};

/// One line, with the time, on standard error.
void log(const std::string& line);

}  // namespace storefront

#endif
