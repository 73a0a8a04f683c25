#include "testing/tokens.hpp"

#include <algorithm>

namespace wix::testing::detail {

namespace {

constexpr std::chrono::seconds refreshLifetime{31'536'000};

}  // namespace

Tokens::Tokens(std::uint64_t seed) : guids_(seed), issuer_(guids_) {
    issued_["anonymous"] = 0;
    issued_["refresh_token"] = 0;
}

IssuedTokens Tokens::issueAnonymous(std::string_view clientId, Time now) {
    const std::uint64_t familyId = ++visitors_;
    Family& family = families_[familyId];
    family.holder.visitorId = guids_.next();
    family.holder.clientId = clientId;
    family.holder.issued = now;
    family.holder.expires = now + refreshLifetime;
    IssuedTokens tokens = issueAccess(family, now);
    tokens.refresh = issueRefresh(familyId, family);
    ++issued_["anonymous"];
    return tokens;
}

std::optional<IssuedTokens> Tokens::renew(std::string_view refreshToken, std::string_view clientId, Time now) {
    const auto known = refresh_.find(std::string(refreshToken));
    if (known == refresh_.end()) return std::nullopt;
    const Refresh sent = known->second;
    Family& family = families_[sent.family];
    if (family.revoked || now >= family.holder.expires) return std::nullopt;
    if (!clientId.empty() && clientId != family.holder.clientId) return std::nullopt;

    if (sent.generation == family.generation) {
        IssuedTokens tokens = issueAccess(family, now);
        if (rotation_.enabled) {
            ++family.generation;
            family.rotated = now;
            tokens.refresh = issueRefresh(sent.family, family);
            family.latest = tokens;
        } else if (refreshInReply_) {
            tokens.refresh = refreshToken;
        }
        ++issued_["refresh_token"];
        return tokens;
    }
    if (sent.generation + 1 == family.generation && now < family.rotated + rotation_.grace) {
        IssuedTokens again = family.latest;
        const auto age = std::chrono::floor<std::chrono::seconds>(now - family.rotated);
        again.expiresIn = std::max(std::chrono::seconds(0), again.expiresIn - age);
        ++issued_["refresh_token"];
        return again;
    }
    if (rotation_.reuseRevokes) revoke(family.holder.visitorId);
    return std::nullopt;
}

std::optional<TokenHolder> Tokens::holderOf(std::string_view accessToken, Time now) const {
    const auto known = access_.find(std::string(accessToken));
    if (known == access_.end() || now >= known->second.expires) return std::nullopt;
    return known->second;
}

std::optional<TokenHolder> Tokens::inspect(std::string_view token, Time now) const {
    if (std::optional<TokenHolder> holder = holderOf(token, now)) return holder;
    const auto known = refresh_.find(std::string(token));
    if (known == refresh_.end()) return std::nullopt;
    const Family& family = families_.at(known->second.family);
    if (family.revoked || family.generation != known->second.generation || now >= family.holder.expires) {
        return std::nullopt;
    }
    return family.holder;
}

void Tokens::revokeAll() {
    access_.clear();
    for (auto& [id, family] : families_) family.revoked = true;
}

void Tokens::revoke(std::string_view visitorId) {
    std::erase_if(access_, [&](const auto& entry) { return entry.second.visitorId == visitorId; });
    for (auto& [id, family] : families_) {
        if (family.holder.visitorId == visitorId) family.revoked = true;
    }
}

IssuedTokens Tokens::issueAccess(const Family& family, Time now) {
    if (++accessIssued_ % 1024 == 0) forgetExpired(now);
    IssuedTokens tokens;
    tokens.expiresIn = lifetime_;
    const TokenHolder& owner = family.holder;
    tokens.access = accessTokenText(issuer_, owner.clientId, owner.visitorId, guids_.next(), now, lifetime_);
    TokenHolder holder = owner;
    holder.issued = now;
    holder.expires = now + lifetime_;
    access_.emplace(tokens.access, std::move(holder));
    return tokens;
}

std::string Tokens::issueRefresh(std::uint64_t familyId, const Family& family) {
    std::string text = refreshTokenText(issuer_, guids_.next(), family.holder.issued, refreshLifetime);
    Refresh entry;
    entry.family = familyId;
    entry.generation = family.generation;
    refresh_.emplace(text, entry);
    return text;
}

void Tokens::forgetExpired(Time now) {
    std::erase_if(access_, [&](const auto& entry) { return now >= entry.second.expires; });
}

}  // namespace wix::testing::detail
