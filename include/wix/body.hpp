// Bodies that are too large for memory: where a request's bytes come from, and where an answer's go.
#ifndef WIX_BODY_HPP
#define WIX_BODY_HPP

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <wix/abi.hpp>
#include <wix/config.hpp>

namespace wix {

/// Gives the bytes of a request's body, piece by piece: see Request::body(source, contentType).
///
/// Its functions run on the executor of the call, one at a time. What they throw ends the call and is what the caller
/// gets; the connection is closed, since the server has half of a request. While read() is awaited nobody but itself can
/// end it, and the call's deadline and stop token wait; Asio's cancellation reaches what it awaits.
class WIX_EXPORT BodySource {
public:
    BodySource() = default;
    BodySource(const BodySource&) = delete;
    BodySource& operator=(const BodySource&) = delete;
    virtual ~BodySource();

    /// The number of bytes if it is known before: they are announced as Content-Length, and giving more or fewer fails
    /// with Errc::invalid_argument. Without it the body is sent in chunks, which some servers refuse. Asked once for each
    /// request.
    virtual std::optional<std::uint64_t> size() const;
    /// The next bytes, `most` (at least 1) of them or fewer; none at the end.
    virtual boost::asio::awaitable<std::string> read(std::size_t most) = 0;
    /// Whether read() gives the whole body once more from now on. Without it a request whose body has been touched is
    /// not sent a second time: not on another connection, and not with a new token after a 401.
    virtual bool rewind();
};

/// Takes the bytes of an answer's body, piece by piece: see Client::fetch(request, sink). Only the body of an answer
/// with a status of 2xx comes here; that of another one is an error's, and in Response::body().
///
/// Its function runs on the executor of the call. While it has not ended nothing more is read from the server, and the
/// call's deadline waits as for a source. What it throws ends the call and is what the caller gets; the connection is
/// closed.
class WIX_EXPORT BodySink {
public:
    BodySink() = default;
    BodySink(const BodySink&) = delete;
    BodySink& operator=(const BodySink&) = delete;
    virtual ~BodySink();

    /// Some bytes, never none. If the call fails later, what came before is not complete.
    virtual boost::asio::awaitable<void> write(std::string bytes) = 0;
};

}  // namespace wix

#endif
