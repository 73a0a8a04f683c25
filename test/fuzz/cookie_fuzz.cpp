// What a client sends as its cookie: the header, the values in it, sealed or plain.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <wix/session_cookie.hpp>

#include "fuzz/fuzz.hpp"

using namespace wix;
using namespace wix::fuzz;

namespace {

const SessionCookie::Time now = std::chrono::sys_seconds(std::chrono::seconds(1'750'000'000));

SessionCookie makeCookie(bool acceptsPlainTokens) {
    CookieOptions options;
    options.acceptPlainTokens = acceptsPlainTokens;
    std::vector<CookieKey> keys;
    keys.push_back(CookieKey::fromHex("k1", std::string(64, '1')));
    keys.push_back(CookieKey::fromHex("k2", std::string(64, '2')));
    return SessionCookie(std::move(keys), "fuzz", std::move(options));
}

void requireRefused(const Failure& failure) {
    require(failure.code == Errc::cookie_refused, "a refused cookie has its code");
    require(failure.context == "the cookie __Host-wix-session", "all refusals are alike");
}

/// Nobody here has sealed it: it is refused, and tokens of a front end could be sent.
void checkOpen(const SessionCookie& cookie, std::string_view value) {
    const auto text = cookie.open(value, now);
    require(text.has_error(), "nobody else can seal");
    requireRefused(text.error());
    const auto tokens = cookie.openTokens(value, now);
    if (tokens.has_error()) return requireRefused(tokens.error());
    require(cookie.options().acceptPlainTokens, "plain tokens are taken if that is allowed only");
    require(!tokens->empty(), "tokens that are taken are not empty");
    for (const std::string& one : {tokens->accessToken.value, tokens->refreshToken.value})
        require(std::all_of(one.begin(), one.end(), [](char c) { return c > ' ' && c <= '~'; }), "a token can be sent");
}

/// The text as two `Cookie` lines.
void checkLines(const SessionCookie& cookie, std::string_view text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view lines[] = {text.substr(0, end), text.substr(std::min(end + 1, text.size()))};
    const auto all = cookie.findAll(lines);
    const auto opened = cookie.openFirst(lines, now);
    require(opened.has_error(), "nobody else can seal");
    requireRefused(opened.error());
    const auto opens = [&](const std::string& value) { return cookie.openTokens(value, now).has_value(); };
    const auto tokens = cookie.openFirstTokens(lines, now);
    require(tokens.has_value() == std::any_of(all.begin(), all.end(), opens), "the first that opens is found");
    const auto found = cookie.find(lines[0]);
    require(!found || all.front() == *found, "find() gives the first of all");
}

void checkRoundTrip(const SessionCookie& cookie, std::string_view text, unsigned where) {
    if (text.size() > 2048) return;
    std::string value = cookie.seal(text, now);
    require(cookie.find("a=b; " + cookie.setCookie(value)) == value, "a value is found as it was set");
    const auto opened = cookie.open(value, now);
    require(opened.has_value() && *opened == text, "a text opens as it was sealed");
    char& changed = value[where * 7 % value.size()];
    changed = changed == 'A' ? 'B' : 'A';
    require(cookie.open(value, now).has_error(), "a changed value is refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const SessionCookie sealed = makeCookie(false);
    static const SessionCookie plain = makeCookie(true);
    Input input(data, size);
    const unsigned where = input.number();
    const std::string_view text = input.rest();
    const std::string secret = withCanary(text, where);
    for (const std::string_view one : {text, std::string_view(secret)})
        for (const SessionCookie* cookie : {&sealed, &plain}) {
            checkOpen(*cookie, one);
            const auto found = cookie->find(one);
            if (found) checkOpen(*cookie, *found);
            checkLines(*cookie, one);
        }
    checkRoundTrip(sealed, text, where);
    return 0;
}
