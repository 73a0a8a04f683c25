#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "testing/backstage.hpp"
#include "testing/core.hpp"
#include "testing/token_routes.hpp"
#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::int64_t year = 31'536'000;

[[noreturn]] void refuse(std::string_view field, std::string_view description) {
    throw Refusal(validationError(field, description, "CUSTOM"));
}

std::int64_t number(const json::value& value, std::string_view field, std::int64_t min, std::int64_t max) {
    if (!value.is_int64() || value.get_int64() < min || value.get_int64() > max) {
        refuse(field, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    return value.get_int64();
}

bool boolean(const json::value& value, std::string_view field) {
    if (!value.is_bool()) refuse(field, "must be true or false");
    return value.get_bool();
}

void onlyTrue(const json::value& value, std::string_view field) {
    if (!boolean(value, field)) refuse(field, "must be true or absent");
}

std::string text(const json::value& value, std::string_view field) {
    if (!value.is_string()) refuse(field, "must be a string");
    return std::string(value.get_string());
}

const json::object& object(const json::value& value, std::string_view field) {
    if (!value.is_object()) refuse(field, "must be an object");
    return value.get_object();
}

const json::array& array(const json::value& value, std::string_view field) {
    if (!value.is_array()) refuse(field, "must be an array");
    return value.get_array();
}

std::string endpoint(std::string name, std::string_view field) {
    const auto& names = endpointNames();
    if (std::find(names.begin(), names.end(), name) == names.end()) refuse(field, "names no endpoint");
    return name;
}

/// The members of one object of the configuration, each read once; what is left over is unknown.
class Members {
public:
    Members(const json::object& in, std::string path) : in_(in), path_(std::move(path)) {}

    const json::value* find(std::string_view name) {
        const json::value* found = in_.if_contains(name);
        used_ += found != nullptr ? 1 : 0;
        names_.push_back(name);
        return found;
    }
    const json::value& require(std::string_view name) {
        const json::value* found = find(name);
        if (found == nullptr) refuse(field(name), "is missing");
        return *found;
    }
    std::string field(std::string_view name) const { return path_ + "." + std::string(name); }

    std::string readEndpoint() { return endpoint(text(require("endpoint"), field("endpoint")), field("endpoint")); }
    std::size_t readCount() {
        const json::value* count = find("count");
        return count == nullptr ? 1 : static_cast<std::size_t>(number(*count, field("count"), 0, 1'000'000));
    }
    void refuseOthers() const {
        if (used_ == in_.size()) return;
        for (const auto& member : in_) {
            const std::string_view name = member.key();
            if (std::find(names_.begin(), names_.end(), name) == names_.end()) refuse(field(name), "is unknown");
        }
    }

private:
    const json::object& in_;
    std::string path_;
    std::vector<std::string_view> names_;
    std::size_t used_ = 0;
};

// A line break would let a header smuggle another answer.
bool isHeaderText(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

ScriptedReply readResponse(Members& members) {
    ScriptedReply response;
    response.status = static_cast<int>(number(members.require("status"), members.field("status"), 200, 599));
    if (const json::value* body = members.find("body")) response.body = text(*body, members.field("body"));
    if (const json::value* headers = members.find("headers")) {
        for (const auto& member : object(*headers, members.field("headers"))) {
            const std::string field = members.field("headers") + "." + std::string(member.key());
            response.headers.emplace_back(member.key(), text(member.value(), field));
            if (!isHeaderText(member.key()) || !isHeaderText(response.headers.back().second)) {
                refuse(field, "must not hold a line break");
            }
        }
    }
    return response;
}

void parseFail(const json::object& entry, const std::string& path, ConfigChanges& changes) {
    Members members(entry, path);
    const std::string name = members.readEndpoint();
    const std::size_t count = members.readCount();
    const ScriptedReply reply = readResponse(members);
    members.refuseOthers();
    changes.emplace_back([=](Core& core) { core.queueFault(name, count, reply); });
}

void parseFailToken(const json::object& entry, const std::string& path, ConfigChanges& changes) {
    Members members(entry, path);
    TokenRequestMatch match;
    if (const json::value* grant = members.find("grantType")) {
        match.grantType = text(*grant, members.field("grantType"));
        if (!isGrantType(match.grantType)) refuse(members.field("grantType"), "must be anonymous or refresh_token");
    }
    if (const json::value* token = members.find("refreshToken"))
        match.refreshToken = text(*token, members.field("refreshToken"));
    const std::size_t count = members.readCount();
    const ScriptedReply response = readResponse(members);
    members.refuseOthers();
    changes.emplace_back([=](Core& core) { core.queueTokenFault(match, count, response); });
}

void parseCut(const json::object& entry, const std::string& path, ConfigChanges& changes) {
    constexpr std::array<std::pair<std::string_view, CutPoint>, 4> points = {{
        {"beforeRequest", CutPoint::beforeRequest},
        {"afterRequest", CutPoint::afterRequest},
        {"afterHeaders", CutPoint::afterHeaders},
        {"midBody", CutPoint::midBody},
    }};
    Members members(entry, path);
    const std::string name = members.readEndpoint();
    const std::size_t count = members.readCount();
    const std::string at = text(members.require("at"), members.field("at"));
    const auto* point = std::find_if(points.begin(), points.end(), [&](const auto& p) { return p.first == at; });
    if (point == points.end()) {
        refuse(members.field("at"), "must be beforeRequest, afterRequest, afterHeaders or midBody");
    }
    members.refuseOthers();
    changes.emplace_back([name, count, cut = point->second](Core& core) { core.queueFault(name, count, cut); });
}

void parseDrip(const json::object& entry, const std::string& path, ConfigChanges& changes) {
    Members members(entry, path);
    const std::string name = members.readEndpoint();
    const std::size_t count = members.readCount();
    const Drip drip(std::chrono::milliseconds(number(members.require("pause"), members.field("pause"), 0, 600'000)));
    members.refuseOthers();
    changes.emplace_back([=](Core& core) { core.queueFault(name, count, drip); });
}

void parseRaw(const json::object& entry, const std::string& path, ConfigChanges& changes) {
    Members members(entry, path);
    const std::string name = members.readEndpoint();
    const std::string bytes = text(members.require("bytes"), members.field("bytes"));
    const json::value* close = members.find("thenClose");
    const bool thenClose = close == nullptr || boolean(*close, members.field("thenClose"));
    members.refuseOthers();
    changes.emplace_back([=](Core& core) { core.queueFault(name, 1, RawAnswer(bytes, thenClose)); });
}

template <class ParseEntry>
void parseEach(const json::value& value, const std::string& field, ConfigChanges& changes, ParseEntry parseEntry) {
    const json::array& entries = array(value, field);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string path = field + "[" + std::to_string(i) + "]";
        parseEntry(object(entries[i], path), path, changes);
    }
}

void parseRotation(const json::value& value, const std::string& field, ConfigChanges& changes) {
    Members members(object(value, field), field);
    Rotation rotation;
    rotation.enabled = boolean(members.require("enabled"), members.field("enabled"));
    if (const json::value* grace = members.find("graceSeconds")) {
        rotation.grace = std::chrono::seconds(number(*grace, members.field("graceSeconds"), 0, year));
    }
    if (const json::value* revokes = members.find("reuseRevokes")) {
        rotation.reuseRevokes = boolean(*revokes, members.field("reuseRevokes"));
    }
    members.refuseOthers();
    changes.emplace_back([=](Core& core) { core.setRotation(rotation); });
}

void parseRateLimit(const json::value& value, const std::string& field, ConfigChanges& changes) {
    Members members(object(value, field), field);
    const std::int64_t perMinute = number(members.require("perMinute"), members.field("perMinute"), 0, 1'000'000'000);
    const json::value* header = members.find("retryAfter");
    const bool retryAfter = header != nullptr && boolean(*header, members.field("retryAfter"));
    members.refuseOthers();
    changes.emplace_back([=](Core& core) { core.setRateLimit(static_cast<std::size_t>(perMinute), retryAfter); });
}

void parseDelay(const json::value& value, const std::string& field, ConfigChanges& changes) {
    for (const auto& member : object(value, field)) {
        const std::string path = field + "." + std::string(member.key());
        const std::string name = endpoint(member.key(), path);
        const std::chrono::milliseconds delay(number(member.value(), path, 0, 600'000));
        changes.emplace_back([=](Core& core) { core.setDelay(name, delay); });
    }
}

void parseHold(const json::value& value, const std::string& field, ConfigChanges& changes) {
    for (const auto& member : object(value, field)) {
        const std::string path = field + "." + std::string(member.key());
        const std::string name = endpoint(member.key(), path);
        const std::string at = text(member.value(), path);
        if (at != "beforeEffect" && at != "beforeReply") refuse(path, "must be beforeEffect or beforeReply");
        const HoldPoint point = at == "beforeReply" ? HoldPoint::beforeReply : HoldPoint::beforeEffect;
        changes.emplace_back([=](Core& core) { core.gate().hold(name, point); });
    }
}

void parseRelease(const json::value& value, const std::string& field, ConfigChanges& changes) {
    for (const json::value& entry : array(value, field)) {
        const std::string name = endpoint(text(entry, field), field);
        changes.emplace_back([=](Core& core) { core.gate().release(name); });
    }
}

void parseRevoke(const json::value& value, const std::string& field, ConfigChanges& changes) {
    if (value.is_string()) {
        changes.emplace_back([visitor = text(value, field)](Core& core) { core.revokeTokens(visitor); });
    } else {
        onlyTrue(value, field);
        changes.emplace_back([](Core& core) { core.revokeTokens(); });
    }
}

void parseMember(const std::string& name, const json::value& value, ConfigChanges& changes) {
    if (name == "accessTokenLifetime") {
        const std::chrono::seconds lifetime(number(value, name, 0, year));
        changes.emplace_back([=](Core& core) { core.setAccessTokenLifetime(lifetime); });
    } else if (name == "rotation") {
        parseRotation(value, name, changes);
    } else if (name == "refreshTokenInReply") {
        changes.emplace_back([on = boolean(value, name)](Core& core) { core.setRefreshTokenInReply(on); });
    } else if (name == "expireAccessTokens") {
        onlyTrue(value, name);
        changes.emplace_back([](Core& core) { core.expireAccessTokens(); });
    } else if (name == "revokeTokens") {
        parseRevoke(value, name, changes);
    } else if (name == "advanceClock") {
        const std::chrono::seconds by(number(value, name, 0, 10 * year));
        changes.emplace_back([=](Core& core) { core.advanceClock(by); });
    } else if (name == "rateLimit") {
        parseRateLimit(value, name, changes);
    } else if (name == "delay") {
        parseDelay(value, name, changes);
    } else if (name == "fail") {
        parseEach(value, name, changes, parseFail);
    } else if (name == "failTokenRequests") {
        parseEach(value, name, changes, parseFailToken);
    } else if (name == "cut") {
        parseEach(value, name, changes, parseCut);
    } else if (name == "drip") {
        parseEach(value, name, changes, parseDrip);
    } else if (name == "raw") {
        parseEach(value, name, changes, parseRaw);
    } else if (name == "hold") {
        parseHold(value, name, changes);
    } else if (name == "release") {
        parseRelease(value, name, changes);
    } else if (name == "clearFaults") {
        onlyTrue(value, name);
        changes.emplace_back([](Core& core) { core.clearFaults(); });
    } else {
        refuse(name, "is unknown");
    }
}

}  // namespace

ConfigChanges parseConfig(const json::object& config) {
    ConfigChanges changes;
    for (const auto& member : config) parseMember(member.key(), member.value(), changes);
    return changes;
}

}  // namespace wix::testing::detail
