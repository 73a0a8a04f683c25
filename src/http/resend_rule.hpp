// Whether a request that got no answer is sent again at once, on another connection. Pure.
#pragma once

#include <wix/error.hpp>

namespace wix::detail {

/// A server may close an idle connection at any time, also just when a request is on its way. Such a request is sent
/// once more if it was not the connection's first (else the server does not close for being idle), not one byte of an
/// answer came (else it was being processed), and either nothing of it had left or it may be repeated.
inline bool resendAtOnce(const Failure& failure, bool reusedConnection, bool sawAnswer, bool idempotent) noexcept {
    return failure.code == Errc::connection_lost && reusedConnection && !sawAnswer &&
           (!failure.maybeSent || idempotent);
}

/// What a caller is told about a connection that broke: `maybe_sent` if repeating the request might do it twice.
inline Failure asSeenByCaller(Failure failure, bool idempotent) {
    if (failure.code == Errc::connection_lost && failure.maybeSent && !idempotent) failure.code = Errc::maybe_sent;
    return failure;
}

}  // namespace wix::detail
