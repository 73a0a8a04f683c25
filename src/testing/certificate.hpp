// A certificate authority of its own for each fake, and a certificate signed by it.
#ifndef WIX_TESTING_CERTIFICATE_HPP
#define WIX_TESTING_CERTIFICATE_HPP

#include <wix/testing/fake_wix.hpp>

#include <string>

namespace wix::testing::detail {

/// PEM texts.
struct ServerCredentials {
    ServerCredentials() = default;
    std::string caCertificate;
    std::string certificate;
    std::string privateKey;
};

/// ECDSA P-256, valid for two days around now, or as `kind` says. `viaIntermediate`: as sites have it, an authority is
/// between the server and the one that is trusted. Throws std::runtime_error if OpenSSL fails.
ServerCredentials makeCredentials(Certificate kind, bool viaIntermediate = false);

}  // namespace wix::testing::detail

#endif
