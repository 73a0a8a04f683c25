#include <boost/json/object.hpp>

#include "testing/core.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

json::object Core::config() const {
    json::object holds;
    for (const auto& [endpoint, at] : gate_.holds())
        holds[endpoint] = at == HoldPoint::beforeReply ? "beforeReply" : "beforeEffect";
    const std::lock_guard lock(mutex_);
    const Tokens& tokens = site_.tokens();
    json::object rotation;
    rotation["enabled"] = tokens.rotation().enabled;
    rotation["graceSeconds"] = tokens.rotation().grace.count();
    rotation["reuseRevokes"] = tokens.rotation().reuseRevokes;
    json::object limit;
    limit["perMinute"] = rateLimit_.perMinute();
    limit["retryAfter"] = retryAfter_;
    json::object delays;
    for (const auto& [endpoint, delay] : faults_.delays())
        if (delay.count() > 0) delays[endpoint] = delay.count();
    json::object queued;
    for (const auto& [endpoint, count] : faults_.queued()) queued[endpoint] = count;

    json::object config;
    config["accessTokenLifetime"] = tokens.lifetime().count();
    config["rotation"] = std::move(rotation);
    config["refreshTokenInReply"] = tokens.refreshTokenInReply();
    config["advanceClock"] = clockOffset_.count();
    config["rateLimit"] = std::move(limit);
    config["delay"] = std::move(delays);
    config["hold"] = std::move(holds);
    config["queuedFaults"] = std::move(queued);
    return config;
}

}  // namespace wix::testing::detail
