// Who comes in: the session in a visitor's cookie, and whether a form was really ours.
#ifndef STOREFRONT_DOOR_HPP
#define STOREFRONT_DOOR_HPP

#include <wix/session_cookie.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "server.hpp"

namespace storefront {

struct Visit {
    Visit(std::string sessionKey, bool known, bool refused = false)
        : key(std::move(sessionKey)), returns(known), cookieRefused(refused) {}
    std::string key;     ///< Of the visitor's session: 128 bits that nobody can guess.
    bool returns;        ///< The browser had a cookie of ours; otherwise the key is a new one.
    bool cookieRefused;  ///< It had one that could not be opened.
};

class Door {
public:
    /// `secure`: the browser sees https. (Otherwise it would drop a cookie that is for https only.)
    Door(std::vector<wix::CookieKey> keys, bool secure);

    Visit recognise(const Request& request) const;
    /// The value of Set-Cookie. Sealed anew each time: the session lives on, under the newest key.
    std::string cookieOf(const Visit& visit) const;
    /// For the forms on this visitor's pages.
    std::string csrfOf(const Visit& visit) const;
    /// Whether it was sent from one of this visitor's pages.
    bool isOurs(const Visit& visit, const Request& request, const std::string& csrf) const;

private:
    wix::SessionCookie cookie_;
    wix::SessionCookie csrf_;
};

/// The keys in a file of lines `ID HEX`, the newest first. Without the file it is made, with one key, for its owner only.
std::vector<wix::CookieKey> loadKeys(const std::filesystem::path& file);

/// So many random bits, in hexadecimal digits. At most 2048.
std::string randomHex(std::size_t bits);

}  // namespace storefront

#endif
