#include "storage/session_name.hpp"

#include <openssl/evp.h>

#include <array>

namespace wix::detail {
namespace {

constexpr std::string_view hexDigits = "0123456789abcdef";
constexpr std::string_view ending = ".json";
constexpr std::size_t hashSize = 32;

}  // namespace

std::string sessionFileName(std::string_view key) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    if (::EVP_Digest(key.data(), key.size(), hash.data(), &size, ::EVP_sha256(), nullptr) != 1 || size != hashSize)
        return std::string();
    std::string name;
    for (std::size_t i = 0; i < hashSize; ++i) {
        name += hexDigits[hash[i] >> 4];
        name += hexDigits[hash[i] & 15];
    }
    return name.append(ending);
}

bool isSessionFileName(std::string_view name) noexcept {
    return name.size() == 2 * hashSize + ending.size() && name.ends_with(ending) &&
           name.substr(0, 2 * hashSize).find_first_not_of(hexDigits) == name.npos;
}

}  // namespace wix::detail
