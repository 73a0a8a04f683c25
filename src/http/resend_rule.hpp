// Whether a request that got no response is sent again at once, on another connection. Pure.
#pragma once

#include <wix/error.hpp>

namespace wix::detail {

/// What is known about the connection and the response of a request that failed.
struct ResendFacts {
    ResendFacts() = default;
    ResendFacts(bool reused, bool sawByte, bool sawForeign)
        : reusedConnection(reused), sawAnswer(sawByte), foreignBytes(sawForeign) {}
    bool reusedConnection = false;  ///< The request was not the first one of its connection.
    bool sawAnswer = false;         ///< At least one byte has come.
    bool foreignBytes = false;      ///< What has come is no response, not even the head of one.
};

/// A server may close an idle connection at any time, also just when a request is on its way. Such a request is sent
/// once more if it was not the connection's first (else the server does not close for being idle), not one byte of an
/// answer came (else it was being processed), and either nothing of it had left or it may be repeated. Bytes that are no
/// response belong to an earlier use of the connection: the request may be repeated only if it is idempotent.
inline bool resendAtOnce(const Failure& failure, const ResendFacts& facts, bool idempotent) noexcept {
    if (!facts.reusedConnection) return false;
    if (failure.code == Errc::response_invalid) return facts.foreignBytes && idempotent;
    return failure.code == Errc::connection_lost && !facts.sawAnswer && (!failure.maybeSent || idempotent);
}

/// What a caller is told about a connection that broke: `maybe_sent` if repeating the request might do it twice.
inline Failure asSeenByCaller(Failure failure, bool idempotent) {
    if (failure.code == Errc::connection_lost && failure.maybeSent && !idempotent) failure.code = Errc::maybe_sent;
    return failure;
}

}  // namespace wix::detail
