#include "storage/session_record.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

#include "storage/record_version.hpp"

namespace json = boost::json;

namespace wix::detail {

std::string writeSessionRecord(const Tokens& tokens, std::string_view key, std::uint64_t version) {
    json::object mark;
    mark["key"] = key;
    mark["version"] = version;
    json::value record = toJson(tokens);
    record.get_object()["wix"] = std::move(mark);
    return json::serialize(record);
}

result<StoredTokens> readSessionRecord(std::string_view text, std::string_view key, std::uint64_t unmarkedVersion) {
    const auto damaged = [](std::string why) { return Failure(Errc::storage_damaged, std::move(why)); };
    boost::system::error_code ec;
    const json::value value = json::parse(text, ec);
    if (ec) return damaged(text.empty() ? "it is empty" : "it is not JSON");
    Tokens tokens;
    try {
        tokens = tokensFromJson(value);
    } catch (const Error& error) {
        return damaged("it is not a session (" + error.failure().context + ")");
    }
    const json::value* mark = value.get_object().if_contains("wix");
    if (!mark)
        return StoredTokens(std::move(tokens), unmarkedVersion);  // written by another program, for whoever finds it
    const json::value* owner = mark->is_object() ? mark->get_object().if_contains("key") : nullptr;
    const json::value* version = mark->is_object() ? mark->get_object().if_contains("version") : nullptr;
    if (!owner || !owner->is_string() || !version || !version->is_number())
        return damaged("its member \"wix\" is malformed");
    const auto number = version->to_number<std::uint64_t>(ec);
    if (ec || number < 1 || number > maxRecordVersion) return damaged("its version is out of range");
    if (std::string_view(owner->get_string().data(), owner->get_string().size()) != key)
        return Failure(Errc::storage_refused,
                       "it is the session of another client id or session key; choose another path");
    return StoredTokens(std::move(tokens), number);
}

}  // namespace wix::detail
