// What tests of a session file put into it, and how they read its failures.
#pragma once

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include <wix/error.hpp>
#include <wix/tokens.hpp>

namespace wix::detail::test {

inline Tokens tokens(const std::string& mark, TokenRole role = TokenRole::visitor) {
    return Tokens(AccessToken("access-" + mark, std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))),
                  RefreshToken("refresh-" + mark, role));
}

/// Written by a JavaScript program.
inline const std::string javaScript =
    R"({"accessToken":{"value":"SECRET-a","expiresAt":1700000000},"refreshToken":{"value":"SECRET-r","role":"visitor"}})";

inline std::string marked(const std::string& mark) {
    return javaScript.substr(0, javaScript.size() - 1) + ",\"wix\":" + mark + "}";
}

inline std::uint64_t timeOf(const std::filesystem::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_mtim.tv_sec * 1'000'000 + status.st_mtim.tv_nsec / 1'000);
}

/// The code and text of a failure; no text may repeat what is in the file.
template <class T>
std::string why(const result<T>& outcome, const std::filesystem::path& file) {
    if (outcome) return "no failure";
    std::string text = outcome.error().context;
    CHECK(text.find("SECRET") == std::string::npos);
    const std::string start = "session file " + file.string() + ": ";
    CHECK(text.starts_with(start));
    text = text.substr(start.size());
    if (outcome.error().code == Errc::storage_refused) return "refused: " + text;
    if (outcome.error().code == Errc::storage_damaged) return "damaged: " + text;
    if (outcome.error().code == Errc::storage_unavailable) return "unavailable: " + text;
    return outcome.error().code.message() + ": " + text;
}

}  // namespace wix::detail::test
