#include "endpoint.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <utility>

namespace wix::simulation {
namespace {

constexpr auto gracePeriod = 60s;
const std::string accessMark = "SECRET-a.";

detail::HttpReply error(int status, std::string body) { return detail::HttpReply(status, Headers(), std::move(body)); }

std::string httpDate(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[64];
    std::snprintf(text, sizeof text, "Mon, %02u %s %04d %02d:%02d:%02d GMT", static_cast<unsigned>(date.day()),
                  months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text;
}

}  // namespace

const char* nameOf(Answer answer) {
    static constexpr const char* names[] = {"good tokens",
                                            "tokens without a refresh token",
                                            "a life in quotes",
                                            "no life",
                                            "a life of 0",
                                            "a negative life",
                                            "a huge life",
                                            "a life that is no number",
                                            "tokens with a role",
                                            "a token of 60 KB",
                                            "JSON cut short",
                                            "an empty body",
                                            "a page with status 200",
                                            "no access token",
                                            "wrong types",
                                            "a token with CR LF",
                                            "a token of 70 KB",
                                            "503",
                                            "429 for 30 s",
                                            "429 until a date",
                                            "a firewall's page with 403",
                                            "500",
                                            "408",
                                            "invalid_client",
                                            "a validation error",
                                            "an odd JSON error"};
    static_assert(sizeof names / sizeof *names == answers);
    return names[static_cast<int>(answer)];
}

// -- Tokens: "SECRET-r.<visitor>.<rotation>" and "SECRET-a.<visitor>.<serial>" ------------------------------------------

int Endpoint::idOf(const std::string& token) { return std::stoi(token.substr(std::string_view(refreshMark).size())); }
int Endpoint::rotationOf(const std::string& token) { return std::stoi(token.substr(token.rfind('.') + 1)); }
bool Endpoint::isOurs(const std::string& token) {
    return token.starts_with(refreshMark) || token.starts_with(accessMark);
}

std::string Endpoint::refreshToken(int visitor) const {
    return std::string(refreshMark) + std::to_string(visitor) + "." + std::to_string(visitors_.at(visitor).rotation);
}

std::string Endpoint::accessToken(int visitor, BootTime issued, std::chrono::seconds life) {
    std::string token = accessMark + std::to_string(visitor) + "." + std::to_string(++serial_);
    expiries_[token] = issued + life;
    return token;
}

int Endpoint::start(TokenRole role, int era) {
    const int id = visitors() + 1;
    visitors_[id].role = role;
    visitors_[id].era = era;
    return id;
}

Tokens Endpoint::tokensOf(int visitor, std::chrono::seconds life) {
    return Tokens(AccessToken(accessToken(visitor, world_.boot(), life),
                              std::chrono::floor<std::chrono::seconds>(world_.wall()) + life),
                  RefreshToken(refreshToken(visitor), visitors_.at(visitor).role));
}

Tokens Endpoint::olderTokensOf(int visitor) {
    Tokens tokens = tokensOf(visitor, -1h);
    const int rotation = std::max(0, visitors_.at(visitor).rotation - 1);
    tokens.refreshToken.value = std::string(refreshMark) + std::to_string(visitor) + "." + std::to_string(rotation);
    return tokens;
}

void Endpoint::learned(const std::string& refreshToken) {
    if (!isOurs(refreshToken)) return;
    int& known = known_[idOf(refreshToken)];
    known = std::max(known, rotationOf(refreshToken));
}

bool Endpoint::accessValid(const std::string& token) const {
    const auto expiry = expiryOf(token);
    return expiry && world_.boot() < *expiry;
}

std::optional<BootTime> Endpoint::expiryOf(const std::string& token) const {
    const auto found = expiries_.find(token);
    return found == expiries_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<BootTime> Endpoint::worksUntil(const std::string& token) const {
    const auto found = worksUntil_.find(token);
    return found == worksUntil_.end() ? std::nullopt : std::optional(found->second);
}

BootTime Endpoint::sentAt(const std::string& token) const {
    const auto found = sentAt_.find(token);
    return found == sentAt_.end() ? BootTime() : found->second;
}

bool Endpoint::current(const std::string& token) const {
    const Visitor& whose = visitorOf(token);
    return !whose.ended && rotationOf(token) == whose.rotation;
}

int Endpoint::rejected() const {
    return static_cast<int>(
        std::count_if(visitors_.begin(), visitors_.end(), [](const auto& one) { return one.second.isRejected(); }));
}

// -- Requests ----------------------------------------------------------------------------------------------------------

void Endpoint::receive(const std::string& requestBody) {
    const auto request = boost::json::parse(requestBody).as_object();
    asked_.clear();
    if (const auto* refresh = request.if_contains("refreshToken")) asked_ = refresh->as_string().c_str();
}

void Endpoint::process(int era) {
    processedAt_ = world_.boot();
    rotatedNow_ = false;
    if (asked_.empty()) {
        answerFor_ = start(TokenRole::visitor, era);
        return;
    }
    const int id = idOf(asked_);
    const int rotation = rotationOf(asked_);
    Visitor& whose = visitors_.at(id);
    require(rotation >= known_[id], "a refresh token that the client knows to be rotated away was presented");
    answerFor_ = 0;
    if (whose.ended) return;
    if (rotation != whose.rotation && rotation_ == Rotation::refuse) {
        whose.refused = true;
        return;
    }
    if (rotation != whose.rotation) {
        const bool inGrace = rotation_ == Rotation::grace && rotation == whose.rotation - 1 &&
                             world_.boot() - whose.rotatedAt <= gracePeriod;
        rotatedNow_ = inGrace;
        if (!inGrace) whose.ended = true;
        answerFor_ = inGrace ? id : 0;
        return;
    }
    answerFor_ = id;
    if (rotation_ == Rotation::none) return;
    ++whose.rotation;
    whose.rotatedAt = world_.boot();
    rotatedNow_ = true;
}

bool Endpoint::refuses(bool refresh, bool control) const {
    switch (gateway) {
        case Gateway::none:
            return false;
        case Gateway::refreshes:
            return refresh;
        case Gateway::everything:
            return true;
        case Gateway::grants:
            return !refresh;
        case Gateway::alternating:
            return refresh && !control;
    }
    return false;
}

detail::HttpReply Endpoint::gatewayError(bool alternates) {
    const int status = gateway == Gateway::everything || gateway == Gateway::grants ? 400 : 403;
    const bool other = alternates && refusals_++ / 2 % 2;
    if (other) return error(status, R"({"message":"SECRET","details":{"applicationError":{"code":"FORBIDDEN"}}})");
    return error(status, R"({"error":"access_denied","error_description":"SECRET"})");
}

std::optional<detail::HttpReply> Endpoint::refusal() {
    if (!isRefused()) return std::nullopt;
    controlledFor_.clear();
    return gatewayError(gateway == Gateway::alternating);
}

detail::HttpReply Endpoint::replyToControl(const std::string& requestBody) {
    const auto request = boost::json::parse(requestBody).as_object();
    const auto* refresh = request.if_contains("refreshToken");
    require(!refresh || refresh->as_string() == "SECRET-control", "a control with a token of a session");
    if (refuses(refresh != nullptr, true)) return gatewayError(false);
    if (refresh && refusesControls && ++controls_ % 3 == 0) return error(403, R"({"error":"ODD"})");
    if (refresh) controlledFor_ = asked_;
    const std::string access = "SECRET-control-access";
    return detail::HttpReply(
        200, Headers(), R"({"access_token":")" + access + R"(","refresh_token":"SECRET-control","expires_in":14400})");
}

detail::HttpReply Endpoint::reply(Answer answer) {
    const std::string controlledFor = std::exchange(controlledFor_, std::string());
    switch (answer) {
        case Answer::unavailable:
            return error(503, "<html>SECRET</html>");
        case Answer::tooMany: {
            auto made = error(429, "");
            made.headers.emplace_back("Retry-After", "30");
            return made;
        }
        case Answer::tooManyUntil: {
            auto made = error(429, "{}");
            made.headers.emplace_back("Retry-After", httpDate(world_.wall() + 45s));
            return made;
        }
        case Answer::blockedPage:
            return error(403, "<html>blocked SECRET</html>");
        case Answer::serverError:
            return error(500, R"({"message":"","details":{}})");
        case Answer::requestTimeout:
            return error(408, "");
        case Answer::invalidClient:
            return error(400, R"({"error":"invalid_client","error_description":"SECRET"})");
        case Answer::validationError:
            return error(400, R"({"message":"SECRET","details":{"validationError":{"fieldViolations":[]}}})");
        case Answer::odd:
            // Refused again after a control has succeeded: the client takes it for a rejection, and from then on it is one.
            if (!asked_.empty() && asked_ == controlledFor) visitors_.at(idOf(asked_)).ended = true;
            return error(401, R"({"message":"SECRET","details":{"applicationError":{"code":"ODD"}}})");
        default:
            break;
    }
    if (answerFor_ == 0 && hidesDeath) return error(403, R"({"error":"access_denied","error_description":"SECRET"})");
    if (answerFor_ == 0) return error(400, R"({"error":"invalid_grant","error_description":"SECRET"})");
    if (answer == Answer::empty) return detail::HttpReply(200, Headers(), "");
    if (answer == Answer::page) return detail::HttpReply(200, Headers(), "<html>SECRET</html>");
    std::string life = std::to_string(life_.count());
    std::chrono::seconds lives = life_;
    const auto lasts = [&](std::string text, std::chrono::seconds time) {
        life = std::move(text);
        lives = time;
    };
    if (answer == Answer::lifeAsText) life = '"' + life + '"';
    if (answer == Answer::lifeZero) lasts("0", 0s);
    if (answer == Answer::lifeNegative) lasts("-1", 0s);
    if (answer == Answer::lifeHuge) lasts("9223372036854775808", 24h * 400);
    if (answer == Answer::lifeNan) lasts("\"NaN\"", 4h);
    if (answer == Answer::lifeMissing) lives = 4h;
    std::string access = accessToken(answerFor_, processedAt_, lives);
    if (answer == Answer::longToken || answer == Answer::tooLongToken) {
        const BootTime expiry = expiries_.at(access);
        access += "." + std::string(answer == Answer::longToken ? 60'000 : 70'000, 'x');
        expiries_[access] = expiry;
    }
    if (answer < Answer::truncated && lives > 0s && answer != Answer::lifeHuge) worksUntil_[access] = askedAt_ + lives;
    sentAt_[access] = world_.boot();
    if (answer == Answer::hostileToken) access += "\\r\\nX: y";
    lastIssued_ = access;
    std::string body = R"({"access_token":")" + access + '"';
    if (answer == Answer::noAccessToken) body = R"({"token_type":"Bearer")";
    if (answer == Answer::wrongTypes) body = R"({"access_token":["SECRET"])";
    if (answer != Answer::lifeMissing) body += R"(,"expires_in":)" + life;
    const bool needsRefresh = rotatedNow_ || asked_.empty();
    if (answer != Answer::withoutRefreshToken || needsRefresh)
        body += R"(,"refresh_token":")" + refreshToken(answerFor_) + '"';
    if (answer == Answer::otherRole) body += R"(,"role":"member","token_type":"Bearer","unknown":{"a":[1]})";
    if (answer == Answer::truncated) return detail::HttpReply(200, Headers(), body);
    Headers headers;
    headers.emplace_back("Date", httpDate(world_.trueWall() + skew_));
    return detail::HttpReply(200, std::move(headers), body + '}');
}

std::string Endpoint::refreshTokenOfAnswer(Answer answer) const {
    return answer < Answer::truncated && answerFor_ != 0 ? refreshToken(answerFor_) : std::string();
}

detail::HttpReply Endpoint::callApi(const std::string& authorization) {
    return accessValid(authorization) ? detail::HttpReply(200, Headers(), "{}") : error(401, "{}");
}

}  // namespace wix::simulation
