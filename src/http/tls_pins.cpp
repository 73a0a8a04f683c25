#include "http/tls_pins.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

namespace wix::detail {
namespace {

using Digest = std::array<unsigned char, 32>;
constexpr int textSize = 44;  // of the base64 of a digest: 43 characters and one "="

std::optional<Digest> decode(std::string_view text) {
    if (text.size() != textSize) return std::nullopt;
    std::array<unsigned char, 33> bytes;  // EVP_DecodeBlock writes the padding as well
    const auto* from = reinterpret_cast<const unsigned char*>(text.data());
    if (EVP_DecodeBlock(bytes.data(), from, textSize) != static_cast<int>(bytes.size())) return std::nullopt;
    // It reads some texts that are no canonical base64, too.
    std::array<unsigned char, textSize + 1> again;
    EVP_EncodeBlock(again.data(), bytes.data(), static_cast<int>(std::tuple_size_v<Digest>));
    if (!std::equal(from, from + textSize, again.begin())) return std::nullopt;
    Digest digest;
    std::copy_n(bytes.begin(), digest.size(), digest.begin());
    return digest;
}

std::optional<Digest> digestOf(X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) return std::nullopt;
    Digest digest;
    const int made = EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    return made == 1 ? std::optional<Digest>(digest) : std::nullopt;
}

}  // namespace

result<TlsPins> TlsPins::parse(const std::vector<std::string>& texts) {
    TlsPins pins;
    for (std::string_view text : texts) {
        constexpr std::string_view prefix = "sha256/";
        if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
        const auto digest = decode(text);
        if (!digest)
            return Failure(Errc::invalid_argument,
                           "TlsOptions::pins must each be the base64 of a SHA-256: 44 characters, the last of them "
                           "\"=\", with or without \"sha256/\" before them");
        pins.digests_.push_back(*digest);
    }
    return pins;
}

bool TlsPins::match(STACK_OF(X509) * chain) const {
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        const auto digest = digestOf(sk_X509_value(chain, i));
        if (digest && std::find(digests_.begin(), digests_.end(), *digest) != digests_.end()) return true;
    }
    return false;
}

}  // namespace wix::detail
