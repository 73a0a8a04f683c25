#include "session.hpp"

#include <algorithm>
#include <array>

#include "call/call_state.hpp"
#include "call/option_rules.hpp"
#include "http/header_rules.hpp"

namespace wix::detail {
namespace {

constexpr std::string_view userAgent = "wix-cpp/" WIX_VERSION;

/// A later field of the same name replaces an earlier one.
void setHeader(Headers& headers, const Header& field) {
    const auto same = std::find_if(headers.begin(), headers.end(),
                                   [&](const Header& there) { return equalsIgnoreCase(there.first, field.first); });
    if (same == headers.end())
        headers.push_back(field);
    else
        *same = field;
}

ApiBase baseOrThrow(const char* option, const std::string& url, const ClientOptions& options) {
    auto base = parseApiBase(option, url, options.allowPlainHttpToLoopback);
    if (base.has_error()) throw Error(std::move(base).error());
    return std::move(*base);
}

WireRequest basicRequest(const ClientOptions& options) {
    WireRequest made;
    made.headers.emplace_back("User-Agent", userAgent);
    made.timeouts = options.timeouts;
    made.maxHeaderBytes = options.maxHeaderBytes;
    made.maxBodyBytes = options.maxResponseBytes;
    return made;
}

/// The token request, but for its body. Source: the JavaScript SDK's OAuthStrategy sends JSON without authorization.
WireRequest tokenRequest(const OAuthStrategy& strategy, const ClientOptions& options, const ApiBase& api) {
    WireRequest made = basicRequest(options);
    made.origin = api.origin;
    made.method = "POST";
    made.target = api.pathPrefix + "/oauth2/token";
    made.urgent = true;
    for (const Header& field : strategy.tokenRequestHeaders) setHeader(made.headers, field);
    setHeader(made.headers, Header("Content-Type", "application/json"));
    return made;
}

}  // namespace

SessionCommon::SessionCommon(std::shared_ptr<HttpTransport> shared, bool owns, OAuthStrategy strategy,
                             ClientOptions given, const Clock& time)
    : options(std::move(given)),
      api(baseOrThrow("ClientOptions::apiUrl", options.apiUrl, options)),
      edge(baseOrThrow("ClientOptions::edgeUrl", options.edgeUrl, options)),
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
}

namespace {

/// The stack, from the top: calls -> tokens -> transport. The tokens use the bare transport, so that asking for one
/// never asks for one.
std::shared_ptr<TokenManager> makeTokenManager(const std::shared_ptr<const SessionCommon>& common,
                                               const std::string& sessionKey, const Tokens& initial) {
    const std::string& clientId = common->tokens.strategy.clientId;
    return std::make_shared<TokenManager>(common->transport->executor(),
                                          std::shared_ptr<const TokenManagerSetup>(common, &common->tokens),
                                          sessionKey.empty() ? clientId : clientId + "/" + sessionKey, initial);
}

}  // namespace

Session::Session(std::shared_ptr<HttpTransport> transport, bool owns, OAuthStrategy strategy, ClientOptions options,
                 const Clock& clock)
    : Session(std::make_shared<SessionCommon>(std::move(transport), owns, strategy, std::move(options), clock),
              strategy.sessionKey, strategy.tokens) {}

Session::Session(std::shared_ptr<const SessionCommon> shared, const std::string& sessionKey)
    : Session(std::move(shared), sessionKey, Tokens()) {}

Session::Session(std::shared_ptr<const SessionCommon> shared, const std::string& sessionKey, const Tokens& initial)
    : common(std::move(shared)),
      tokens(makeTokenManager(common, sessionKey, initial)),
      consistency(std::make_shared<Consistency>()) {}

/// In the child of a fork nothing is posted: the parent's io_context would be woken. Nor if there is nothing to end: nobody
/// else has the tokens, so that nothing can begin any more.
Session::~Session() {
    if (common->transport->checkProcess() || (tokens.use_count() == 1 && tokens->isQuiet())) return;
    tokens->abandon();
}

CallEnvironment Session::calls() const {
    CallEnvironment made;
    made.tokens = tokens;
    made.transport = common->transport;
    made.consistency = consistency;
    made.tokenOrigin = common->api.origin;
    made.retry = common->options.retry;
    made.clock = common->clock;
    return made;
}

result<WireRequest> prepare(const Session& session, const Request& request, const ApiBase& relativeTo) {
    if (auto bad = checkMethod(request.method())) return std::move(*bad);
    const std::array<ApiBase, 2> allowed{session.common->api, session.common->edge};
    auto resolved = resolveTarget(request.target(), relativeTo, allowed);
    if (resolved.has_error()) return std::move(resolved).error();
    if (auto bad = checkCallerHeaders(request.options().headers)) return std::move(*bad);
    if (auto bad = checkMaxRedirects(request.options().maxRedirects)) return std::move(*bad);

    WireRequest made = basicRequest(session.common->options);
    made.origin = std::move(resolved->origin);
    made.target = std::move(resolved->target);
    made.method = request.method();
    made.body = request.body();
    made.source = request.source();
    if (!request.contentType().empty()) {
        if (auto bad = checkHeader("Content-Type", request.contentType())) return std::move(*bad);
        setHeader(made.headers, Header("Content-Type", request.contentType()));
    }
    for (const Header& field : session.common->options.headers) setHeader(made.headers, field);
    for (const Header& field : request.options().headers) setHeader(made.headers, field);
    made.idempotent = request.options().idempotent.value_or(isIdempotent(made.method, made.target) ||
                                                            hasIdempotencyKey(request.options().headers));
    made.observer = session.common->options.observer;
    return made;
}

}  // namespace wix::detail
