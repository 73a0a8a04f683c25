#include <wix/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <exception>
#include <string_view>

namespace wix {
namespace {

/// What happened, then what to do: the text a user reads first.
std::string explain(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
            return "invalid argument: correct it and try again";
        case Errc::invalid_target:
            return "invalid request target: pass \"/path?query\" with everything else percent-encoded";
        case Errc::invalid_header:
            return "invalid header: names are tokens, values are visible ASCII";
        case Errc::invalid_token:
            return "invalid token: tokens are visible ASCII without spaces, 64 KB at most; check where it came from";
        case Errc::no_session:
            return "no session to renew: call generateVisitorTokens() first";
        case Errc::used_after_fork:
            return "used after fork(): connections and sessions belong to the parent; make a new Client in the child";
        case Errc::would_deadlock:
            return "run() on a thread that runs this io_context would wait for itself: use co_await there";
        case Errc::too_many_sessions:
            return "too many sessions are in use: try again, or raise VisitorSessionsOptions::maxSessions";
        case Errc::cookie_refused:
            return "the cookie is not one of ours, or not any more: treat it as none";
        case Errc::name_not_found:
            return "host name not found: check the URL and this machine's DNS";
        case Errc::connection_refused:
            return "connection refused: check the URL's port and that the server runs";
        case Errc::network_unreachable:
            return "network unreachable: check this machine's network";
        case Errc::connection_lost:
            return "connection lost: the request may be sent again";
        case Errc::maybe_sent:
            return "connection lost after the request was sent: check whether it took effect before sending it again";
        case Errc::timeout:
            return "timeout: raise the deadline, or find out what is slow";
        case Errc::proxy_failed:
            return "no tunnel through the proxy: check ProxyOptions, and that the proxy may reach the host";
        case Errc::proxy_authentication_required:
            return "the proxy wants to know who asks: check ProxyOptions::username and password";
        case Errc::name_unavailable:
            return "the name server does not answer: check this machine's DNS, or try again";
        case Errc::certificate_untrusted:
            return "untrusted certificate: add its CA to the system's store or with TlsOptions::extraCaPem of the "
                   "Transport; caFile, caDirectory and caPem replace the store, and need its CA if they are set";
        case Errc::certificate_expired:
            return "expired certificate: check the server's certificate and this machine's clock";
        case Errc::certificate_wrong_host:
            return "certificate for another host: check the URL's host name";
        case Errc::tls_failed:
            return "TLS handshake failed: the server must speak TLS 1.2 or newer";
        case Errc::certificate_not_pinned:
            return "certificate with another key than those of TlsOptions::pins: somebody may be in between, or the "
                   "server has a new key";
        case Errc::response_invalid:
            return "invalid HTTP answer: report it to whoever runs the server or proxy";
        case Errc::response_truncated:
            return "truncated answer: try again";
        case Errc::response_too_large:
            return "answer too large: ask for less, or raise the limit in ClientOptions";
        case Errc::response_not_json:
            return "answer is not JSON: check the URL; use fetch() for other content";
        case Errc::api_error:
            return "the API refused the call: see the status and the code";
        case Errc::token_unavailable:
            return "no token now: the token endpoint is asked again by itself, try later";
        case Errc::misconfigured:
            return "the token endpoint refuses this client: check OAuthStrategy::clientId";
        case Errc::session_lost:
            return "the session was rejected: call setTokens(Tokens{}) to start another";
        case Errc::session_expired:
            return "the member's session has expired: the member has to log in again";
        case Errc::storage_unavailable:
            return "the session storage does not answer: it is tried again at the next use";
        case Errc::storage_damaged:
            return "the stored session is damaged and was left as it is: move it away to start anew";
        case Errc::storage_refused:
            return "the stored session is not safe to use and was left as it is";
    }
    return "unknown error";
}

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "wix"; }
    std::string message(int value) const override { return explain(static_cast<Errc>(value)); }
};

}  // namespace

const boost::system::error_category& errorCategory() noexcept {
    static const Category category;
    return category;
}

boost::system::error_code make_error_code(Errc code) noexcept { return {static_cast<int>(code), errorCategory()}; }

Failure::Failure(boost::system::error_code failed, std::string to) : code(failed), context(std::move(to)) {}

namespace {

/// What the code's own text cannot know: this request may be done already.
std::string contextOf(const Failure& failure) {
    if (!failure.maybeSent || failure.repeatable || failure.code == Errc::maybe_sent) return failure.context;
    return failure.context + " (it may have taken effect: check before you send it again)";
}

}  // namespace

Error::Error(Failure failure)
    : system_error(failure.code, contextOf(failure)), failure_(std::make_shared<Failure>(std::move(failure))) {}
Error::Error(Errc code, std::string context) : Error(Failure(code, std::move(context))) {}
Error::~Error() = default;

namespace {

/// Foreign words, for a text that ends up in logs and on terminals: on one line, and not longer than `most` bytes.
std::string quoted(std::string_view words, std::size_t most) {
    std::size_t size = std::min(words.size(), most);
    if (size < words.size())
        while (size > 0 && (static_cast<unsigned char>(words[size]) & 0xC0) == 0x80) --size;  // between characters
    std::string text(words.substr(0, size));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, ' ');
    return size < words.size() ? text + "..." : text;
}

constexpr std::size_t mostDescription = 1000;

/// Wix's description often lists the violations itself.
bool saysAlready(std::string_view description, const FieldViolation& violation) {
    return !violation.description.empty() && description.find(violation.description) != description.npos &&
           description.find(violation.field) != description.npos;
}

std::string describe(const std::string& context, const ApiErrorBody& body) {
    std::string text = context + ": HTTP " + std::to_string(body.status);
    if (!body.code.empty()) text += " " + quoted(body.code, 100);
    if (!body.description.empty()) text += ": " + quoted(body.description, mostDescription);
    constexpr std::size_t mostViolations = 5;
    std::size_t said = 0, left = 0;
    for (const FieldViolation& violation : body.fieldViolations) {
        if (saysAlready(std::string_view(body.description).substr(0, mostDescription), violation)) continue;
        if (said == mostViolations) {
            ++left;
            continue;
        }
        ++said;
        text += "; " + quoted(violation.field, 100) + " " + quoted(violation.description, 200);
    }
    if (left > 0) text += "; and " + std::to_string(left) + " more";
    if (!body.requestId.empty()) text += " (request id " + quoted(body.requestId, 100) + ")";
    return text;
}

Failure apiFailure(const std::string& context, const ApiErrorBody& body) {
    Failure failure(Errc::api_error, describe(context, body));
    failure.requestId = body.requestId;
    return failure;
}

}  // namespace

ApiError::ApiError(std::string context, ApiErrorBody body)
    : Error(apiFailure(context, body)), body_(std::make_shared<ApiErrorBody>(std::move(body))) {}
ApiError::~ApiError() = default;

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
    if (failure.apiError) throw ApiError(*failure.apiError);
    throw Error(failure);
}

Failure detail::currentFailure() {
    try {
        throw;
    } catch (const ApiError& error) {
        Failure failure = error.failure();
        failure.apiError = std::make_shared<ApiError>(error);
        return failure;
    } catch (const Error& error) {
        return error.failure();
    } catch (const boost::system::system_error& error) {
        // Asio's own cancellation check throws before the SDK sees the operation.
        return Failure(error.code(), std::string());
    }
}

}  // namespace wix
