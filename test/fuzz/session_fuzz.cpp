// Stored sessions: the JSON of tokens, and the record of a session file.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <string>

#include <wix/tokens.hpp>

#include "fuzz/fuzz.hpp"
#include "storage/record_version.hpp"
#include "storage/session_record.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::fuzz;
namespace json = boost::json;

namespace {

void checkTokens(std::string_view text) {
    boost::system::error_code ec;
    const json::value value = json::parse(text, ec);
    if (ec) return;
    try {
        const Tokens tokens = tokensFromJson(value);
        require(tokens.accessToken.expiresAt.time_since_epoch().count() >= 0, "a time is not before 1970");
        require(tokensFromJson(json::parse(json::serialize(toJson(tokens)))) == tokens, "tokens read as written");
    } catch (const Error& error) {
        require(error.code() == Errc::invalid_argument, "refused tokens have their code");
        requireHarmless(error.failure());
    }
}

void checkRecord(std::string_view text, std::string_view key) {
    const auto record = readSessionRecord(text, key, 7);
    if (!record) {
        require(record.error().code == Errc::storage_damaged || record.error().code == Errc::storage_refused,
                "a refused record has its code");
        return requireHarmless(record.error());
    }
    require(record->version >= 1 && record->version <= maxRecordVersion, "a version is within its bounds");
    const std::string written = writeSessionRecord(record->tokens, "key", record->version);
    const auto again = readSessionRecord(written, "key", 1);
    require(again && again->tokens == record->tokens && again->version == record->version, "a record reads as written");
    require(!readSessionRecord(written, "another key", 1), "a record has one key");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const unsigned where = input.number() * 3;
    const std::string_view text = input.rest();
    const std::string secret = withCanary(text, where);
    for (const std::string_view one : {text, std::string_view(secret)}) {
        checkTokens(one);
        checkRecord(one, "key");
    }
    return 0;
}
