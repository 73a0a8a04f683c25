#include <wix/client.hpp>

#include <boost/json/serialize.hpp>

#include <utility>

#include <wix/json.hpp>

#include "call/api_error.hpp"
#include "call/option_rules.hpp"
#include "http/proxy_rules.hpp"
#include "session.hpp"

namespace asio = boost::asio;
namespace json = boost::json;

namespace wix {
namespace {

using detail::CallDraft;
using detail::HttpReply;
using detail::SessionPtr;
using detail::SnapshotPtr;
using detail::WaitLimits;

[[noreturn]] void fail(Failure failure) { throw_exception_from_error(failure, boost::source_location()); }

void check(std::optional<Failure> failure) {
    if (failure) throw Error(std::move(*failure));
}

// Everything below takes its arguments by value, the session among them: an operation may start after the handle and
// the caller's variables have gone.

const Tokens& tokensOf(const result<SnapshotPtr>& snapshot) {
    if (snapshot.has_error()) fail(snapshot.error());
    return (*snapshot)->tokens;
}

/// First of all in each operation: nothing of the parent's is touched in the child of a fork.
WaitLimits callLimits(const detail::Session& session, const CallOptions& options) {
    check(session.common->transport->checkProcess());
    const auto timeout = options.timeout.value_or(session.common->options.timeouts.call);
    check(detail::checkCallTimeout(timeout));
    return WaitLimits(detail::MonotonicClock::now() + timeout, options.stopToken);
}

WaitLimits tokenLimits(const detail::Session& session) { return callLimits(session, CallOptions()); }

asio::awaitable<Tokens> generate(SessionPtr session) {
    const WaitLimits limits = tokenLimits(*session);
    if (const SnapshotPtr fresh = session->tokens->fresh()) co_return fresh->tokens;
    const result<SnapshotPtr> usable = co_await session->tokens->usable(limits);
    co_return tokensOf(usable);
}

asio::awaitable<Tokens> generateFrom(SessionPtr session, Tokens tokens) {
    if (tokens.empty()) co_return co_await generate(session);
    const WaitLimits limits = tokenLimits(*session);
    check(detail::checkTokens(tokens, "generateVisitorTokens(tokens)"));
    const result<SnapshotPtr> usable = co_await session->tokens->adopt(std::move(tokens), true, limits);
    co_return tokensOf(usable);
}

asio::awaitable<Tokens> renew(SessionPtr session) {
    const result<SnapshotPtr> renewed = co_await session->tokens->renew(tokenLimits(*session));
    co_return tokensOf(renewed);
}

asio::awaitable<Tokens> renewFrom(SessionPtr session, RefreshToken refreshToken) {
    if (refreshToken.value.empty()) throw Error(Errc::no_session, "renewToken(refreshToken) with an empty token");
    if (refreshToken.role == TokenRole::none) refreshToken.role = TokenRole::visitor;
    check(detail::checkTokens(Tokens(AccessToken(), refreshToken), "renewToken(refreshToken)"));
    const result<SnapshotPtr> renewed = co_await session->tokens->renew(std::move(refreshToken), tokenLimits(*session));
    co_return tokensOf(renewed);
}

asio::awaitable<Tokens> active(SessionPtr session) {
    const result<SnapshotPtr> active = co_await session->tokens->active(tokenLimits(*session));
    co_return tokensOf(active);
}

asio::awaitable<void> replace(SessionPtr session, Tokens tokens) {
    check(detail::checkTokens(tokens, "setTokens(tokens)"));
    const result<SnapshotPtr> adopted =
        co_await session->tokens->adopt(std::move(tokens), false, tokenLimits(*session));
    tokensOf(adopted);
}

asio::awaitable<bool> isMember(SessionPtr session) {
    const Tokens tokens = co_await active(session);
    co_return tokens.refreshToken.role == TokenRole::member;
}

/// A call whose answer is given whatever its status.
class Fetch {
public:
    using Result = Response;
    Fetch(SessionPtr session, Request request, std::shared_ptr<BodySink> sink)
        : session_(std::move(session)), request_(std::move(request)), sink_(std::move(sink)) {}

    detail::Call begin() {
        const WaitLimits limits = callLimits(*session_, request_.options());
        auto prepared = detail::prepare(*session_, request_, session_->common->api);
        if (prepared.has_error()) fail(prepared.error());
        (*prepared)->sink = std::move(sink_);
        return detail::Call(session_->calls(), std::move(*prepared), limits, request_.options().maxRedirects);
    }
    Response end(result<HttpReply> reply) {
        if (reply.has_error()) fail(reply.error());
        return Response(reply->status, std::move(reply->headers), std::move(reply->body));
    }

private:
    SessionPtr session_;
    Request request_;
    std::shared_ptr<BodySink> sink_;
};

/// A call whose answer is JSON, or an error.
class JsonCall {
public:
    using Result = json::value;
    JsonCall(SessionPtr session, CallDraft draft, bool throughEdge)
        : session_(std::move(session)), draft_(std::move(draft)), throughEdge_(throughEdge) {}

    detail::Call begin() {
        const WaitLimits limits = callLimits(*session_, draft_.options);
        draft_.acceptsJson = true;
        const detail::SessionCommon& common = *session_->common;
        auto prepared = detail::prepare(*session_, draft_, throughEdge_ ? common.edge : common.api);
        if (prepared.has_error()) fail(prepared.error());
        (*prepared)->maxErrorBodyBytes = detail::maxErrorBody;
        (*prepared)->decodesAlways = true;
        return detail::Call(session_->calls(), std::move(*prepared), limits, draft_.options.maxRedirects);
    }
    json::value end(result<HttpReply> reply) {
        if (reply.has_error()) fail(reply.error());
        const Response response(reply->status, std::move(reply->headers), std::move(reply->body));
        if (!response.ok())
            throw ApiError(name(), detail::readApiError(response.status(), response.body(), response.requestId()));
        try {
            return response.json();
        } catch (const Error& error) {
            Failure failure = error.failure();
            failure.context = name() + ": " + failure.context;
            throw Error(std::move(failure));
        }
    }

private:
    /// For error texts: without the query, which may hold secrets.
    std::string name() const { return draft_.method + " " + draft_.target.substr(0, draft_.target.find('?')); }

    SessionPtr session_;
    CallDraft draft_;
    bool throughEdge_;
};

asio::awaitable<Response> fetchResponse(SessionPtr session, Request request, std::shared_ptr<BodySink> sink) {
    return detail::perform(Fetch(std::move(session), std::move(request), std::move(sink)));
}

asio::awaitable<json::value> callJson(SessionPtr session, CallDraft draft, bool throughEdge) {
    return detail::perform(JsonCall(std::move(session), std::move(draft), throughEdge));
}

asio::awaitable<json::value> withoutBody(SessionPtr session, const char* method, std::string path,
                                         CallOptions options) {
    const bool throughEdge = session->common->options.useCDN;
    return callJson(std::move(session), CallDraft(method, std::move(path), std::move(options)), throughEdge);
}

CallDraft withJson(const char* method, std::string path, const json::value& body, CallOptions options) {
    CallDraft draft(method, std::move(path), std::move(options));
    draft.body = json::serialize(body);
    draft.contentType = "application/json";
    return draft;
}

asio::awaitable<json::value> withBody(SessionPtr session, const char* method, std::string path, const json::value& body,
                                      CallOptions options) {
    const bool throughEdge = session->common->options.useCDN;
    return callJson(std::move(session), withJson(method, std::move(path), body, std::move(options)), throughEdge);
}

asio::awaitable<json::value> queryGraph(SessionPtr session, CallDraft draft) {
    json::value answer = co_await callJson(std::move(session), std::move(draft), false);
    if (json::object* object = answer.if_object(); object && !object->contains("data"))
        object->emplace("data", json::object());
    co_return answer;
}

asio::awaitable<void> closeSession(SessionPtr session) {
    check(session->common->transport->checkProcess());
    const result<SnapshotPtr> ended = co_await session->tokens->close();
    // Who was cancelled waits no longer, but what has been sent goes on over these connections.
    const bool cancelled = ended.has_error() && ended.error().code == asio::error::operation_aborted;
    if (session->common->ownsTransport && !cancelled) session->common->transport->close();
    // A drain that took too long was cut; there is nothing that the caller could do about it.
    if (ended.has_error() && ended.error().code != Errc::timeout) fail(ended.error());
}

}  // namespace

// -- Composition -------------------------------------------------------------------------------------------------------

Transport::Transport(asio::any_io_executor executor, TransportOptions options) {
    check(detail::checkOptions(options));
    check(detail::checkProxy(options.proxy));
    detail::TlsContextPtr tls;
    // What was given is read now, so that a wrong file is told at once; the system's store alone when it is needed.
    if (detail::namesFilesOrPins(options.tls)) {
        auto made = detail::makeTlsContext(options.tls);
        if (made.has_error()) throw Error(std::move(made).error());
        tls = std::move(*made);
    }
    impl_ = std::make_shared<detail::HttpTransport>(std::move(executor), std::move(options), std::move(tls));
}

namespace {
SessionPtr makeSession(std::shared_ptr<detail::HttpTransport> transport, bool owns, OAuthStrategy strategy,
                       ClientOptions options) {
    check(transport->checkProcess());
    check(detail::checkStrategy(strategy));
    check(detail::checkOptions(options));
    return std::make_shared<detail::Session>(std::move(transport), owns, std::move(strategy), std::move(options));
}
}  // namespace

Client::Client(asio::any_io_executor executor, OAuthStrategy strategy, ClientOptions options) {
    Transport own(std::move(executor), options.transport);
    session_ = makeSession(std::move(own.impl_), true, std::move(strategy), std::move(options));
}

Client::Client(Transport transport, OAuthStrategy strategy, ClientOptions options)
    : session_(makeSession(std::move(transport.impl_), false, std::move(strategy), std::move(options))) {}

// -- The public functions: each hands the session on -------------------------------------------------------------------

namespace {
asio::awaitable<void> closeTransport(std::shared_ptr<detail::HttpTransport> transport) {
    check(transport->checkProcess());
    transport->close();
    co_return;
}

asio::awaitable<void> drainTransport(std::shared_ptr<detail::HttpTransport> transport,
                                     std::chrono::milliseconds longest) {
    check(transport->checkProcess());
    check(detail::checkDrainTime(longest));
    const WaitLimits limits(detail::MonotonicClock::now() + longest, std::stop_token());
    co_await detail::HttpTransport::drain(std::move(transport), limits);
}
}  // namespace

asio::awaitable<void> Transport::close() const { return closeTransport(impl_); }
asio::awaitable<void> Transport::close(std::chrono::milliseconds drain) const { return drainTransport(impl_, drain); }
asio::any_io_executor Transport::executor() const { return impl_->executor(); }
std::size_t Transport::openConnections() const { return impl_->checkProcess() ? 0 : impl_->openConnections(); }

asio::awaitable<Tokens> Client::generateVisitorTokens() const { return generate(session_); }
asio::awaitable<Tokens> Client::generateVisitorTokens(Tokens tokens) const {
    return generateFrom(session_, std::move(tokens));
}
asio::awaitable<Tokens> Client::renewToken() const { return renew(session_); }
asio::awaitable<Tokens> Client::renewToken(RefreshToken refreshToken) const {
    return renewFrom(session_, std::move(refreshToken));
}
asio::awaitable<Tokens> Client::getTokens() const { return active(session_); }
asio::awaitable<void> Client::setTokens(Tokens tokens) const { return replace(session_, std::move(tokens)); }
asio::awaitable<bool> Client::loggedIn() const { return isMember(session_); }

asio::awaitable<Response> Client::fetch(Request request) const {
    return fetchResponse(session_, std::move(request), nullptr);
}
asio::awaitable<Response> Client::fetch(Request request, std::shared_ptr<BodySink> sink) const {
    return fetchResponse(session_, std::move(request), std::move(sink));
}
asio::awaitable<json::value> Client::get(std::string path, CallOptions options) const {
    return withoutBody(session_, "GET", std::move(path), std::move(options));
}
asio::awaitable<json::value> Client::post(std::string path, CallOptions options) const {
    return withoutBody(session_, "POST", std::move(path), std::move(options));
}
asio::awaitable<json::value> Client::post(std::string path, json::value body, CallOptions options) const {
    return withBody(session_, "POST", std::move(path), body, std::move(options));
}
asio::awaitable<json::value> Client::put(std::string path, json::value body, CallOptions options) const {
    return withBody(session_, "PUT", std::move(path), body, std::move(options));
}
asio::awaitable<json::value> Client::patch(std::string path, json::value body, CallOptions options) const {
    return withBody(session_, "PATCH", std::move(path), body, std::move(options));
}
asio::awaitable<json::value> Client::del(std::string path, CallOptions options) const {
    return withoutBody(session_, "DELETE", std::move(path), std::move(options));
}
asio::awaitable<json::value> Client::graphql(std::string query, json::value variables, CallOptions options) const {
    const json::value body = object("query", std::move(query), "variables", std::move(variables));
    return queryGraph(session_, withJson("POST", "/graphql/alpha", body, std::move(options)));
}
asio::awaitable<void> Client::close() const { return closeSession(session_); }

}  // namespace wix
