// Reads one HTTP/1.1 answer after the other from bytes. Pure: who reads the bytes and when is the connection's affair.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>

#include <wix/error.hpp>

#include "http/http_reply.hpp"

namespace wix::detail {

/// What one answer may cost. Passing one of them fails with Errc::response_too_large.
struct ResponseLimits {
    ResponseLimits() = default;
    ResponseLimits(std::size_t header, std::size_t body) : headerBytes(header), bodyBytes(body) {}

    std::size_t headerBytes = std::size_t{64}
                              << 10;  ///< All heads of an answer, interim ones included; and its trailers.
    std::size_t bodyBytes = std::size_t{16} << 20;  ///< The body, without transfer coding.

    /// A larger body of a final status outside 2xx is left out: the response is complete without it, and its connection is
    /// not used again. Unlimited: such a body has the limit of any other.
    std::size_t errorBodyBytes = std::numeric_limits<std::size_t>::max();

    /// Everything after the head: the body, and a share for the lines between chunks.
    std::size_t rawBodyBytes() const noexcept;
};

/// Over Beast's parser, and stricter where that is lenient: interim answers are skipped and
/// counted, a coding other than `chunked` is refused, so are folded lines and bare line feeds in a head, and every
/// part has a limit. What it gives does not depend on how the bytes were split.
class ResponseReader {
public:
    enum class State {
        head,    ///< The head is not complete; interim answers may have come.
        body,    ///< The head is complete, the body is not.
        done,    ///< takeReply() has it.
        failed,  ///< failure() says why. Close the connection.
    };

    /// `inParts`: the body of an answer of 2xx has no limit, and takeReply() gives what has come of it so far.
    explicit ResponseReader(ResponseLimits limits, bool answerToHead = false, bool inParts = false);
    ~ResponseReader();
    ResponseReader(ResponseReader&&) noexcept;
    ResponseReader& operator=(ResponseReader&&) noexcept;

    /// Begins the next answer; memory is kept.
    void reset(bool answerToHead);
    /// The same with other limits, in parts or not.
    void reset(ResponseLimits limits, bool answerToHead, bool inParts);
    /// Begins the response to a CONNECT request: it has no body, and the framing headers of a 2xx response are ignored
    /// (RFC 9110 9.3.6).
    void resetForConnect(ResponseLimits limits);

    /// Takes bytes in; gives how many belong to this answer. Bytes that are left over after `done` were never asked
    /// for: close the connection.
    std::size_t feed(const char* data, std::size_t size);
    /// No more bytes will come. `cleanClose`: the peer said so (FIN, over TLS close_notify); only then is a body
    /// without a length complete.
    void finishAtEof(bool cleanClose);

    State state() const noexcept;
    /// Whether any byte of this answer has come, interim answers included: the server has seen the request.
    bool sawAnyByte() const noexcept;
    /// Whether a complete head has come, of an interim response too. Bytes without one may belong to no response.
    bool sawHead() const noexcept;
    /// Errc::response_invalid, response_truncated or response_too_large. Only if failed.
    const Failure& failure() const noexcept;
    /// Once, when done. In parts: whenever there is one, with the headers the first time.
    HttpReply takeReply();
    /// Whether the head, or some of the body, waits to be taken before the whole is there.
    bool hasPart() const noexcept;
    const HttpReply& reply() const noexcept;
    /// When done: whether another request may be sent on the connection.
    bool reusable() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace wix::detail
