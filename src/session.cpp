#include "session.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <wix/version.hpp>

#include "auth/control_visitor.hpp"
#include "call/api_error.hpp"
#include "call/call_state.hpp"
#include "call/option_rules.hpp"
#include "http/header_rules.hpp"

namespace wix::detail {
namespace {

constexpr std::string_view userAgent = "wix-cpp/" WIX_VERSION_STRING;
static_assert(std::string_view(WIX_VERSION) == WIX_VERSION_STRING, "wix/version.hpp has another version than CMake");
constexpr std::size_t maxTokenResponse = std::size_t{1} << 20;  // two tokens of 64 KiB, and whatever comes with them

/// A later field of the same name replaces an earlier one.
void setHeader(Headers& headers, Header field) {
    const auto same = std::find_if(headers.begin(), headers.end(),
                                   [&](const Header& there) { return equalsIgnoreCase(there.first, field.first); });
    if (same == headers.end())
        headers.push_back(std::move(field));
    else
        *same = std::move(field);
}

ApiBase baseOrThrow(const char* option, const std::string& url, const ClientOptions& options) {
    auto base = parseApiBase(option, url, options.allowPlainHttpToLoopback);
    if (base.has_error()) throw Error(std::move(base).error());
    return std::move(*base);
}

void takeOptions(WireRequest& made, const ClientOptions& options, std::size_t headers) {
    made.headers.reserve(headers);
    made.headers.emplace_back("User-Agent", userAgent);
    made.timeouts = options.timeouts;
    made.maxHeaderBytes = options.maxHeaderBytes;
    made.maxBodyBytes = options.maxResponseBytes;
}

/// The token request, but for its body. Source: the JavaScript SDK's OAuthStrategy sends JSON without authorization.
WireRequest tokenRequest(const OAuthStrategy& strategy, const ClientOptions& options, const ApiBase& api) {
    WireRequest made;
    takeOptions(made, options, 3 + strategy.tokenRequestHeaders.size());
    made.origin = api.origin;
    made.method = "POST";
    made.target = api.pathPrefix + "/oauth2/token";
    made.maxBodyBytes = std::min(made.maxBodyBytes, maxTokenResponse);
    made.maxErrorBodyBytes = maxErrorBody;
    made.decodesAlways = true;
    made.headers.emplace_back("Cache-Control", "no-store");
    for (const Header& field : strategy.tokenRequestHeaders) setHeader(made.headers, field);
    setHeader(made.headers, Header("Content-Type", "application/json"));
    return made;
}

/// The one control of this transport, client id, endpoint and set of token request headers.
std::shared_ptr<ControlVisitor> controlOf(const SessionCommon& common) {
    const WireRequest& request = common.tokens.request;
    const std::string& clientId = common.tokens.strategy.clientId;
    std::vector<std::string> fields;
    for (const auto& [name, value] : request.headers) {
        std::string field = name;
        std::transform(field.begin(), field.end(), field.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        fields.push_back(field + ":" + value);
    }
    std::sort(fields.begin(), fields.end());
    std::string name = "control\n" + request.describe() + "\n" + clientId;
    for (const std::string& field : fields) name += "\n" + field;
    const auto make = [&]() -> std::shared_ptr<SharedObjects::Object> {
        return std::make_shared<ControlVisitor>(common.transport, request, clientId, *common.clock);
    };
    return std::static_pointer_cast<ControlVisitor>(common.transport->sharedObjects().get(name, make));
}

}  // namespace

SessionCommon::SessionCommon(std::shared_ptr<HttpTransport> shared, bool owns, OAuthStrategy strategy,
                             ClientOptions given, const Clock& time)
    : options(std::move(given)),
      bases{baseOrThrow("ClientOptions::apiUrl", options.apiUrl, options),
            baseOrThrow("ClientOptions::edgeUrl", options.edgeUrl, options)},
      api(bases[0]),
      edge(bases[1]),
      transport(std::move(shared)),
      ownsTransport(owns),
      clock(&time) {
    tokens.request = tokenRequest(strategy, options, api);
    tokens.strategy = std::move(strategy);
    tokens.strategy.tokens = Tokens();
    tokens.strategy.sessionKey.clear();
    tokens.transport = transport;
    tokens.clock = clock;
    tokens.observer = options.observer;
    tokens.control = [this] { return controlOf(*this); };
}

namespace {

/// The name of a session's record. The first `/` in it ends the client id, so that no two sessions share a name. A GUID is
/// not changed.
std::string recordName(std::string_view clientId, std::string_view sessionKey) {
    std::string name;
    name.reserve(clientId.size() + 1 + sessionKey.size());  // kept by each idle session
    for (const char c : clientId) {
        if (c == '/')
            name += "%2F";
        else if (c == '%')
            name += "%25";
        else
            name.push_back(c);
    }
    if (!sessionKey.empty()) name.append("/").append(sessionKey);
    return name;
}

/// The stack, from the top: calls -> tokens -> transport. The tokens use the bare transport, so that asking for one
/// never asks for one.
std::shared_ptr<TokenManager> makeTokenManager(const std::shared_ptr<const SessionCommon>& common,
                                               const std::string& sessionKey, const Tokens& initial) {
    const ContextUse use(common->transport->context());
    if (!use)
        throw Error(
            Failure(boost::asio::error::operation_aborted, "the io_context of the transport has been destroyed"));
    return std::make_shared<TokenManager>(common->transport->executor(),
                                          std::shared_ptr<const TokenManagerSetup>(common, &common->tokens),
                                          recordName(common->tokens.strategy.clientId, sessionKey), initial);
}

}  // namespace

Session::Session(std::shared_ptr<HttpTransport> transport, bool owns, OAuthStrategy strategy, ClientOptions options,
                 const Clock& clock)
    : Session(std::make_shared<SessionCommon>(std::move(transport), owns, strategy, std::move(options), clock),
              strategy.sessionKey, strategy.tokens) {}

Session::Session(std::shared_ptr<const SessionCommon> shared, const std::string& sessionKey, const Tokens& initial)
    : common(std::move(shared)),
      tokens(makeTokenManager(common, sessionKey, initial)),
      consistency(std::make_shared<Consistency>()) {}

Session::Session(std::shared_ptr<const SessionCommon> shared, const std::shared_ptr<Session>& home)
    : common(std::move(shared)), tokens(home, home->tokens.get()), consistency(home->consistency), isView_(true) {}

/// In the child of a fork nothing is posted: the parent's io_context would be woken. Nor if there is nothing to end: nobody
/// else has the tokens, so that nothing can begin any more.
Session::~Session() {
    if (isView_ || common->transport->checkProcess() || tokens->isIdle()) return;
    tokens->abandon();
}

CallEnvironment Session::calls() const {
    CallEnvironment made;
    made.tokens = tokens.get();
    made.transport = common->transport.get();
    made.consistency = consistency.get();
    made.tokenOrigin = &common->api.origin;
    made.retry = common->options.retry;
    made.clock = common->clock;
    return made;
}

result<std::shared_ptr<WireRequest>> prepare(const Session& session, const Request& request,
                                             const ApiBase& relativeTo) {
    CallDraft draft(request.method(), request.target(), request.options());
    draft.body = request.body();
    draft.source = request.source();
    draft.contentType = request.contentType();
    return prepare(session, draft, relativeTo);
}

result<std::shared_ptr<WireRequest>> prepare(const Session& session, CallDraft& draft, const ApiBase& relativeTo) {
    const SessionCommon& common = *session.common;
    if (auto bad = checkMethod(draft.method)) return std::move(*bad);
    auto resolved = resolveTarget(draft.target, relativeTo, common.bases);
    if (resolved.has_error()) return std::move(resolved).error();
    if (auto bad = checkCallerHeaders(draft.options.headers)) return std::move(*bad);
    if (auto bad = checkMaxRedirects(draft.options.maxRedirects)) return std::move(*bad);
    if (!draft.contentType.empty())
        if (auto bad = checkHeader("Content-Type", draft.contentType)) return std::move(*bad);

    auto made = std::make_shared<WireRequest>();
    takeOptions(*made, common.options, 3 + common.options.headers.size() + draft.options.headers.size());
    made->origin = std::move(resolved->origin);
    made->target = std::move(resolved->target);
    made->method = draft.method;
    made->idempotent = draft.options.idempotent.value_or(isIdempotent(made->method, made->target) ||
                                                         hasIdempotencyKey(draft.options.headers));
    made->body = std::move(draft.body);
    made->source = std::move(draft.source);
    if (!draft.contentType.empty()) made->headers.emplace_back("Content-Type", std::move(draft.contentType));
    for (const Header& field : common.options.headers) setHeader(made->headers, field);
    if (draft.acceptsJson) setHeader(made->headers, Header("Accept", "application/json"));
    for (Header& field : draft.options.headers) setHeader(made->headers, std::move(field));
    made->observer = common.options.observer;
    return made;
}

}  // namespace wix::detail
