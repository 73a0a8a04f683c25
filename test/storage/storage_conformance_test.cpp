// The conformance test of TokenStorage: it accepts the storages of the SDK, and names what is wrong with others.
#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <wix/error.hpp>
#include <wix/testing/storage_conformance.hpp>

#include "storage/run_awaitable.hpp"
#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail::test;
using testing::StorageConformanceOptions;
namespace asio = boost::asio;

namespace {

enum class Mistake {
    none,
    ignoresTheExpectedVersion,
    conflictWithoutTheRecord,
    beginsAnewAfterErase,
    keepsTheTokensAfterErase,
    missingRecordIsAnError,
    eraseOfAMissingRecordIsAnError,
    forgetsTheRole,
    forgetsTheExpiry,
    cutsTokens,
    ignoresTheCaseOfKeys,
    returnsAnotherVersion,
    grantsEveryLease,
    keepsLeases,
    missingRecordIsEmpty,
    versionIsTooGreat,
    savesInAConflict,
    endsWithTheSameVersion,
    checksTheVersionTooEarly,
    refusesLongKeys,
    hasOneLeaseForAllKeys,
    leasesDoNotExpire,
};

/// A MemoryTokenStorage with one mistake.
class MistakenStorage final : public TokenStorage {
public:
    explicit MistakenStorage(Mistake mistake) : mistake_(mistake) {}

    asio::awaitable<std::optional<StoredTokens>> load(std::string key) override {
        std::optional<StoredTokens> there = co_await memory_.load(nameOf(key));
        if (!there && mistake_ == Mistake::missingRecordIsAnError) throw Error(Errc::storage_unavailable, "no record");
        if (there && mistake_ == Mistake::returnsAnotherVersion) ++there->version;
        if (mistake_ == Mistake::keepsTheTokensAfterErase && there && there->tokens.empty()) there->tokens = erased_;
        if (mistake_ == Mistake::beginsAnewAfterErase && there && there->tokens.empty()) there.reset();
        if (mistake_ == Mistake::beginsAnewAfterErase && there) there->version -= offsetOf(key);
        if (mistake_ == Mistake::missingRecordIsEmpty && !there) there.emplace();
        if (mistake_ == Mistake::versionIsTooGreat && there) there->version += tooGreat;
        if (mistake_ == Mistake::endsWithTheSameVersion && there && there->tokens.empty()) --there->version;
        co_return there;
    }
    asio::awaitable<SaveResult> save(std::string key, Tokens tokens, std::uint64_t expectedVersion) override {
        if (mistake_ == Mistake::forgetsTheRole) tokens.refreshToken.role = TokenRole::visitor;
        if (mistake_ == Mistake::forgetsTheExpiry) tokens.accessToken.expiresAt = {};
        if (mistake_ == Mistake::cutsTokens) tokens.accessToken.value = tokens.accessToken.value.substr(0, 4'096);
        if (mistake_ == Mistake::keepsTheTokensAfterErase) erased_ = tokens;
        const std::string name = nameOf(key);
        const std::optional<StoredTokens> there = co_await memory_.load(name);
        const std::uint64_t version = there ? there->version : 0;
        if (mistake_ == Mistake::ignoresTheExpectedVersion) expectedVersion = version;
        if (mistake_ == Mistake::beginsAnewAfterErase) {
            if (there && there->tokens.empty() && expectedVersion == 0) {
                offsets_[key] = version;
                expectedVersion = version;
            } else {
                expectedVersion += offsetOf(key);
            }
        }
        if (mistake_ == Mistake::refusesLongKeys && key.size() > 512) co_return SaveResult();
        if (mistake_ == Mistake::versionIsTooGreat && expectedVersion >= tooGreat) expectedVersion -= tooGreat;
        if (mistake_ == Mistake::endsWithTheSameVersion && there && there->tokens.empty()) ++expectedVersion;
        if (mistake_ == Mistake::checksTheVersionTooEarly && expectedVersion == version) {
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
            const std::optional<StoredTokens> now = co_await memory_.load(name);
            expectedVersion = now ? now->version : 0;
        }
        const Tokens given = tokens;
        SaveResult result = co_await memory_.save(name, std::move(tokens), expectedVersion);
        if (!result.isSaved() && mistake_ == Mistake::savesInAConflict) co_await memory_.save(name, given, version);
        if (result.isSaved() && mistake_ == Mistake::versionIsTooGreat)
            co_return SaveResult::saved(result.version() + tooGreat);
        if (!result.isSaved() && mistake_ == Mistake::conflictWithoutTheRecord) co_return SaveResult();
        if (result.isSaved() && mistake_ == Mistake::beginsAnewAfterErase)
            co_return SaveResult::saved(result.version() - offsetOf(key));
        co_return result;
    }
    asio::awaitable<void> erase(std::string key) override {
        const std::string name = nameOf(key);
        const std::optional<StoredTokens> there = co_await memory_.load(name);
        if (!there && mistake_ == Mistake::eraseOfAMissingRecordIsAnError)
            throw Error(Errc::storage_unavailable, "no record");
        co_await memory_.erase(name);
    }
    asio::awaitable<std::optional<RenewalLease>> acquireLease(std::string key, std::chrono::milliseconds ttl) override {
        if (mistake_ == Mistake::grantsEveryLease) co_return std::optional<RenewalLease>(RenewalLease());
        if (mistake_ == Mistake::hasOneLeaseForAllKeys) key = "all";
        if (mistake_ == Mistake::leasesDoNotExpire) ttl = std::chrono::hours(1);
        std::optional<RenewalLease> lease = co_await memory_.acquireLease(nameOf(key), ttl);
        if (mistake_ == Mistake::keepsLeases && lease) {
            kept_.push_back(std::move(*lease));
            lease.emplace(RenewalLease());
        }
        co_return lease;
    }

private:
    static constexpr std::uint64_t tooGreat = std::uint64_t{1} << 53;

    std::string nameOf(std::string key) const {
        if (mistake_ == Mistake::ignoresTheCaseOfKeys)
            for (char& c : key)
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        return key;
    }
    std::uint64_t offsetOf(const std::string& key) const {
        const auto found = offsets_.find(key);
        return found == offsets_.end() ? 0 : found->second;
    }

    const Mistake mistake_;
    MemoryTokenStorage memory_;
    Tokens erased_;
    std::map<std::string, std::uint64_t> offsets_;
    std::vector<RenewalLease> kept_;
};

std::vector<std::string> violationsOf(std::shared_ptr<TokenStorage> storage,
                                      StorageConformanceOptions options = StorageConformanceOptions()) {
    options.leaseTime = std::chrono::milliseconds(20);
    return runAwaitable(testing::checkTokenStorage(std::move(storage), std::move(options)));
}

std::string firstOf(const std::vector<std::string>& all) { return all.empty() ? std::string() : all.front(); }

}  // namespace

TEST_CASE("MemoryTokenStorage conforms [D3]") {
    CHECK(firstOf(violationsOf(std::make_shared<MemoryTokenStorage>())) == "");
}

TEST_CASE("FileTokenStorage of a directory conforms, with another object over the same files [D3]") {
    const TempDirectory directory;
    StorageConformanceOptions options;
    options.other = FileTokenStorage::inDirectory(directory.path());
    CHECK(firstOf(violationsOf(FileTokenStorage::inDirectory(directory.path()), options)) == "");
}

TEST_CASE("FileTokenStorage of one file conforms [D3]") {
    const TempDirectory directory;
    StorageConformanceOptions options;
    options.manyKeys = false;
    options.other = std::make_shared<FileTokenStorage>(directory.path() / "session.json");
    CHECK(firstOf(violationsOf(std::make_shared<FileTokenStorage>(directory.path() / "session.json"), options)) == "");
}

TEST_CASE("a storage without a mistake conforms, also if its leases exclude nothing and that is said [D3]") {
    CHECK(firstOf(violationsOf(std::make_shared<MistakenStorage>(Mistake::none))) == "");
    StorageConformanceOptions options;
    options.exclusiveLeases = false;
    CHECK(firstOf(violationsOf(std::make_shared<MistakenStorage>(Mistake::grantsEveryLease), options)) == "");
}

TEST_CASE("each mistake of a storage is reported with the rule [D3]") {
    const std::vector<std::pair<Mistake, std::string>> rows = {
        {Mistake::ignoresTheExpectedVersion, "save() must report a conflict if the record has another version"},
        {Mistake::conflictWithoutTheRecord, "save() must return the present record with a conflict"},
        {Mistake::beginsAnewAfterErase, "save() must return a greater version than before erase()"},
        {Mistake::keepsTheTokensAfterErase, "erase() must remove the tokens"},
        {Mistake::missingRecordIsAnError, "load() failed: "},
        {Mistake::eraseOfAMissingRecordIsAnError, "load() failed: "},
        {Mistake::forgetsTheRole, "load() must return the role"},
        {Mistake::forgetsTheExpiry, "load() must return expiresAt"},
        {Mistake::cutsTokens, "load() must return the tokens that were saved, of any character and of 64 KiB"},
        {Mistake::ignoresTheCaseOfKeys, "load() must return each key's own record, but does not for "},
        {Mistake::returnsAnotherVersion, "load() must return the version that save() returned"},
        {Mistake::grantsEveryLease, "acquireLease() must return nullopt while another lease of the key is held"},
        {Mistake::keepsLeases, "a lease must end when it is destroyed"},
        {Mistake::missingRecordIsEmpty, "load() must return nullopt for a key that was never saved"},
        {Mistake::versionIsTooGreat,
         "save() must return a version that is greater than the last one, and at most 2^53 - 2"},
        {Mistake::savesInAConflict, "save() must change nothing in a conflict"},
        {Mistake::endsWithTheSameVersion, "erase() must leave an empty record of a greater version, or none"},
        {Mistake::checksTheVersionTooEarly, "exactly one of several concurrent save() calls"},
        {Mistake::refusesLongKeys, "save() must accept every key of visible ASCII of up to 2305 characters"},
        {Mistake::hasOneLeaseForAllKeys, "acquireLease() must grant leases of different keys independently"},
        {Mistake::leasesDoNotExpire, "a lease must end when its time to live has passed"},
    };
    for (const auto& row : rows) {
        const std::string& rule = row.second;
        const std::vector<std::string> violations = violationsOf(std::make_shared<MistakenStorage>(row.first));
        bool found = false;
        for (const std::string& violation : violations) found = found || violation.starts_with(rule);
        CHECK_MESSAGE(found, "missing: " << rule << "; first: " << firstOf(violations));
    }
}

TEST_CASE("a storage whose objects do not share their data is reported [D3]") {
    StorageConformanceOptions options;
    options.other = std::make_shared<MemoryTokenStorage>();
    const std::vector<std::string> violations = violationsOf(std::make_shared<MemoryTokenStorage>(), options);
    for (const std::string rule : {"load() of another object must return what was saved",
                                   "save() must report a conflict after another object has saved",
                                   "erase() of another object must end the session"})
        CHECK_MESSAGE(std::find(violations.begin(), violations.end(), rule) != violations.end(), rule);
}
