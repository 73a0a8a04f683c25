#include <wix/testing/storage_conformance.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

namespace asio = boost::asio;

namespace wix::testing {
namespace {

using StoragePtr = std::shared_ptr<TokenStorage>;
using Lease = std::optional<RenewalLease>;

constexpr std::uint64_t maxVersion = (std::uint64_t{1} << 53) - 2;
constexpr std::size_t maxToken = 65'536;
constexpr std::size_t maxKey = 2'305;

Tokens tokensOf(const std::string& mark, TokenRole role = TokenRole::visitor) {
    const std::chrono::sys_seconds expiry{std::chrono::seconds(1'900'000'000)};
    return Tokens(AccessToken("access-" + mark, expiry), RefreshToken("refresh-" + mark, role));
}

/// Tokens that a storage may cut, reinterpret or mix up.
std::vector<Tokens> unusualTokens() {
    const std::chrono::sys_seconds late{std::chrono::seconds(4'102'444'800)};  // the year 2100
    std::vector<Tokens> all;
    all.push_back(tokensOf("member", TokenRole::member));
    all.push_back(Tokens(AccessToken(), RefreshToken("refresh-only", TokenRole::visitor)));
    all.push_back(Tokens(AccessToken("access-only", late), RefreshToken()));
    all.push_back(Tokens(AccessToken("a'\"\\/%{}[]:,;=?*&<>", {}), RefreshToken("null", TokenRole::visitor)));
    all.push_back(Tokens(AccessToken(std::string(maxToken, 'a'), late),
                         RefreshToken(std::string(maxToken, 'r'), TokenRole::visitor)));
    return all;
}

std::vector<std::string> unusualKeys(const std::string& prefix) {
    std::vector<std::string> keys;
    for (const char* rest : {"a", "A", "/a", "a/b", "a%2Fb", "a*", "a?b", "a:b", "a'b", "a\"b", "a\\b", "/.", "/.."})
        keys.push_back(prefix + rest);
    std::string longest = prefix + std::string(maxKey - prefix.size(), 'k');
    keys.push_back(longest);
    longest.back() = 'l';
    keys.push_back(std::move(longest));
    return keys;
}

class Conformance {
public:
    Conformance(StoragePtr storage, StorageConformanceOptions options)
        : storage_(std::move(storage)), options_(std::move(options)) {
        if (!options_.other) options_.other = storage_;
    }

    asio::awaitable<std::vector<std::string>> run() {
        co_await guarded("load()", missingRecord());
        co_await guarded("save()", roundTrips());
        co_await guarded("save()", conflicts());
        co_await guarded("erase()", erasure());
        co_await guarded("save()", concurrentSaves());
        if (options_.manyKeys) co_await guarded("save()", keysAreSeparate());
        co_await guarded("load()", otherObject());
        if (options_.exclusiveLeases) co_await guarded("acquireLease()", leases());
        co_return std::move(violations_);
    }

private:
    void require(bool holds, std::string rule) {
        if (!holds) violations_.push_back(std::move(rule));
    }

    asio::awaitable<void> guarded(const char* function, asio::awaitable<void> check) {
        try {
            co_await std::move(check);
        } catch (const std::exception& error) {
            violations_.push_back(std::string(function) + " failed: " + error.what());
        }
    }

    /// A key of one check; of a storage for one session always the same.
    std::string key(const char* name) const {
        return options_.manyKeys ? options_.keyPrefix + name : options_.keyPrefix;
    }

    static asio::awaitable<std::uint64_t> versionOf(StoragePtr storage, std::string key) {
        const std::optional<StoredTokens> there = co_await storage->load(std::move(key));
        co_return there ? there->version : 0;
    }

    asio::awaitable<void> missingRecord() {
        const std::optional<StoredTokens> there = co_await storage_->load(key("missing"));
        require(!there || (!options_.manyKeys && there->tokens.empty()),
                "load() must return nullopt for a key that was never saved");
        co_await storage_->erase(key("missing"));  // must succeed
    }

    asio::awaitable<void> roundTrips() {
        const std::string name = key("round-trip");
        std::uint64_t version = co_await versionOf(storage_, name);
        for (const Tokens& tokens : unusualTokens()) {
            const SaveResult result = co_await storage_->save(name, tokens, version);
            require(result.isSaved(), "save() must succeed if the expected version is that of the record");
            require(result.version() > version && result.version() <= maxVersion,
                    "save() must return a version that is greater than the last one, and at most 2^53 - 2");
            version = result.version();
            const std::optional<StoredTokens> there = co_await storage_->load(name);
            require(there.has_value(), "load() must return the record that was saved");
            if (!there) continue;
            require(there->version == version, "load() must return the version that save() returned");
            require(there->tokens.accessToken.value == tokens.accessToken.value &&
                        there->tokens.refreshToken.value == tokens.refreshToken.value,
                    "load() must return the tokens that were saved, of any character and of 64 KiB");
            require(there->tokens.refreshToken.role == tokens.refreshToken.role, "load() must return the role");
            require(there->tokens.accessToken.expiresAt == tokens.accessToken.expiresAt,
                    "load() must return expiresAt");
        }
    }

    asio::awaitable<void> conflicts() {
        const std::string name = key("conflict");
        const std::uint64_t before = co_await versionOf(storage_, name);
        const SaveResult saved = co_await storage_->save(name, tokensOf("kept"), before);
        for (const std::uint64_t wrong : {std::uint64_t{0}, saved.version() - 1, saved.version() + 1}) {
            const SaveResult conflict = co_await storage_->save(name, tokensOf("lost"), wrong);
            require(!conflict.isSaved(), "save() must report a conflict if the record has another version");
            require(conflict.version() == saved.version() && conflict.current().tokens == tokensOf("kept"),
                    "save() must return the present record with a conflict");
            const std::optional<StoredTokens> there = co_await storage_->load(name);
            require(there && there->tokens == tokensOf("kept"), "save() must change nothing in a conflict");
        }
    }

    asio::awaitable<void> erasure() {
        const std::string name = key("erase");
        const std::uint64_t before = co_await versionOf(storage_, name);
        const SaveResult saved = co_await storage_->save(name, tokensOf("first"), before);
        co_await storage_->erase(name);
        const std::optional<StoredTokens> ended = co_await storage_->load(name);
        require(!ended || ended->tokens.empty(), "erase() must remove the tokens");
        require(!ended || ended->version > saved.version(),
                "erase() must leave an empty record of a greater version, or none");
        co_await storage_->erase(name);  // must succeed
        const std::uint64_t version = co_await versionOf(storage_, name);
        const SaveResult again = co_await storage_->save(name, tokensOf("second"), version);
        require(again.isSaved(), "save() must succeed after erase()");
        require(again.version() > saved.version(), "save() must return a greater version than before erase()");
    }

    struct Burst {
        Burst(const asio::any_io_executor& executor, std::size_t count)
            : outcomes(count), waiting(count), ended(executor, asio::steady_timer::time_point::max()) {}
        std::vector<std::optional<SaveResult>> outcomes;
        std::size_t waiting;
        std::string failure;
        asio::steady_timer ended;
    };

    static asio::awaitable<void> saveInto(std::shared_ptr<Burst> burst, std::size_t index, StoragePtr storage,
                                          std::string key, std::uint64_t version) {
        SaveResult result = co_await storage->save(std::move(key), tokensOf(std::to_string(index)), version);
        burst->outcomes[index].emplace(std::move(result));
    }

    asio::awaitable<void> concurrentSaves() {
        constexpr std::size_t count = 8;
        const std::string name = key("concurrent");
        const std::uint64_t version = co_await versionOf(storage_, name);
        const asio::any_io_executor executor = co_await asio::this_coro::executor;
        const auto burst = std::make_shared<Burst>(executor, count);
        for (std::size_t i = 0; i < count; ++i) {
            const StoragePtr& storage = i % 2 == 0 ? storage_ : options_.other;
            asio::co_spawn(executor, saveInto(burst, i, storage, name, version), [burst](std::exception_ptr error) {
                if (error && burst->failure.empty()) burst->failure = describe(error);
                if (--burst->waiting == 0) burst->ended.cancel();
            });
        }
        boost::system::error_code ignored;
        if (burst->waiting > 0) co_await burst->ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        require(burst->failure.empty(), "save() failed when called concurrently: " + burst->failure);
        std::size_t winner = count;
        std::size_t winners = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (!burst->outcomes[i] || !burst->outcomes[i]->isSaved()) continue;
            winner = i;
            ++winners;
        }
        require(winners == 1,
                "exactly one of several concurrent save() calls with one expected version must succeed, not " +
                    std::to_string(winners));
        const std::optional<StoredTokens> there = co_await storage_->load(name);
        require(winners != 1 || (there && there->tokens == tokensOf(std::to_string(winner))),
                "load() must return the tokens of the save() that succeeded");
    }

    static std::string describe(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& known) {
            return known.what();
        } catch (...) {
            return "an exception that is no std::exception";
        }
    }

    asio::awaitable<void> keysAreSeparate() {
        const std::vector<std::string> keys = unusualKeys(options_.keyPrefix);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const std::uint64_t version = co_await versionOf(storage_, keys[i]);
            const SaveResult saved = co_await storage_->save(keys[i], tokensOf(std::to_string(i)), version);
            require(saved.isSaved(), "save() must accept every key of visible ASCII of up to 2305 characters");
        }
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const std::optional<StoredTokens> there = co_await storage_->load(keys[i]);
            const std::string shown = keys[i].size() > 64 ? "a key of " + std::to_string(keys[i].size()) + " characters"
                                                          : "the key " + keys[i];
            require(there && there->tokens == tokensOf(std::to_string(i)),
                    "load() must return each key's own record, but does not for " + shown);
        }
        for (const std::string& each : keys) co_await storage_->erase(each);
    }

    asio::awaitable<void> otherObject() {
        const std::string name = key("other");
        const std::uint64_t before = co_await versionOf(storage_, name);
        const SaveResult saved = co_await storage_->save(name, tokensOf("here"), before);
        const std::optional<StoredTokens> there = co_await options_.other->load(name);
        require(there && there->tokens == tokensOf("here") && there->version == saved.version(),
                "load() of another object must return what was saved");
        const SaveResult elsewhere = co_await options_.other->save(name, tokensOf("there"), saved.version());
        const SaveResult late = co_await storage_->save(name, tokensOf("late"), saved.version());
        require(elsewhere.isSaved() && !late.isSaved() && late.current().tokens == tokensOf("there"),
                "save() must report a conflict after another object has saved");
        co_await options_.other->erase(name);
        const std::optional<StoredTokens> ended = co_await storage_->load(name);
        require(!ended || ended->tokens.empty(), "erase() of another object must end the session");
    }

    asio::awaitable<void> leases() {
        const std::string name = key("lease");
        constexpr std::chrono::milliseconds longTime(60'000);
        {
            const Lease held = co_await storage_->acquireLease(name, longTime);
            require(held.has_value(), "acquireLease() must grant a lease that nothing else holds");
            const Lease second = co_await options_.other->acquireLease(name, longTime);
            require(!second, "acquireLease() must return nullopt while another lease of the key is held");
            if (options_.manyKeys) {
                const Lease apart = co_await storage_->acquireLease(key("lease-of-another-key"), longTime);
                require(apart.has_value(), "acquireLease() must grant leases of different keys independently");
            }
        }
        bool granted = co_await grantedWithin(name, patience());
        require(granted, "a lease must end when it is destroyed");
        const Lease expiring = co_await storage_->acquireLease(name, options_.leaseTime);
        granted = co_await grantedWithin(name, options_.leaseTime + patience());
        require(granted, "a lease must end when its time to live has passed");
    }

    std::chrono::milliseconds patience() const { return 20 * options_.leaseTime; }

    /// A storage may release a lease in the background.
    asio::awaitable<bool> grantedWithin(std::string name, std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (;;) {
            const Lease lease = co_await options_.other->acquireLease(name, std::chrono::milliseconds(60'000));
            if (lease) co_return true;
            if (std::chrono::steady_clock::now() >= end) co_return false;
            timer.expires_after(std::chrono::milliseconds(5));
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

    const StoragePtr storage_;
    StorageConformanceOptions options_;
    std::vector<std::string> violations_;
};

}  // namespace

asio::awaitable<std::vector<std::string>> checkTokenStorage(StoragePtr storage, StorageConformanceOptions options) {
    const auto conformance = std::make_shared<Conformance>(std::move(storage), std::move(options));
    co_return co_await conformance->run();
}

}  // namespace wix::testing
