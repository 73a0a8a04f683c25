// Errors of the SDK: what went wrong, to what, and what to do about it.
#ifndef WIX_ERROR_HPP
#define WIX_ERROR_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <wix/abi.hpp>
#include <wix/config.hpp>

namespace wix {

/// What the SDK reports. Each line says what happened; `message()` also says what to do.
/// Values are stable, new ones are added at the end of their group.
enum class Errc {
    // The call was refused before anything was sent.
    invalid_argument = 1,   ///< An option or an argument is malformed. Correct the one that is named.
    invalid_target = 2,     ///< A request target may not go on the wire, or names another origin.
    invalid_header = 3,     ///< A header name or value has characters that would break the request.
    invalid_token = 4,      ///< A token may not go into a header: its characters, or more than 64 KB.
    no_session = 5,         ///< There is no refresh token to renew. Call generateVisitorTokens() first.
    used_after_fork = 6,    ///< It was made before fork(). Make a new Client in the child.
    would_deadlock = 7,     ///< wix::run() was called on a thread that runs that io_context: use co_await there.
    too_many_sessions = 8,  ///< VisitorSessions is full of sessions that are in use. Try again, or raise its limit.
    cookie_refused = 9,     ///< A cookie is malformed, altered, expired or of another purpose: treat it as none.

    // The network.
    name_not_found = 20,       ///< The host name does not resolve.
    connection_refused = 21,   ///< Nothing listens at that address.
    network_unreachable = 22,  ///< There is no route to that address.
    connection_lost = 23,      ///< The connection broke. The request was not processed, or may be sent again.
    maybe_sent = 24,           ///< It broke after a request that must not be repeated: check before you retry.
    timeout = 25,              ///< A deadline passed. The text names the phase.
    proxy_failed = 26,         ///< The proxy cannot be reached, or made no tunnel. Nothing of the request has left.
    proxy_authentication_required = 27,  ///< The proxy wants other credentials: correct ProxyOptions.
    name_unavailable = 28,               ///< The name server did not answer, or failed. The name may exist.

    // TLS. No byte of the request has left.
    certificate_untrusted = 40,   ///< The server's certificate comes from an unknown authority.
    certificate_expired = 41,     ///< The server's certificate is not valid now. Check this machine's clock too.
    certificate_wrong_host = 42,  ///< The server's certificate is for another host name.
    tls_failed = 43,              ///< The TLS handshake failed for another reason.
    certificate_not_pinned = 44,  ///< The server's certificate is valid, but none of TlsOptions::pins.

    // The answer.
    response_invalid = 60,    ///< The answer breaks HTTP's rules; the connection was closed.
    response_truncated = 61,  ///< The answer ended too early.
    response_too_large = 62,  ///< The answer exceeds a limit of ClientOptions.
    response_not_json = 63,   ///< JSON was due and something else came.
    api_error = 64,           ///< An HTTP status outside 2xx: see ApiError.

    // Tokens. The session is kept in all these cases but session_lost and session_expired.
    token_unavailable = 80,  ///< The token endpoint cannot answer now. It is asked again by itself.
    misconfigured = 81,      ///< The token endpoint refuses this client id or request. Correct OAuthStrategy.
    session_lost = 82,       ///< The refresh token was rejected, and the policy is to tell you.
    session_expired = 83,    ///< A member's refresh token was rejected: the member has to log in again.

    // Storage. No new visitor is started over a record that could not be read.
    storage_unavailable = 100,  ///< The storage does not answer now. It is tried again at the next use.
    storage_damaged = 101,      ///< The stored session is not readable. It is left as it is.
    storage_refused = 102,      ///< The stored session is not safe to use: permissions, owner or kind of file.
};

WIX_EXPORT const boost::system::error_category& errorCategory() noexcept;
WIX_EXPORT boost::system::error_code make_error_code(Errc) noexcept;

class ApiError;

/// A failed operation as a value: what `asResult` gives, and what an `Error` carries.
struct WIX_EXPORT Failure {
    Failure() = default;
    Failure(boost::system::error_code code, std::string context);

    boost::system::error_code code;  ///< A `wix::Errc`, or `operation_aborted` after a cancellation.
    std::string context;             ///< To what it happened, and details. Never has a secret.
    std::string requestId;           ///< `x-wix-request-id` of the answer, if there was one.
    bool maybeSent = false;          ///< The server may have processed the request.
    bool repeatable = false;         ///< The request may be sent again without harm: it is safe or idempotent.
    std::shared_ptr<const ApiError> apiError;  ///< Set if and only if the code is Errc::api_error.
    /// When the SDK itself tries again (tokens only). Asking before costs no exchange and gives the same error.
    std::optional<std::chrono::system_clock::time_point> retryAt;
    std::uint64_t attempt =
        0;  ///< Tokens: the exchange that failed, as an Observer counts them. All its waiters get it.
};

/// A failed operation as an exception: the base of everything that the SDK throws.
/// After a cancellation `code()` is `boost::asio::error::operation_aborted`, else a `wix::Errc`. (A cancellation that
/// comes between two steps of an operation is thrown by Asio itself, as a `boost::system::system_error` of that code.)
class WIX_EXPORT Error : public boost::system::system_error {
public:
    explicit Error(Failure failure);
    Error(Errc code, std::string context);
    ~Error() override;
    Error(const Error&) = default;
    Error& operator=(const Error&) = default;

    /// `x-wix-request-id` of the answer; empty if there was none. Quote it to Wix's support.
    const std::string& requestId() const noexcept { return failure_->requestId; }
    /// True if the server may have processed the request although no complete answer came.
    bool maybeSent() const noexcept { return failure_->maybeSent; }
    const Failure& failure() const noexcept { return *failure_; }

private:
    std::shared_ptr<const Failure> failure_;
};

/// One entry of a Wix `validationError`.
struct WIX_EXPORT FieldViolation {
    FieldViolation() = default;
    std::string field;         ///< Path of the field, such as `lineItems[0].quantity`.
    std::string description;   ///< Wix's text.
    std::string violatedRule;  ///< `MIN`, `MAX`, `FORMAT`, ...: an open set.
};

/// What a Wix error body says; the parts of an ApiError.
struct WIX_EXPORT ApiErrorBody {
    ApiErrorBody() = default;
    int status = 0;
    std::string code;
    std::string description;
    std::vector<FieldViolation> fieldViolations;
    std::string requestId;
};

/// The API answered with a status outside 2xx.
class WIX_EXPORT ApiError : public Error {
public:
    /// `context` names the call, such as `POST /ecom/v1/carts/current/add-to-cart`.
    ApiError(std::string context, ApiErrorBody body);
    ~ApiError() override;
    ApiError(const ApiError&) = default;
    ApiError& operator=(const ApiError&) = default;

    int status() const noexcept { return body_->status; }
    /// The application's code, such as `OWNED_CART_NOT_FOUND`; a numeric code in decimal; empty if the body
    /// has none. (The `error_code` is reachable as `Error::code()` and is always Errc::api_error.)
    const std::string& code() const noexcept { return body_->code; }
    const std::string& description() const noexcept { return body_->description; }
    const std::vector<FieldViolation>& fieldViolations() const noexcept { return body_->fieldViolations; }

private:
    std::shared_ptr<const ApiErrorBody> body_;
};

template <class T>
using result = boost::system::result<T, Failure>;

/// Lets `result<T>::value()` throw what the operation itself would have thrown.
[[noreturn]] WIX_EXPORT void throw_exception_from_error(const Failure&, const boost::source_location&);

namespace detail {
/// The failure behind the exception that is being handled; rethrows what is no system_error.
WIX_EXPORT Failure currentFailure();
}  // namespace detail

/// Awaits `operation` and gives its failure as a value: `co_await wix::asResult(client.get("/..."))`.
/// Cancellation and errors of the SDK become a Failure; anything else (bad_alloc, say) is still thrown.
template <class T>
boost::asio::awaitable<result<T>> asResult(boost::asio::awaitable<T> operation) {
    std::optional<Failure> failure;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(operation);
            co_return result<T>();
        } else {
            co_return result<T>(co_await std::move(operation));
        }
    } catch (...) {
        failure.emplace(detail::currentFailure());
    }
    co_return result<T>(std::move(*failure));
}

/// A completion handler for co_spawn: lets an exception leave `io_context::run()`, and drops a value.
struct Rethrow {
    void operator()(std::exception_ptr error) const {
        if (error) std::rethrow_exception(error);
    }
    template <class T>
    void operator()(std::exception_ptr error, T&&) const {
        (*this)(std::move(error));
    }
};
inline constexpr Rethrow rethrow{};

}  // namespace wix

template <>
struct boost::system::is_error_code_enum<wix::Errc> : std::true_type {};

#endif
