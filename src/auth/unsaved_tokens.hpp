// What a session that has lost its io_context had not stored yet: the next session with its key continues with that.
#pragma once

#include <cstdint>
#include <utility>

#include <wix/tokens.hpp>

namespace wix::detail {

struct UnsavedTokens {
    UnsavedTokens() = default;
    UnsavedTokens(Tokens unsaved, std::uint64_t after, bool byCaller)
        : tokens(std::move(unsaved)), version(after), setByCaller(byCaller) {}

    Tokens tokens;              ///< Empty: the session has ended.
    std::uint64_t version = 0;  ///< Of the record that they follow.
    bool setByCaller = false;   ///< They replace whatever is stored. Otherwise a newer record of another process wins.
};

}  // namespace wix::detail
