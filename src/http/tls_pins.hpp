// Certificate pins: the SHA-256 of a SubjectPublicKeyInfo (RFC 7469 2.4).
#pragma once

#include <openssl/x509.h>

#include <array>
#include <string>
#include <vector>

#include <wix/error.hpp>

namespace wix::detail {

class TlsPins {
public:
    /// Reads TlsOptions::pins; Errc::invalid_argument if one is no base64 of 32 bytes.
    static result<TlsPins> parse(const std::vector<std::string>& texts);

    bool empty() const noexcept { return digests_.empty(); }
    /// Whether `chain` has a certificate with one of the pinned keys.
    bool match(STACK_OF(X509) * chain) const;

private:
    using Digest = std::array<unsigned char, 32>;
    std::vector<Digest> digests_;
};

}  // namespace wix::detail
