// What the shop counts, in Prometheus' text format, and what it logs.
#pragma once

#include <wix/observer.hpp>
#include <wix/visitor_sessions.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

/// One line on standard error, whatever is in it.
inline void writeLog(std::string line) {
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
    std::cerr << line + "\n";
}

/// Everything happens on the one thread of the io_context, so plain numbers will do.
class Metrics final : public wix::Observer {
public:
    void count(const std::string& sample, double by = 1) { samples_[sample] += by; }

    std::string text(const wix::VisitorSessionsStatistics& sessions, std::size_t connections) const {
        std::ostringstream out;
        out.precision(15);
        for (const auto& [sample, value] : samples_) out << sample << " " << value << "\n";
        out << "shop_connections " << connections << "\nwix_sessions " << sessions.sessions
            << "\nwix_sessions_opened_total " << sessions.opened << "\nwix_sessions_evicted_total "
            << sessions.evictedIdle + sessions.evictedForSpace << "\nwix_sessions_refused_total " << sessions.refused
            << "\n";
        return out.str();
    }

    void renewalStarted(const wix::RenewalStarted& event) override { countRenewal("started", event.reason); }
    void renewalFinished(const wix::RenewalFinished& event) override { countRenewal("finished", event.reason); }
    void renewalFailed(const wix::RenewalFailed& event) override {
        countRenewal("failed", event.reason);
        // The policy starts another session by itself, so the advice of this code is not for the reader of the log.
        const bool isLost = event.failure.code == wix::Errc::session_lost;
        const std::string why = isLost ? "the session was rejected" : event.failure.code.message();
        writeLog("a token renewal failed: " + why + ": " + event.failure.context);
    }
    void renewalAdopted(const wix::RenewalAdopted&) override { count("wix_renewals_adopted_total"); }
    void sessionLost(const wix::SessionLost& event) override {
        count("wix_sessions_lost_total");
        writeLog("a session was lost, and its visitor gets a new one: " + event.failure.context);
    }
    void saveFailed(const wix::SaveFailed& event) override {
        count("wix_save_failures_total");
        writeLog("a session could not be saved: " + event.failure.code.message() + ": " + event.failure.context);
    }
    void requestRetried(const wix::RequestRetried&) override { count("wix_api_retries_total"); }
    void requestFinished(const wix::RequestFinished& event) override {
        const std::string kind = event.status == 0 ? "none" : std::to_string(event.status / 100) + "xx";
        count("wix_api_requests_total{class=\"" + kind + "\"}");
        const double seconds = std::chrono::duration<double>(event.duration).count();
        for (const char* bound : {"0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"})
            count(std::string("wix_api_request_seconds_bucket{le=\"") + bound + "\"}", seconds <= std::stod(bound));
        count("wix_api_request_seconds_count");
        count("wix_api_request_seconds_sum", seconds);
    }

private:
    void countRenewal(const std::string& step, wix::RenewalReason reason) {
        count("wix_renewals_" + step + "_total{reason=\"" + std::string(reasonName(reason)) + "\"}");
    }

    // An alarm wants to see these before they happen for the first time.
    std::map<std::string, double> samples_{{"wix_sessions_lost_total", 0}, {"wix_save_failures_total", 0}};
};
