// What the tests against servers of other makers share.
#pragma once

#include <doctest/doctest.h>

#include "integration/failures.hpp"
#include "storage/temp_directory.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/skip.hpp"
#include "testing/certificate.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace wix::test {

/// Whether a program is not there; the message names what to install. Such a test has nothing to say.
inline bool missing(const std::string& program, const std::string& package) {
    if (!findProgram(program).empty()) return false;
    skip("there is no " + program + " (Debian: " + package + ")");
    return true;
}

/// Certificates as files, in a directory that goes with this.
class Site {
public:
    explicit Site(testing::Certificate kind = testing::Certificate::valid)
        : credentials_(testing::detail::makeCredentials(kind)) {
        writeFile(home / "certificate.pem", credentials_.certificate);
        writeFile(home / "key.pem", credentials_.privateKey);
        writeFile(home / "both.pem", credentials_.certificate + credentials_.privateKey);
    }

    std::uint16_t port() const { return port_; }
    std::string url() const { return "https://localhost:" + std::to_string(port_); }

    /// Of a client that trusts this site and does not pause between its attempts.
    ClientOptions options() const {
        ClientOptions options;
        options.apiUrl = options.edgeUrl = url();
        options.transport.tls.caPem = credentials_.caCertificate;
        options.retry.firstDelay = std::chrono::milliseconds(1);
        return options;
    }

    const detail::test::TempDirectory home;

private:
    const testing::detail::ServerCredentials credentials_;
    const std::uint16_t port_ = freePort();
};

/// A fake Wix that speaks plain HTTP, to stand behind a server that does the TLS.
inline testing::FakeWixOptions behindAFront() {
    testing::FakeWixOptions options;
    options.tls = false;
    return options;
}

/// A session that is valid for long, so that a call is the first thing that is sent.
inline OAuthStrategy strategyWithTokens() {
    OAuthStrategy strategy(clientId);
    const auto later = std::chrono::system_clock::now() + std::chrono::hours(2);
    strategy.tokens =
        Tokens(AccessToken("OauthNG.JWS.SECRET", std::chrono::time_point_cast<std::chrono::seconds>(later)),
               RefreshToken("IST.SECRET", TokenRole::visitor));
    return strategy;
}

}  // namespace wix::test
