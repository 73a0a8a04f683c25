// Sealing bytes with AES-256-GCM into a text, `1.KEYID.` and the base64url of nonce, ciphertext and tag. The only part of
// cookie/ that knows OpenSSL. What a value is bound to is authenticated beside it, and not in it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wix::detail {

inline constexpr std::size_t sealSecretBytes = 32;

using SealNonce = std::array<unsigned char, 12>;

/// What a value is bound to: it opens with these only.
struct SealBinding {
    SealBinding(std::string_view boundPurpose, std::string_view boundName, std::string_view boundKind)
        : purpose(boundPurpose), name(boundName), kind(boundKind) {}
    std::string_view purpose;
    std::string_view name;
    std::string_view kind;
};

/// What sealed values have in front: format and key id.
std::string sealHeader(std::string_view keyId);
/// The key id of a value; nothing if it has not the form of one.
std::optional<std::string_view> keyIdOf(std::string_view value) noexcept;

/// Random bytes of OpenSSL's generator for secrets. Throws std::runtime_error if it has none: nothing may go on then.
std::string randomSecret();
SealNonce randomNonce();

/// `secret`: 32 bytes. Never use a nonce twice with one secret.
std::string seal(std::string_view secret, std::string_view keyId, const SealBinding& binding, std::string_view plain,
                 const SealNonce& nonce);
/// What was sealed, if `value` has not been changed by a bit and was sealed with this secret, id and binding.
std::optional<std::string> unseal(std::string_view secret, std::string_view keyId, const SealBinding& binding,
                                  std::string_view value);

/// Overwrites and empties what was secret.
void cleanse(std::string& text) noexcept;

}  // namespace wix::detail
