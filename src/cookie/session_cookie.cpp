#include <wix/session_cookie.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "call/option_rules.hpp"
#include "cookie/cookie_seal.hpp"
#include "cookie/cookie_text.hpp"
#include "http/header_rules.hpp"

namespace json = boost::json;

namespace wix {
namespace {

constexpr std::size_t longestKeyId = 16;
constexpr std::size_t longestPurpose = 1024;
constexpr std::size_t expiryBytes = 8;

constexpr std::string_view textKind = "text";
constexpr std::string_view tokensKind = "tokens";

[[noreturn]] void refuse(std::string what) { throw Error(Errc::invalid_argument, std::move(what)); }

bool isKeyIdChar(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void checkKeyId(const std::string& id) {
    if (id.empty() || id.size() > longestKeyId || !std::all_of(id.begin(), id.end(), isKeyIdChar))
        refuse("CookieKey: the id must be 1 to 16 of A-Z a-z 0-9 and _");
}

int digitOf(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::int64_t secondsOf(SessionCookie::Time time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::string encodeExpiry(std::int64_t expiry) {
    const auto bits = static_cast<std::uint64_t>(expiry);
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((bits >> shift) & 0xFF));
    return bytes;
}

std::int64_t decodeExpiry(std::string_view bytes) {
    std::uint64_t bits = 0;
    for (const char byte : bytes.substr(0, expiryBytes)) bits = (bits << 8) | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(bits);
}

/// What encodeURIComponent has made of a text; nothing if it is malformed.
std::optional<std::string> percentDecoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded.push_back(text[i]);
            continue;
        }
        const int high = i + 2 < text.size() ? digitOf(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? digitOf(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        decoded.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return decoded;
}

/// Tokens that may go into a header; nothing if it is anything else.
std::optional<Tokens> tokensIn(const json::value& value) {
    try {
        Tokens tokens = tokensFromJson(value);
        if (tokens.empty() || detail::checkTokens(tokens, "the cookie")) return std::nullopt;
        return tokens;
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// The JSON of a cookie is parsed strictly: a text that needs a repair is not what a front end has written.
std::optional<json::value> strictJson(std::string_view text) {
    boost::system::error_code ec;
    json::value value = json::parse(json::string_view(text.data(), text.size()), ec);
    return ec ? std::nullopt : std::optional<json::value>(std::move(value));
}

/// The tokens alone, or `{"clientId","tokens"}` as the cookie `wixSession` of Wix's own front ends has them.
std::optional<Tokens> tokensOfFrontEnd(const json::value& value, std::string_view clientId) {
    const json::object* object = value.if_object();
    const json::value* inner = object ? object->if_contains("tokens") : nullptr;
    const json::value* owner = object ? object->if_contains("clientId") : nullptr;
    if (owner && !owner->is_string()) return std::nullopt;
    if (!clientId.empty() && (owner || inner)) {
        const std::string_view named = owner ? std::string_view(owner->get_string()) : std::string_view();
        if (!detail::equalsIgnoreCase(named, clientId)) return std::nullopt;
    }
    return tokensIn(inner ? *inner : value);
}

/// JavaScript libraries encode all of it, the quotes and commas only, or nothing.
std::optional<Tokens> readPlainTokens(std::string_view value, std::string_view clientId) {
    if (const auto plain = strictJson(value)) return tokensOfFrontEnd(*plain, clientId);
    const auto decoded = percentDecoded(value);
    const auto plain = decoded ? strictJson(*decoded) : std::nullopt;
    return plain ? tokensOfFrontEnd(*plain, clientId) : std::nullopt;
}

}  // namespace

// -- Keys --------------------------------------------------------------------------------------------------------------

CookieKey::CookieKey(std::string id, std::string secret) : id_(std::move(id)), secret_(std::move(secret)) {}

CookieKey CookieKey::fromHex(std::string id, std::string_view hex) {
    checkKeyId(id);
    std::string secret;
    for (std::size_t i = 0; i + 1 < hex.size() && hex.size() == 2 * detail::sealSecretBytes; i += 2) {
        const int high = digitOf(hex[i]);
        const int low = digitOf(hex[i + 1]);
        if (high < 0 || low < 0) break;
        secret.push_back(static_cast<char>(high * 16 + low));
    }
    if (secret.size() != detail::sealSecretBytes)
        refuse("CookieKey " + id + ": the secret must be 64 hexadecimal digits, such as of \"openssl rand -hex 32\"");
    return CookieKey(std::move(id), std::move(secret));
}

CookieKey CookieKey::random(std::string id) {
    checkKeyId(id);
    return CookieKey(std::move(id), detail::randomSecret());
}

// -- The cookie --------------------------------------------------------------------------------------------------------

struct SessionCookie::Impl {
    Impl(std::vector<CookieKey> givenKeys, std::string givenPurpose, CookieOptions givenOptions)
        : keys(std::move(givenKeys)), purpose(std::move(givenPurpose)), options(std::move(givenOptions)) {}

    std::string seal(std::string_view kind, std::string_view text, Time now) const {
        std::string plain = encodeExpiry(secondsOf(now) + options.maxAge.count());
        plain += text;
        std::string value =
            detail::seal(keys.front().secret_, keys.front().id_, binding(kind), plain, detail::randomNonce());
        detail::cleanse(plain);
        const std::size_t size = detail::writeSetCookie(options, value, options.maxAge).size();
        if (size > detail::maxCookieBytes)
            refuse("sealing " + std::to_string(text.size()) + " bytes gives a cookie of " + std::to_string(size) +
                   " bytes; browsers keep 4096: keep the session in a storage, and seal its key");
        return value;
    }

    result<std::string> open(std::string_view kind, std::string_view value, Time now) const {
        // Longer ones are not ours: they are not worth the work.
        const auto id = value.size() <= detail::maxCookieBytes ? detail::keyIdOf(value) : std::nullopt;
        if (!id) return refused();
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const CookieKey& one) { return one.id_ == *id; });
        if (key == keys.end()) return refused();
        auto plain = detail::unseal(key->secret_, key->id_, binding(kind), value);
        if (!plain || plain->size() < expiryBytes || secondsOf(now) >= decodeExpiry(*plain)) return refused();
        return plain->substr(expiryBytes);
    }

    Failure refused() const { return Failure(Errc::cookie_refused, "the cookie " + options.name); }
    detail::SealBinding binding(std::string_view kind) const {
        return detail::SealBinding(purpose, options.name, kind);
    }

    const std::vector<CookieKey> keys;
    const std::string purpose;
    const CookieOptions options;
};

SessionCookie::SessionCookie(std::vector<CookieKey> keys, std::string purpose, CookieOptions options) {
    if (keys.empty()) refuse("SessionCookie: the keys must be at least one: CookieKey::fromHex()");
    for (auto one = keys.begin(); one != keys.end(); ++one)
        if (std::any_of(keys.begin(), one, [&](const CookieKey& other) { return other.id_ == one->id_; }))
            refuse("SessionCookie: the keys must have different ids, and two are " + one->id_);
    if (purpose.empty() || purpose.size() > longestPurpose)
        refuse("SessionCookie: the purpose must be a text of 1 to 1024 bytes, such as \"session\"");
    if (auto bad = detail::checkCookieOptions(options)) throw Error(std::move(*bad));
    impl_ = std::make_shared<const Impl>(std::move(keys), std::move(purpose), std::move(options));
}

std::string SessionCookie::seal(std::string_view text, Time now) const { return impl_->seal(textKind, text, now); }

result<std::string> SessionCookie::open(std::string_view value, Time now) const {
    return impl_->open(textKind, value, now);
}

std::string SessionCookie::sealTokens(const Tokens& tokens, Time now) const {
    if (tokens.empty()) refuse("sealTokens(tokens): there are no tokens to seal");
    if (auto bad = detail::checkTokens(tokens, "sealTokens(tokens)")) throw Error(std::move(*bad));
    std::string text = json::serialize(toJson(tokens));
    std::string value = impl_->seal(tokensKind, text, now);
    detail::cleanse(text);
    return value;
}

result<Tokens> SessionCookie::openTokens(std::string_view value, Time now) const {
    std::optional<Tokens> tokens;
    if (auto opened = impl_->open(tokensKind, value, now)) {
        if (const auto sealed = strictJson(*opened)) tokens = tokensIn(*sealed);
        detail::cleanse(*opened);
    } else if (impl_->options.acceptPlainTokens && value.size() <= detail::maxCookieBytes) {
        tokens = readPlainTokens(value, impl_->options.clientId);
    }
    if (!tokens) return impl_->refused();
    return std::move(*tokens);
}

std::string SessionCookie::setCookie(std::string_view value) const {
    if (!detail::isCookieValue(value))
        refuse(
            "setCookie(value): the value must be printable ASCII without spaces, quotes, commas, semicolons and "
            "backslashes");
    std::string header = detail::writeSetCookie(impl_->options, value, impl_->options.maxAge);
    if (header.size() > detail::maxCookieBytes)
        refuse("setCookie(value) gives a cookie of " + std::to_string(header.size()) + " bytes; browsers keep 4096");
    return header;
}

std::string SessionCookie::clearCookie() const {
    return detail::writeSetCookie(impl_->options, std::string_view(), std::chrono::seconds(0));
}

std::optional<std::string> SessionCookie::find(std::string_view cookieHeader) const {
    const auto found = detail::findCookie(cookieHeader, impl_->options.name);
    if (!found) return std::nullopt;
    return std::string(*found);
}

namespace {

/// Calls `use` for each cookie of that name, until it returns true.
template <class Use>
void forEachCookie(std::span<const std::string_view> headers, std::string_view name, Use use) {
    for (std::string_view header : headers)
        while (const auto value = detail::takeCookie(header, name))
            if (use(*value)) return;
}

}  // namespace

result<std::string> SessionCookie::openFirst(std::span<const std::string_view> cookieHeaders, Time now) const {
    result<std::string> opened = impl_->refused();
    forEachCookie(cookieHeaders, impl_->options.name, [&](std::string_view value) {
        opened = open(value, now);
        return opened.has_value();
    });
    return opened;
}

result<Tokens> SessionCookie::openFirstTokens(std::span<const std::string_view> cookieHeaders, Time now) const {
    result<Tokens> opened = impl_->refused();
    forEachCookie(cookieHeaders, impl_->options.name, [&](std::string_view value) {
        opened = openTokens(value, now);
        return opened.has_value();
    });
    return opened;
}

std::vector<std::string> SessionCookie::findAll(std::span<const std::string_view> cookieHeaders) const {
    std::vector<std::string> values;
    forEachCookie(cookieHeaders, impl_->options.name, [&](std::string_view value) {
        values.emplace_back(value);
        return false;
    });
    return values;
}

const CookieOptions& SessionCookie::options() const noexcept { return impl_->options; }

}  // namespace wix
