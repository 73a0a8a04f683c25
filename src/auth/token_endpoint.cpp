#include "auth/token_endpoint.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <locale>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <boost/asio/error.hpp>

#include "base/backoff.hpp"
#include "base/http_date.hpp"
#include "base/lenient_json.hpp"
#include "http/header_lookup.hpp"
#include "http/header_rules.hpp"

namespace json = boost::json;

namespace wix::detail {
namespace {

constexpr std::string_view endpoint = "POST /oauth2/token";
constexpr std::chrono::seconds defaultLife{4 * 3600};  // that of Wix's tokens
constexpr std::chrono::seconds longestLife{7 * 24 * 3600};

const json::value* member(const json::object& object, std::string_view name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &found->value();
}

const json::object* objectMember(const json::object& object, std::string_view name) {
    const json::value* found = member(object, name);
    return found ? found->if_object() : nullptr;
}

std::string text(const json::object& object, std::string_view name) {
    const json::value* found = member(object, name);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// How many members an object was written with: two of one name count twice. `text` is JSON.
std::size_t writtenMembers(std::string_view text) {
    std::size_t members = 0, depth = 0;
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            if (c == '\\') ++i;
            if (c == '"') inString = false;
        } else if (c == '"') {
            inString = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == ':' && depth == 1) {
            ++members;
        }
    }
    return members;
}

/// What is wrong with an answer's tokens; null if they may be used.
const char* objectionTo(const std::string& access, const std::string& refresh) {
    if (access.empty()) return "without access_token";
    if (std::max(access.size(), refresh.size()) > maxTokenValue) return "with a token of more than 64 KB";
    if (!isSafeTokenValue(access) || (!refresh.empty() && !isSafeTokenValue(refresh))) return "with a malformed token";
    return nullptr;
}

/// The decimal number that the whole text is. libc++ 19 has no std::from_chars for it.
std::optional<double> decimal(std::string_view text) {
    if (text.starts_with('+') || text.find_first_not_of("0123456789.eE+-") != text.npos) return std::nullopt;
    std::istringstream stream{std::string(text)};
    stream.imbue(std::locale::classic());
    double value = 0;
    if (!(stream >> value) || !stream.eof()) return std::nullopt;
    return value;
}

/// A number, or a string that holds one. Absent or unreadable means Wix's 4 h: a 401 heals a wrong guess, while no life
/// at all would renew for every call. Negative means dead on arrival, huge is capped.
std::chrono::seconds lifeOf(const json::value* value) {
    double seconds = static_cast<double>(defaultLife.count());
    if (value && value->is_number()) {
        seconds = value->to_number<double>();
    } else if (value && value->is_string()) {
        seconds = decimal(value->get_string()).value_or(seconds);
    }
    if (!std::isfinite(seconds)) seconds = static_cast<double>(defaultLife.count());
    seconds = std::clamp(seconds, 0.0, static_cast<double>(longestLife.count()));
    return std::chrono::seconds(static_cast<std::chrono::seconds::rep>(seconds));
}

Failure failureOf(Errc code, const HttpReply& reply, std::string detail) {
    Failure failure(
        code, std::string(endpoint) + ": HTTP " + std::to_string(reply.status) + (detail.empty() ? "" : " ") + detail);
    failure.requestId = std::string(findHeader(reply.headers, "x-wix-request-id").value_or(std::string_view()));
    return failure;
}

/// An error code is shown if it looks like one: words of one case, and few digits. Free text of an endpoint that handles
/// secrets is not, and neither is what may be a token.
std::string shown(std::string_view code) {
    const auto count = [&](char first, char last) {
        return std::count_if(code.begin(), code.end(), [&](char c) { return c >= first && c <= last; });
    };
    const auto lower = count('a', 'z'), upper = count('A', 'Z'), digits = count('0', '9');
    const auto marks = count('_', '_') + count('-', '-');
    const bool plain = !code.empty() && code.size() <= 64 && (lower == 0 || upper == 0) && digits <= 5 &&
                       static_cast<std::size_t>(lower + upper + digits + marks) == code.size();
    return plain ? std::string(code) : "with an error";
}

/// What the endpoint's clock shows, if it says so.
std::optional<WallTime> dateOf(const HttpReply& reply, WallTime wallNow) {
    const auto date = findHeader(reply.headers, "date");
    return date ? parseHttpDate(*date, wallNow) : std::nullopt;
}

/// Whether a validation error is about the client id, as far as one can tell: it names it, or it names nothing.
bool isAboutClientId(const json::object& validationError) {
    const json::value* violations = member(validationError, "fieldViolations");
    const json::array* all = violations ? violations->if_array() : nullptr;
    if (!all || all->empty()) return true;
    return std::any_of(all->begin(), all->end(), [](const json::value& violation) {
        const json::object* object = violation.if_object();
        const std::string field = object ? text(*object, "field") : std::string();
        return field == "clientId" || field == "client_id";
    });
}

TokenAnswer readGrant(const HttpReply& reply, WallTime wallNow) {
    TokenAnswer answer;
    const JsonBody body = parseJsonBody(reply.body);
    const json::object* object = body.value.if_object();
    if (!object) {
        // Cut JSON may be the remains of a rotation; a page of HTML is somebody else's answer.
        std::string_view text = withoutByteOrderMark(reply.body);
        text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
        answer.verdict = text.starts_with('{') ? TokenVerdict::lost : TokenVerdict::transient;
        answer.failure = failureOf(Errc::token_unavailable, reply, "without a readable body");
        return answer;
    }
    answer.accessToken = text(*object, "access_token");
    answer.refreshToken = text(*object, "refresh_token");
    answer.expiresIn = lifeOf(member(*object, "expires_in"));
    const char* objection = objectionTo(answer.accessToken, answer.refreshToken);
    // Which of the two is meant, each reader on the way decides for itself.
    if (writtenMembers(body.repaired.empty() ? reply.body : body.repaired) != object->size())
        objection = "with a member that comes twice";
    if (objection) {
        answer.failure = failureOf(Errc::token_unavailable, reply, objection);
        answer.accessToken.clear();
        answer.refreshToken.clear();
        return answer;
    }
    answer.verdict = TokenVerdict::granted;
    answer.date = dateOf(reply, wallNow);
    return answer;
}

bool isConfigurationError(std::string_view code) {
    return code == "invalid_client" || code == "invalid_request" || code == "unauthorized_client" ||
           code == "unsupported_grant_type" || code == "invalid_scope";
}

/// Whether a code says that the endpoint is busy or broken, whatever the status. `code` is normalized.
bool isPassingCondition(std::string_view code) {
    return code == "temporarily_unavailable" || code == "server_error" || code == "slow_down" ||
           code.starts_with("rate_limit") || code.starts_with("too_many");
}

/// Error codes are compared without case, and `-` equals `_`.
std::string normalized(std::string code) {
    std::transform(code.begin(), code.end(), code.begin(), [](char c) {
        if (c == '-') return '_';
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return code;
}

/// A code is a string or a number.
std::string codeText(const json::object& object, std::string_view name) {
    const json::value* found = member(object, name);
    if (!found || !found->is_number()) return text(object, name);
    return json::serialize(*found);
}

/// The code of an error in OAuth's form (RFC 6749, 5.2); empty if the body has another form. Web frameworks and gateways
/// also have a member `error`: with the reason phrase of the status, and beside members that describe the request.
std::string oauthCode(const json::object& object) {
    const std::string code = normalized(text(object, "error"));
    const bool isToken = std::all_of(code.begin(), code.end(), [](char c) { return c > ' ' && c < '\x7F'; });
    const bool isReasonPhrase = code == "unauthorized" || code == "forbidden";
    const bool describesRequest = object.contains("statusCode") || object.contains("status") ||
                                  object.contains("timestamp") || object.contains("path");
    if (!isToken || describesRequest || (isReasonPhrase && text(object, "error_description").empty()))
        return std::string();
    return code;
}

TokenAnswer readError(const HttpReply& reply, WallTime wallNow) {
    TokenAnswer answer;
    if (const auto after = findHeader(reply.headers, "retry-after"))
        answer.retryAfter = parseRetryAfter(*after, dateOf(reply, wallNow).value_or(wallNow));
    const auto verdict = [&](TokenVerdict is, Errc code, std::string detail) {
        answer.verdict = is;
        answer.failure = failureOf(code, reply, std::move(detail));
        return answer;
    };
    const bool maybeRejection =
        reply.status == 400 || reply.status == 401 || reply.status == 403 || reply.status == 404;
    const JsonBody body = maybeRejection ? parseJsonBody(reply.body) : JsonBody();
    const json::object* object = body.value.if_object();
    if (!object) return verdict(TokenVerdict::transient, Errc::token_unavailable, "");

    const std::string oauth = oauthCode(*object);
    // A refusal for some time says nothing about the refresh token.
    const bool isForSomeTime = findHeader(reply.headers, "retry-after").has_value();
    if (oauth == "invalid_grant" && !isForSomeTime) return verdict(TokenVerdict::rejected, Errc::session_lost, oauth);
    if (isConfigurationError(oauth)) return verdict(TokenVerdict::misconfigured, Errc::misconfigured, oauth);
    const json::object* details = objectMember(*object, "details");
    const json::object* validation = details ? objectMember(*details, "validationError") : nullptr;
    if (validation && isAboutClientId(*validation))
        return verdict(TokenVerdict::misconfigured, Errc::misconfigured, "validation error");
    // An unknown client id names `appRuntimeKeys` or the app id in its text.
    const std::string message = text(*object, "message");
    if (message.find("appRuntimeKeys") != std::string::npos || message.find("appDefId") != std::string::npos)
        return verdict(TokenVerdict::misconfigured, Errc::misconfigured, "about the client id");

    const json::object* application = details ? objectMember(*details, "applicationError") : nullptr;
    const std::string shownWix = application ? codeText(*application, "code") : text(*object, "errorCode");
    const std::string wix = normalized(shownWix);
    // A bare `message` is what gateways and firewalls send; Wix's own errors have `details` beside it.
    const bool wixForm = !message.empty() && details;
    const bool isError = !oauth.empty() || application || validation || !wix.empty() ||
                         !text(*object, "errorDescription").empty() || wixForm;
    if (!isError) return verdict(TokenVerdict::transient, Errc::token_unavailable, "");
    const std::string detail = shown(oauth.empty() ? shownWix : text(*object, "error"));
    if (isForSomeTime || isPassingCondition(oauth) || isPassingCondition(wix))
        return verdict(TokenVerdict::transient, Errc::token_unavailable, detail);
    answer.status = reply.status;
    answer.errorCode = oauth.empty() ? wix : oauth;
    return verdict(TokenVerdict::ambiguous, Errc::token_unavailable, detail);
}

}  // namespace

std::string tokenRequestBody(Grant grant, const std::string& clientId, const std::string& refreshToken) {
    json::object body;
    body["clientId"] = clientId;
    body["grantType"] = grant == Grant::anonymous ? "anonymous" : "refresh_token";
    if (grant == Grant::refreshToken) body["refreshToken"] = refreshToken;
    return json::serialize(body);
}

TokenAnswer readTokenAnswer(const HttpReply& reply, WallTime wallNow) {
    return reply.status == 200 ? readGrant(reply, wallNow) : readError(reply, wallNow);
}

TokenAnswer noTokenAnswer(Failure failure) {
    TokenAnswer answer;
    answer.verdict = failure.maybeSent ? TokenVerdict::lost : TokenVerdict::transient;
    answer.failure = std::move(failure);
    answer.failure.maybeSent = false;
    if (answer.failure.code == Errc::maybe_sent) answer.failure.code = Errc::connection_lost;
    return answer;
}

}  // namespace wix::detail
