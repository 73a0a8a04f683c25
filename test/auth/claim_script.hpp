// What the tests of claims share: a session whose token is over, in a storage that siblings use.
#pragma once

#include "support/token_script.hpp"

namespace wix::test {

/// A session of which the claims are part of the dialogue: t1/r1 in version 1, and 4 h later, which is too late for t1.
class Expired final : public TokenScript {
public:
    explicit Expired(TokenRole role = TokenRole::visitor) : TokenScript(withStorage(), role) {
        showsClaims = true;
        pass(4h);
    }
};

inline StoredTokens record(const TokenScript& script, const char* access, const char* refresh, std::uint64_t version,
                           std::chrono::seconds life = 4h, TokenRole role = TokenRole::visitor) {
    return StoredTokens(script.tokens(access, refresh, life, role), version);
}

}  // namespace wix::test
