#include "cookie/cookie_seal.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>

#include "cookie/base64url.hpp"

namespace wix::detail {
namespace {

constexpr std::string_view format = "1.";
constexpr std::size_t tagBytes = 16;
constexpr std::size_t nonceBytes = std::tuple_size_v<SealNonce>;
constexpr std::size_t longest = std::size_t{1} << 20;  // of a plaintext; far more than a cookie takes

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// Each part with its length before it: no two lists of parts give the same text.
void append(std::string& text, std::string_view part) {
    for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>((part.size() >> shift) & 0xFF));
    text += part;
}

std::string authenticated(std::string_view keyId, const SealBinding& binding) {
    std::string text;
    append(text, "wix session cookie");
    append(text, sealHeader(keyId));
    append(text, binding.purpose);
    append(text, binding.name);
    append(text, binding.kind);
    return text;
}

/// Ready for the text, with what is authenticated beside it.
Context begin(std::string_view secret, const unsigned char* nonce, std::string_view beside, bool encrypts) {
    Context context(EVP_CIPHER_CTX_new());
    if (!context) throw std::bad_alloc();
    int ignored = 0;
    if (secret.size() != sealSecretBytes ||
        EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytesOf(secret), nonce, encrypts ? 1 : 0) != 1 ||
        EVP_CipherUpdate(context.get(), nullptr, &ignored, bytesOf(beside), static_cast<int>(beside.size())) != 1)
        throw std::runtime_error("OpenSSL has no AES-256-GCM");
    return context;
}

}  // namespace

std::string sealHeader(std::string_view keyId) { return std::string(format).append(keyId); }

std::optional<std::string_view> keyIdOf(std::string_view value) noexcept {
    if (!value.starts_with(format)) return std::nullopt;
    value.remove_prefix(format.size());
    const std::size_t end = value.find('.');
    if (end == value.npos) return std::nullopt;
    return value.substr(0, end);
}

std::string randomSecret() {
    std::string secret(sealSecretBytes, '\0');
    if (RAND_priv_bytes(bytesOf(secret), static_cast<int>(secret.size())) != 1)
        throw std::runtime_error("OpenSSL has no random bytes");
    return secret;
}

SealNonce randomNonce() {
    SealNonce nonce;
    if (RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) != 1)
        throw std::runtime_error("OpenSSL has no random bytes");
    return nonce;
}

std::string seal(std::string_view secret, std::string_view keyId, const SealBinding& binding, std::string_view plain,
                 const SealNonce& nonce) {
    if (plain.size() > longest) throw std::length_error("too long to be sealed");
    const Context context = begin(secret, nonce.data(), authenticated(keyId, binding), true);
    std::string sealed(nonceBytes + plain.size() + tagBytes, '\0');
    std::copy(nonce.begin(), nonce.end(), bytesOf(sealed));
    unsigned char* const cipher = bytesOf(sealed) + nonceBytes;
    int written = 0;
    int rest = 0;
    if (EVP_CipherUpdate(context.get(), cipher, &written, bytesOf(plain), static_cast<int>(plain.size())) != 1 ||
        EVP_CipherFinal_ex(context.get(), cipher + written, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tagBytes), cipher + plain.size()) !=
            1)
        throw std::runtime_error("OpenSSL could not seal");
    return sealHeader(keyId) + "." + toBase64url(sealed);
}

std::optional<std::string> unseal(std::string_view secret, std::string_view keyId, const SealBinding& binding,
                                  std::string_view value) {
    const std::string header = sealHeader(keyId) + ".";
    if (value.size() > 2 * longest || !value.starts_with(header)) return std::nullopt;
    auto sealed = fromBase64url(value.substr(header.size()));
    if (!sealed || sealed->size() < nonceBytes + tagBytes) return std::nullopt;
    const std::size_t size = sealed->size() - nonceBytes - tagBytes;
    unsigned char* const cipher = bytesOf(*sealed) + nonceBytes;

    const Context context = begin(secret, bytesOf(*sealed), authenticated(keyId, binding), false);
    std::string plain(size, '\0');
    int written = 0;
    int rest = 0;
    if (EVP_CipherUpdate(context.get(), bytesOf(plain), &written, cipher, static_cast<int>(size)) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tagBytes), cipher + size) == 1 &&
        EVP_CipherFinal_ex(context.get(), bytesOf(plain) + written, &rest) == 1)
        return plain;
    cleanse(plain);  // nobody vouches for it
    return std::nullopt;
}

void cleanse(std::string& text) noexcept {
    if (!text.empty()) OPENSSL_cleanse(text.data(), text.size());
    text.clear();
}

}  // namespace wix::detail
