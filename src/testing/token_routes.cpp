#include "testing/token_routes.hpp"

#include <boost/json/parse.hpp>

#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

[[noreturn]] void refuse(std::string_view error, std::string_view description) {
    json::object body;
    body["error"] = error;
    body["error_description"] = description;
    throw Refusal(HttpReply(400, body));
}

// A form says so in its Content-Type; everything else has to be JSON, whatever it says.
HeaderList fieldsOf(const HttpRequest& request) {
    const bool isForm = request.header("Content-Type").starts_with("application/x-www-form-urlencoded");
    if (isForm) return parseForm(request.body);
    boost::system::error_code error;
    const json::value body = json::parse(request.body, error);
    if (error || !body.is_object()) refuse("invalid_request", "The body is neither JSON nor a form");
    HeaderList fields;
    for (const auto& member : body.get_object()) {
        if (member.value().is_string()) fields.emplace_back(member.key(), std::string(member.value().get_string()));
    }
    return fields;
}

std::string field(const HeaderList& fields, std::string_view camelCase, std::string_view snakeCase) {
    for (const auto& [name, value] : fields) {
        if (name == camelCase || name == snakeCase) return value;
    }
    return {};
}

void checkClientId(std::string_view clientId) {
    if (isGuid(clientId)) return;
    throw Refusal(validationError("appRuntimeKeys.appId", "app id is not a valid GUID", "FORMAT"));
}

HttpReply grant(Tokens& tokens, const Call& call) {
    const HeaderList fields = fieldsOf(call.request);
    const std::string type = field(fields, "grantType", "grant_type");
    const std::string clientId = field(fields, "clientId", "client_id");
    IssuedTokens issued;
    if (type == "anonymous") {
        checkClientId(clientId);
        issued = tokens.issueAnonymous(clientId, call.now);
    } else if (type == "refresh_token") {
        if (!clientId.empty()) checkClientId(clientId);
        const std::string refreshToken = field(fields, "refreshToken", "refresh_token");
        if (refreshToken.empty()) refuse("invalid_request", "refresh_token is missing");
        std::optional<IssuedTokens> renewed = tokens.renew(refreshToken, clientId, call.now);
        if (!renewed) refuse("invalid_grant", "The refresh token is invalid, expired or revoked");
        issued = std::move(*renewed);
    } else if (type.empty()) {
        refuse("invalid_request", "grant_type is missing");
    } else {
        refuse("unsupported_grant_type", "This fake knows anonymous and refresh_token");
    }
    json::object body;
    body["access_token"] = issued.access;
    if (!issued.refresh.empty()) body["refresh_token"] = issued.refresh;
    body["expires_in"] = issued.expiresIn.count();
    body["token_type"] = "Bearer";
    return HttpReply(200, body);
}

HttpReply info(const Tokens& tokens, const Call& call) {
    const std::string token = field(fieldsOf(call.request), "token", "token");
    const std::optional<TokenHolder> holder = tokens.inspect(token, call.now);
    json::object body;
    body["active"] = holder.has_value();
    if (holder) {
        const auto seconds = [](Time time) {
            return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
        };
        body["subjectType"] = "VISITOR";
        body["subjectId"] = holder->visitorId;
        body["clientId"] = holder->clientId;
        body["exp"] = std::to_string(seconds(holder->expires));
        body["iat"] = std::to_string(seconds(holder->issued));
        body["siteId"] = tokens.issuer().siteId;
        body["instanceId"] = tokens.issuer().instanceId;
    }
    return HttpReply(200, body);
}

}  // namespace

bool isGrantType(std::string_view text) noexcept {
    return text.empty() || text == "anonymous" || text == "refresh_token";
}

TokenRequestMatch readTokenRequest(const HttpRequest& request) {
    try {
        const HeaderList fields = fieldsOf(request);
        return TokenRequestMatch(field(fields, "grantType", "grant_type"),
                                 field(fields, "refreshToken", "refresh_token"));
    } catch (const Refusal&) {
        return TokenRequestMatch();
    }
}

void addTokenRoutes(Router& router, Tokens& tokens) {
    router.add(Route("token", "POST", "/oauth2/token", Access::open, Effect::read,
                     [&tokens](const Call& call) { return grant(tokens, call); }));
    router.add(Route("token-info", "POST", "/oauth2/token-info", Access::open, Effect::read,
                     [&tokens](const Call& call) { return info(tokens, call); }));
}

}  // namespace wix::testing::detail
