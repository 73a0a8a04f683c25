#include "http/tls_sessions.hpp"

#include <openssl/x509.h>

#include <algorithm>
#include <utility>

namespace wix::detail {
namespace {

TlsSessionPtr copyOf(const SSL_SESSION* session) {
    return TlsSessionPtr(SSL_SESSION_dup(const_cast<SSL_SESSION*>(session)));  // not const before OpenSSL 3.1
}

/// A resumed handshake shows no certificate: whether the one of the session is still valid has to be asked here.
bool isGood(const SSL_SESSION* session, std::time_t now) {
    const auto since = sessionTime(session);
    const auto lifetime = static_cast<std::time_t>(SSL_SESSION_get_timeout(session));
    if (now < since || now - since >= std::min(lifetime, TlsSessions::longestUse)) return false;
    const X509* certificate = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
    return certificate && X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

}  // namespace

std::time_t sessionTime(const SSL_SESSION* session) {
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
    return SSL_SESSION_get_time_ex(session);
#else
    return static_cast<std::time_t>(SSL_SESSION_get_time(session));
#endif
}

void TlsSessions::put(const std::string& origin, const SSL_SESSION* session) {
    TlsSessionPtr copy = copyOf(session);
    if (!copy) return;
    const std::lock_guard lock(mutex_);
    Kept& kept = origins_[origin];
    kept.changed = ++changes_;
    kept.sessions.push_back(std::move(copy));
    if (kept.sessions.size() > mostPerOrigin) kept.sessions.erase(kept.sessions.begin());
    if (origins_.size() <= mostOrigins) return;
    origins_.erase(std::min_element(origins_.begin(), origins_.end(), [](const auto& one, const auto& other) {
        return one.second.changed < other.second.changed;
    }));
}

TlsSessionPtr TlsSessions::take(const std::string& origin, std::time_t now) {
    const std::lock_guard lock(mutex_);
    const auto found = origins_.find(origin);
    if (found == origins_.end()) return nullptr;
    auto& sessions = found->second.sessions;
    std::erase_if(sessions, [now](const TlsSessionPtr& session) { return !isGood(session.get(), now); });
    TlsSessionPtr taken;
    if (!sessions.empty()) {
        if (SSL_SESSION_get_protocol_version(sessions.back().get()) < TLS1_3_VERSION)
            return copyOf(sessions.back().get());
        taken = std::move(sessions.back());
        sessions.pop_back();
    }
    if (sessions.empty()) origins_.erase(found);
    return taken;
}

void TlsSessions::forget(const std::string& origin) {
    const std::lock_guard lock(mutex_);
    origins_.erase(origin);
}

std::size_t TlsSessions::size() const {
    const std::lock_guard lock(mutex_);
    std::size_t all = 0;
    for (const auto& [origin, kept] : origins_) all += kept.sessions.size();
    return all;
}

}  // namespace wix::detail
