// One visitor of one site.
#ifndef WIX_CLIENT_HPP
#define WIX_CLIENT_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include <wix/abi.hpp>
#include <wix/body.hpp>
#include <wix/config.hpp>
#include <wix/options.hpp>
#include <wix/request.hpp>
#include <wix/response.hpp>
#include <wix/tokens.hpp>
#include <wix/transport.hpp>

namespace wix {

namespace detail {
class Session;

/// What only `{}` is a list of.
enum class NoMember {};
}  // namespace detail

/// Calls a Wix Headless site as one of its visitors. A handle: copies share the session, its tokens and its cart.
///
/// Tokens are made, confirmed, renewed and saved by themselves at the first call that needs them; calls that need a
/// renewal at the same time share one. No failure of the network or of the token endpoint changes who the visitor is.
///
/// **Lifetime.** Operations are lazy and take their arguments by value; the handle and the arguments may be gone
/// before one starts. Handles and io_contexts may be destroyed in any order: when the caller's io_context is destroyed,
/// the waiting coroutine is destroyed with it and the operation is cancelled; when only the client's is destroyed, the
/// operation fails with operation_aborted. Dropping the last handle is close() without waiting.
///
/// **Thread safety.** All functions may be called from any thread, and awaited on any executor, with or without a
/// strand; an operation completes on the caller's executor. (Asio's rule: who emits a cancellation signal, or uses
/// `&&` and `||`, on a context with several threads, needs a strand for each visit.)
///
/// **Cancellation.** Terminal, partial and total cancellation, and CallOptions::stopToken, end an operation with
/// `boost::asio::error::operation_aborted`. (Of a coroutine started by co_spawn Asio lets only terminal cancellation
/// through, unless it resets its cancellation state.) A renewal that others wait for, or that has been sent, goes on.
///
/// **fork().** What was made before belongs to the parent: in the child every operation, and a new Client on the parent's
/// Transport, fails with Errc::used_after_fork. Make a new Transport or Client there, on a new io_context. The old handles
/// may be dropped in the child, which leaves the parent's connections alone, unless another thread of the parent was at
/// work with them when fork() was called. For the old io_context Asio's own rules hold (`notify_fork`); without them the
/// child must not destroy it.
///
/// **Errors** are Error and ApiError; `co_await wix::asResult(client.get("/..."))` gives them as a value.
class WIX_EXPORT Client {
public:
    /// A client with connections of its own (ClientOptions::transport) on `executor`.
    /// Throws Error with Errc::invalid_argument if an option is malformed.
    Client(boost::asio::any_io_executor executor, OAuthStrategy strategy, ClientOptions options = ClientOptions());

    /// A client that shares connections: a server makes one Transport per io_context and one Client per visitor.
    Client(Transport transport, OAuthStrategy strategy, ClientOptions options = ClientOptions());

    // -- Tokens ------------------------------------------------------------------------------------------------------

    /// Ensures valid tokens and returns them: the active ones if they are valid, renewed if they have expired, those of
    /// a new anonymous visitor if there are none. They are the client's active tokens when this returns, and saved; if
    /// the storage cannot save them the session goes on in memory, and the save is tried again.
    /// Errors: Errc::token_unavailable, misconfigured, session_lost, session_expired, storage_*, and those of the network.
    /// If the token endpoint refuses an expired session without a definite reason, this waits about 10 s for a second
    /// attempt; Errc::token_unavailable then keeps the session, and `setTokens(Tokens{})` ends it.
    boost::asio::awaitable<Tokens> generateVisitorTokens() const;

    /// Adopts `tokens` of an earlier session first, then as above: confirms or renews that session. Tokens of the
    /// session that is active already, older ones included, change nothing. `Tokens{}` is as the form without.
    boost::asio::awaitable<Tokens> generateVisitorTokens(Tokens tokens) const;

    /// Gets a new access token without looking whether the current one is still valid. Concurrent calls share one
    /// exchange. The role stays. Fails with Errc::no_session if there is no refresh token, and within the backoff
    /// after a failed renewal with that renewal's error.
    boost::asio::awaitable<Tokens> renewToken() const;

    /// The same with a refresh token of your own; another one than the active one starts another session. Its role is
    /// taken from `refreshToken`; `none` counts as visitor.
    boost::asio::awaitable<Tokens> renewToken(RefreshToken refreshToken) const;

    /// The active tokens as they are: empty if there is no session yet, maybe expired. Starts nothing; reads the
    /// storage if that has not been done. Errors: Errc::storage_*.
    boost::asio::awaitable<Tokens> getTokens() const;

    /// Replaces the active tokens, and saves them; `Tokens{}` logs out and removes the stored record. A renewal in
    /// flight for the old ones is cut off. Throws Errc::invalid_token (nothing changed), or Errc::storage_* if the
    /// tokens are active but could not be saved.
    boost::asio::awaitable<void> setTokens(Tokens tokens) const;

    /// Whether the active refresh token is a member's. A local label: nothing is sent. Errors: Errc::storage_*.
    boost::asio::awaitable<bool> loggedIn() const;

    // -- Calls -------------------------------------------------------------------------------------------------------

    /// Sends any request with the visitor's authorization and gives the answer, whatever its status. A 401 renews the
    /// token and sends once more; see RetryOptions for the rest. Relative targets go to ClientOptions::apiUrl.
    /// Errors: Errc::invalid_target, invalid_header, those of tokens, of the network, of TLS and of the answer.
    boost::asio::awaitable<Response> fetch(Request request) const;

    /// The same for an answer that is too large for memory: the body of a 2xx goes to `sink` piece by piece, and
    /// Response::body() is empty; ClientOptions::maxResponseBytes holds for other answers only. Once `sink` has had
    /// something nothing is sent again. It is asked for without content coding, unless the request has an
    /// `Accept-Encoding`.
    boost::asio::awaitable<Response> fetch(Request request, std::shared_ptr<BodySink> sink) const;

    /// JSON calls. `path` is as in Request. They give the answer's JSON, null for an empty body; a status outside 2xx
    /// throws ApiError. An error body of more than 64 KiB is not read: its ApiError has the status and no code. JSON has at
    /// most 1 000 000 values and 128 levels. Text that is not UTF-8, and half of a surrogate pair, become U+FFFD.
    /// Errors: those of fetch, Errc::response_not_json, and response_too_large for JSON beyond these limits.
    boost::asio::awaitable<boost::json::value> get(std::string path, CallOptions options = CallOptions()) const;
    boost::asio::awaitable<boost::json::value> post(std::string path, CallOptions options = CallOptions()) const;
    boost::asio::awaitable<boost::json::value> post(std::string path, boost::json::value body,
                                                    CallOptions options = CallOptions()) const;
    boost::asio::awaitable<boost::json::value> put(std::string path, boost::json::value body,
                                                   CallOptions options = CallOptions()) const;
    boost::asio::awaitable<boost::json::value> patch(std::string path, boost::json::value body,
                                                     CallOptions options = CallOptions()) const;
    boost::asio::awaitable<boost::json::value> del(std::string path, CallOptions options = CallOptions()) const;

    /// The same with the body `{}`, an empty object: `client.post(path, {})`.
    boost::asio::awaitable<boost::json::value> post(std::string path, std::initializer_list<detail::NoMember>,
                                                    CallOptions options = CallOptions()) const {
        return post(std::move(path), boost::json::value(boost::json::object()), std::move(options));
    }
    boost::asio::awaitable<boost::json::value> put(std::string path, std::initializer_list<detail::NoMember>,
                                                   CallOptions options = CallOptions()) const {
        return put(std::move(path), boost::json::value(boost::json::object()), std::move(options));
    }
    boost::asio::awaitable<boost::json::value> patch(std::string path, std::initializer_list<detail::NoMember>,
                                                     CallOptions options = CallOptions()) const {
        return patch(std::move(path), boost::json::value(boost::json::object()), std::move(options));
    }

    /// `POST /graphql/alpha`. Gives `{"data", "errors"}` as it came: GraphQL errors are values, `data` is `{}` if
    /// absent. A status outside 2xx throws ApiError.
    boost::asio::awaitable<boost::json::value> graphql(std::string query,
                                                       boost::json::value variables = boost::json::object(),
                                                       CallOptions options = CallOptions()) const;

    /// Ends the session's work: who waits for a token gets operation_aborted at once, a token request that was not yet
    /// sent is dropped, a sent one is awaited for up to 5 s and saved, also if close() is cancelled meanwhile. Then
    /// connections that the client owns are closed. Tokens stay stored. Later operations end with operation_aborted. Throws Errc::storage_* if there are
    /// tokens that could not be saved, also not at the last try.
    boost::asio::awaitable<void> close() const;

private:
    friend class VisitorSessions;
    explicit Client(std::shared_ptr<detail::Session> session) : session_(std::move(session)) {}
    std::shared_ptr<detail::Session> session_;
};

}  // namespace wix

#endif
