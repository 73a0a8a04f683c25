// What is in a session file: tokens as in toJson, with a member `wix` that holds key and version. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <wix/error.hpp>
#include <wix/token_storage.hpp>

namespace wix::detail {

std::string writeSessionRecord(const Tokens& tokens, std::string_view key, std::uint64_t version);

/// Reads a record of `key`; one without the member `wix` is anybody's, and has the version `unmarkedVersion`.
/// Errc::storage_damaged or storage_refused. The text says what is wrong and what to do, names no file, and repeats
/// nothing of the record.
result<StoredTokens> readSessionRecord(std::string_view text, std::string_view key, std::uint64_t unmarkedVersion);

}  // namespace wix::detail
