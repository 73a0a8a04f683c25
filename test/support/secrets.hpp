// What must never be said. Every error that comes out of runOn() and every event of a client with optionsFor() is searched
// for it, and ctest searches the output of every test program.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include <wix/error.hpp>
#include <wix/observer.hpp>

namespace wix::test {

/// A secret for where no token belongs: headers, bodies, queries, passwords. Nothing says it by chance.
inline constexpr std::string_view plantedSecret = "q7ZcAnArYx3";

/// Whether `text` has a token of the tests, of the fake Wix or of one that a test made up, or the planted secret.
inline bool hasSecret(std::string_view text) {
    return text.find("JWS.") != text.npos || text.find(plantedSecret) != text.npos;
}

/// Ends the program if `text` has a secret: there may be nobody to throw to.
inline void requireNoSecret(std::string_view text) {
    if (!hasSecret(text)) return;
    std::fputs("A text of the SDK has a secret in it.\n", stderr);
    std::abort();
}

inline void requireNoSecret(const Failure& failure) {
    requireNoSecret(failure.context);
    requireNoSecret(failure.requestId);
    requireNoSecret(Error(failure).what());
}

/// The same of an exception, if there is one.
inline void requireNoSecret(std::exception_ptr thrown) {
    if (!thrown) return;
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const Error& error) {
        requireNoSecret(error.what());
        requireNoSecret(error.failure());
    } catch (const std::exception& error) {
        requireNoSecret(error.what());
    } catch (...) {
    }
}

/// Listens to a client whose test does not.
class SecretGuard final : public Observer {
public:
    void requestRetried(const RequestRetried& event) override { requireNoSecret(event.request); }
    void requestFinished(const RequestFinished& event) override {
        requireNoSecret(event.request);
        requireNoSecret(event.requestId);
    }
    void renewalFailed(const RenewalFailed& event) override { requireNoSecret(event.failure); }
    void sessionLost(const SessionLost& event) override { requireNoSecret(event.failure); }
    void saveFailed(const SaveFailed& event) override { requireNoSecret(event.failure); }
};

}  // namespace wix::test
