#include "metrics.hpp"

#include <ctime>
#include <iostream>
#include <sstream>

namespace storefront {

void log(const std::string& line) {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char time[32];
    std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ ", &utc);
    std::string whole = time;
    for (const char c : line) whole += static_cast<unsigned char>(c) < ' ' ? ' ' : c;  // one line stays one line
    std::cerr << whole + "\n";
}

void Metrics::renewalStarted(const wix::RenewalStarted& event) { ++started_[std::string(reasonName(event.reason))]; }

void Metrics::renewalFinished(const wix::RenewalFinished& event) { ++finished_[std::string(reasonName(event.reason))]; }

void Metrics::renewalFailed(const wix::RenewalFailed& event) {
    ++failed_[std::string(reasonName(event.reason))];
    log("a token renewal failed: " + event.failure.code.message() + ": " + event.failure.context);
}

void Metrics::sessionLost(const wix::SessionLost& event) {
    ++lost_;
    log("a session was lost: " + event.failure.context);
}

void Metrics::saveFailed(const wix::SaveFailed& event) {
    ++saveFailures_;
    log("a session could not be saved: " + event.failure.code.message() + ": " + event.failure.context);
}

void Metrics::requestFinished(const wix::RequestFinished& event) {
    ++requests_[event.status == 0 ? "none" : std::to_string(event.status / 100) + "xx"];
    const double seconds = std::chrono::duration<double>(event.duration).count();
    for (std::size_t i = 0; i < bounds.size(); ++i) buckets_[i] += seconds <= bounds[i] ? 1 : 0;
    ++durations_;
    durationSum_ += seconds;
}

std::string Metrics::text(const wix::VisitorSessionsStatistics& sessions, std::size_t connections) const {
    std::ostringstream out;
    const auto announce = [&](const char* name, const char* type, const char* help) {
        out << "# HELP " << name << " " << help << "\n# TYPE " << name << " " << type << "\n";
    };
    const auto single = [&](const char* name, const char* type, const char* help, auto value) {
        announce(name, type, help);
        out << name << " " << value << "\n";
    };
    const auto labelled = [&](const char* name, const char* label, const char* help, const auto& values) {
        announce(name, "counter", help);
        for (const auto& [key, value] : values) out << name << "{" << label << "=\"" << key << "\"} " << value << "\n";
    };
    labelled("shop_requests_total", "status", "Answers of the shop.", answers_);
    single("shop_connections", "gauge", "Open connections of browsers.", connections);
    single("shop_cookies_refused_total", "counter", "Session cookies that could not be opened.", refusedCookies_);
    labelled("wix_renewals_started_total", "reason", "Exchanges with the token endpoint.", started_);
    labelled("wix_renewals_finished_total", "reason", "Those that brought tokens.", finished_);
    labelled("wix_renewals_failed_total", "reason", "Those that did not.", failed_);
    single("wix_renewals_adopted_total", "counter", "Renewals taken over from another process.", adopted_);
    single("wix_sessions_lost_total", "counter", "Sessions whose refresh token was rejected.", lost_);
    single("wix_save_failures_total", "counter", "Tokens that could not be saved.", saveFailures_);
    labelled("wix_api_requests_total", "class", "Calls of the API that ended, by class of the status.", requests_);
    single("wix_api_retries_total", "counter", "Requests that were sent again.", retries_);
    announce("wix_api_request_seconds", "histogram", "Duration of a call, retries included.");
    for (std::size_t i = 0; i < bounds.size(); ++i)
        out << "wix_api_request_seconds_bucket{le=\"" << bounds[i] << "\"} " << buckets_[i] << "\n";
    out << "wix_api_request_seconds_bucket{le=\"+Inf\"} " << durations_ << "\nwix_api_request_seconds_sum "
        << durationSum_ << "\nwix_api_request_seconds_count " << durations_ << "\n";
    single("wix_sessions", "gauge", "Visitors in memory.", sessions.sessions);
    single("wix_sessions_opened_total", "counter", "Visitors that were asked for.", sessions.opened);
    single("wix_sessions_found_total", "counter", "Of these: in memory already.", sessions.found);
    single("wix_sessions_evicted_total", "counter", "Visitors that left memory.",
           sessions.evictedIdle + sessions.evictedForSpace);
    single("wix_sessions_refused_total", "counter", "Visitors there was no place for.", sessions.refused);
    return out.str();
}

}  // namespace storefront
