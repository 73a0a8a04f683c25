// What tokens look like: shape, size and claims of Wix's.
#ifndef WIX_TESTING_TOKEN_TEXT_HPP
#define WIX_TESTING_TOKEN_TEXT_HPP

#include <chrono>
#include <string>
#include <string_view>

#include "testing/encoding.hpp"

namespace wix::testing::detail {

/// What is the same in all tokens of one site.
struct TokenIssuerIdentity {
    TokenIssuerIdentity() = default;
    explicit TokenIssuerIdentity(GuidSource& guids);

    std::string key;  ///< Signs; no client can know it.
    std::string instanceId;
    std::string siteId;
    std::string ownerId;
};

/// `OauthNG.JWS.<header>.<payload>.<signature>`, about 790 characters. `tokenId` makes it unique.
std::string accessTokenText(const TokenIssuerIdentity& issuer, std::string_view clientId, std::string_view visitorId,
                            std::string_view tokenId, Time issued, std::chrono::seconds lifetime);

/// `JWS.<header>.<payload>.<signature>`, about 200 characters.
std::string refreshTokenText(const TokenIssuerIdentity& issuer, std::string_view tokenId, Time issued,
                             std::chrono::seconds lifetime);

}  // namespace wix::testing::detail

#endif
