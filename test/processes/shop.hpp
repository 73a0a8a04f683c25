// A fake Wix whose refresh tokens are worth one exchange, and a stored session whose access token has expired.
#pragma once

#include "processes/visitors.hpp"
#include "support/run.hpp"

namespace wix::test {

class SharedShop {
public:
    explicit SharedShop(testing::Rotation rotation) {
        fake.setRotation(rotation);
        writeFile(folder_ / "ca.pem", fake.caPem());
    }

    Visitors::Arguments options(const SharedStorage& shared) const {
        return {"--api",  fake.url(), "--ca",   (folder_ / "ca.pem").string(), "--storage", shared.argument, "--client",
                clientId, "--key",    "visitor"};
    }

    /// Makes the session, or has its access token expire.
    void expire(boost::asio::io_context& io, const SharedStorage& shared) {
        std::optional<StoredTokens> record = runOn(io, shared.storage->load(key));
        Tokens tokens;
        if (record) {
            tokens = record->tokens;
        } else {
            tokens = runOn(io, clientOf(io, fake).generateVisitorTokens());
        }
        tokens.accessToken.expiresAt = std::chrono::sys_seconds(std::chrono::seconds(1));
        const std::uint64_t version = record ? record->version : 0;
        REQUIRE(runOn(io, shared.storage->save(key, tokens, version)).isSaved());
    }

    std::uint64_t renewals() const {
        const auto given = fake.state().tokens;
        const auto found = given.find("refresh_token");
        return found == given.end() ? 0 : found->second;
    }

    testing::FakeWix fake;
    const std::string key = clientId + "/visitor";

private:
    detail::test::TempDirectory folder_;
};

}  // namespace wix::test
