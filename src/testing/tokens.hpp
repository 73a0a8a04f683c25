// Who holds which tokens: issuing, renewing, rotating, revoking. Pure: the time is a parameter.
#ifndef WIX_TESTING_TOKENS_HPP
#define WIX_TESTING_TOKENS_HPP

#include <wix/testing/fake_wix.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "testing/encoding.hpp"
#include "testing/token_text.hpp"

namespace wix::testing::detail {

struct IssuedTokens {
    IssuedTokens() = default;
    std::string access;
    std::string refresh;  ///< Empty if the answer has none.
    std::chrono::seconds expiresIn{0};
};

/// What stands behind a token that is good now.
struct TokenHolder {
    TokenHolder() = default;
    std::string visitorId;
    std::string clientId;
    Time issued{};
    Time expires{};
};

class Tokens {
public:
    explicit Tokens(std::uint64_t seed);

    /// A new visitor.
    IssuedTokens issueAnonymous(std::string_view clientId, Time now);
    /// nullopt is `invalid_grant`: unknown, expired, retired or revoked, or of another client. An empty
    /// `clientId` is not compared: the parameter is optional.
    std::optional<IssuedTokens> renew(std::string_view refreshToken, std::string_view clientId, Time now);
    /// Of an access token; nullopt is a 401.
    std::optional<TokenHolder> holderOf(std::string_view accessToken, Time now) const;
    /// Of an access token or a refresh token.
    std::optional<TokenHolder> inspect(std::string_view token, Time now) const;

    void setLifetime(std::chrono::seconds lifetime) { lifetime_ = lifetime; }
    void setRotation(const Rotation& rotation) { rotation_ = rotation; }
    void setRefreshTokenInReply(bool included) { refreshInReply_ = included; }

    std::chrono::seconds lifetime() const noexcept { return lifetime_; }
    const Rotation& rotation() const noexcept { return rotation_; }
    bool refreshTokenInReply() const noexcept { return refreshInReply_; }

    void expireAccess() { access_.clear(); }
    void revokeAll();
    void revoke(std::string_view visitorId);

    std::uint64_t visitors() const noexcept { return visitors_; }
    const std::map<std::string, std::uint64_t>& issued() const noexcept { return issued_; }
    const TokenIssuerIdentity& issuer() const noexcept { return issuer_; }

    /// All visitors and their tokens, for load() of another instance. Secret.
    boost::json::object save() const;
    /// Throws std::exception if it is not what save() returns.
    void load(const boost::json::object& saved);

private:
    struct Family {  // of all refresh tokens that descend from one anonymous session
        TokenHolder holder;
        std::uint64_t generation = 0;  // of the refresh token that is good now
        Time rotated{};
        IssuedTokens latest;  // what the latest rotation gave; the grace gives it again
        bool revoked = false;
    };
    struct Refresh {
        std::uint64_t family = 0;
        std::uint64_t generation = 0;
    };

    IssuedTokens issueAccess(const Family& family, Time now);
    std::string issueRefresh(std::uint64_t familyId, const Family& family);
    void forgetExpired(Time now);

    GuidSource guids_;
    TokenIssuerIdentity issuer_;
    std::chrono::seconds lifetime_{14'400};
    Rotation rotation_;
    bool refreshInReply_ = false;
    std::unordered_map<std::string, TokenHolder> access_;
    std::unordered_map<std::string, Refresh> refresh_;
    std::unordered_map<std::uint64_t, Family> families_;
    std::uint64_t visitors_ = 0;
    std::uint64_t accessIssued_ = 0;
    std::map<std::string, std::uint64_t> issued_;
};

}  // namespace wix::testing::detail

#endif
