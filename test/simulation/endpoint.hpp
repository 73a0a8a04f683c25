// The reference model of the token endpoint and of the API behind it: who the visitors are, which tokens are theirs, what
// has been rotated away, and who presents what.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include <wix/tokens.hpp>

#include "http/http_reply.hpp"
#include "world.hpp"

namespace wix::simulation {

/// What becomes of the refresh token when it is used.
enum class Rotation {
    none,    ///< It stays.
    grace,   ///< It is replaced; the old one gives the same answer for a minute, and ends the session after that.
    strict,  ///< It is replaced; the old one ends the session at once.
    refuse,  ///< It is replaced; the old one is refused, and the session continues.
};

/// A gateway in front of the endpoint refuses valid requests, with errors of OAuth's or Wix's form.
enum class Gateway {
    none,
    refreshes,    ///< It refuses each refresh, also that of the control.
    everything,   ///< It refuses each request.
    grants,       ///< It refuses each anonymous grant.
    alternating,  ///< It refuses the sessions' refreshes: twice with one code, twice with another.
};

/// How the endpoint answers.
enum class Answer {
    // With new tokens.
    good,
    withoutRefreshToken,  // good, if it was rotated
    lifeAsText,
    lifeMissing,
    lifeZero,
    lifeNegative,
    lifeHuge,
    lifeNan,
    otherRole,
    longToken,
    // With new tokens that do not arrive.
    truncated,
    empty,
    page,
    noAccessToken,
    wrongTypes,
    hostileToken,
    tooLongToken,
    // Without having looked at the request.
    unavailable,
    tooMany,
    tooManyUntil,
    blockedPage,
    serverError,
    requestTimeout,
    invalidClient,
    validationError,
    odd,  // a JSON error that may mean that the token is rejected
    last = odd,
};
inline constexpr int answers = static_cast<int>(Answer::last) + 1;
const char* nameOf(Answer answer);

struct Visitor {
    TokenRole role = TokenRole::visitor;
    int rotation = 0;
    BootTime rotatedAt{};
    bool ended = false;    ///< The endpoint refuses its refresh tokens.
    bool refused = false;  ///< The endpoint has refused one of them.
    bool isRejected() const { return ended || refused; }
    int era = 0;  ///< Of the session changes that the callers asked for, the one that brought it.
};

class Endpoint {
public:
    Endpoint(World& world, Rotation rotation, std::chrono::seconds life, std::chrono::seconds skew)
        : world_(world), rotation_(rotation), life_(life), skew_(skew) {}

    int start(TokenRole role, int era);
    /// What a program that renewed somewhere else would hold.
    Tokens tokensOf(int visitor, std::chrono::seconds life);
    /// The same, with the refresh token that was current before the last rotation.
    Tokens olderTokensOf(int visitor);

    /// The client begins an exchange: it counts a token's life from here.
    void asked() { askedAt_ = world_.boot(); }
    void receive(const std::string& requestBody);
    /// Does what was received, and keeps the answer ready.
    void process(int era);
    /// Puts the answer that is ready, or an error, into words. `process` must come before those that need it.
    detail::HttpReply reply(Answer answer);
    /// The refresh token that such an answer brings, if it brings tokens.
    std::string refreshTokenOfAnswer(Answer answer) const;
    /// The access token of the last response that had one.
    const std::string& lastIssued() const { return lastIssued_; }
    bool receivedRefresh() const { return !asked_.empty(); }
    /// The answer to a request of the control. Every third refresh of it is refused.
    detail::HttpReply replyToControl(const std::string& requestBody);
    /// What the gateway responds to the request that was received, if it lets nothing through.
    std::optional<detail::HttpReply> refusal();
    bool isRefused() const { return refuses(!asked_.empty(), false); }
    /// Whether reply() would refuse a dead token without saying that it is dead.
    bool hides(Answer answer) const { return hidesDeath && needsProcessing(answer) && answerFor_ == 0; }
    Gateway gateway = Gateway::none;
    bool hidesDeath = false;
    bool refusesControls = true;  ///< Every third one.

    static bool needsProcessing(Answer answer) { return answer < Answer::unavailable; }
    detail::HttpReply callApi(const std::string& authorization);

    /// The client has seen this refresh token: from now on it must not present an older one.
    void learned(const std::string& refreshToken);

    Visitor& visitor(int id) { return visitors_.at(id); }
    const Visitor& visitorAt(int id) const { return visitors_.at(id); }
    const Visitor& visitorOf(const std::string& token) const { return visitors_.at(idOf(token)); }
    static constexpr const char* refreshMark = "SECRET-r.";
    static int idOf(const std::string& token);
    static bool isOurs(const std::string& token);
    bool accessValid(const std::string& accessToken) const;
    std::optional<BootTime> expiryOf(const std::string& accessToken) const;
    /// Of a token that an exchange has brought, with a life that can be believed: until when the client must use it, at
    /// least, whatever its wall clock says.
    std::optional<BootTime> worksUntil(const std::string& accessToken) const;
    /// When the response with this access token was sent.
    BootTime sentAt(const std::string& accessToken) const;
    /// Whether the endpoint would take this refresh token.
    bool current(const std::string& refreshToken) const;
    int visitors() const { return static_cast<int>(visitors_.size()); }
    /// Visitors of whom a refresh token is dead.
    int rejected() const;

private:
    bool refuses(bool refresh, bool control) const;
    detail::HttpReply gatewayError(bool alternates);
    std::string refreshToken(int visitor) const;
    std::string accessToken(int visitor, BootTime issued, std::chrono::seconds life);
    static int rotationOf(const std::string& refreshToken);

    World& world_;
    const Rotation rotation_;
    const std::chrono::seconds life_;
    const std::chrono::seconds skew_;
    std::map<int, Visitor> visitors_;
    std::map<int, int> known_;  // the newest rotation that the client has seen
    std::map<std::string, BootTime> expiries_;
    std::map<std::string, BootTime> worksUntil_;
    std::map<std::string, BootTime> sentAt_;
    int serial_ = 0;

    int answerFor_ = 0;  // the visitor of the answer that is ready; 0: rejected
    bool rotatedNow_ = false;
    BootTime askedAt_{};
    BootTime processedAt_{};
    std::string asked_;
    std::string lastIssued_;
    std::string controlledFor_;  // the refresh token of the last refusal, if a control has succeeded since
    int controls_ = 0;
    int refusals_ = 0;  // by the gateway
};

}  // namespace wix::simulation
