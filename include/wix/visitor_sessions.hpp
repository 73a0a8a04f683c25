// The visitors of one server: a session for each, in memory while it is used, in the storage otherwise.
#ifndef WIX_VISITOR_SESSIONS_HPP
#define WIX_VISITOR_SESSIONS_HPP

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <wix/abi.hpp>
#include <wix/client.hpp>
#include <wix/config.hpp>
#include <wix/options.hpp>
#include <wix/transport.hpp>

namespace wix {

/// Everything that can be set, with its default in place.
struct WIX_EXPORT VisitorSessionsOptions {
    VisitorSessionsOptions() = default;
    std::size_t maxSessions = 100'000;  ///< In memory, 1 to 10 million. More: the longest unused goes.
    /// What was not opened for longer, and is not in use, may go. Positive, at most 24 h.
    std::chrono::milliseconds maxIdleTime{900'000};
};

/// What has happened so far.
struct WIX_EXPORT VisitorSessionsStatistics {
    VisitorSessionsStatistics() = default;
    std::size_t sessions = 0;           ///< In memory now.
    std::uint64_t opened = 0;           ///< Calls of open() that gave a Client.
    std::uint64_t found = 0;            ///< Of these: the session was in memory.
    std::uint64_t evictedIdle = 0;      ///< Sessions that left memory because they were unused for long.
    std::uint64_t evictedForSpace = 0;  ///< Because others needed the place.
    std::uint64_t refused = 0;          ///< Calls of open() that found no place: Errc::too_many_sessions.
};

/// Gives each visitor of a server a Client of their own, over one Transport or over several. A handle: copies share the
/// sessions.
///
/// A server with several io_contexts, one for each thread, makes one Transport for each and one VisitorSessions for all.
/// Each visitor then has one session in the process: all io_contexts share its tokens, its renewals and its
/// `X-Wix-Consistent` value, so that a visitor reads their own writes whichever io_context serves the request. The calls of
/// a Client are sent over the Transport of the io_context on which open() was awaited. If the io_context that the tokens
/// belong to is destroyed, Clients of that session fail with operation_aborted, and the next open() of the key continues
/// the session on another io_context.
///
/// Calls that run in parallel stay unordered: the consistency value is opaque, and the value of the response that arrives
/// last is used.
///
/// A session that leaves memory sleeps in the storage, and is there again at the next open(). Only sessions leave that
/// nobody has a Client of, that have nothing under way and nothing unsaved; a few at a time, as others are opened: there is
/// no timer, and an unused VisitorSessions keeps no work outstanding. So hold a Client as long as a request takes, and
/// open() it again for the next.
///
/// **Thread safety.** All functions may be called from any thread, and awaited on any executor.
/// **Lifetime.** Clients and operations may outlive it.
class WIX_EXPORT VisitorSessions {
public:
    /// `strategy` is that of every session, but for its sessionKey, which open() sets. It must have a storage, and no
    /// tokens: these would be one visitor's. Throws Error with Errc::invalid_argument, as Client does too.
    VisitorSessions(Transport transport, OAuthStrategy strategy, ClientOptions options = ClientOptions(),
                    VisitorSessionsOptions limits = VisitorSessionsOptions());

    /// The same over several Transports, each on an io_context of its own. They must not be empty.
    VisitorSessions(std::vector<Transport> transports, OAuthStrategy strategy, ClientOptions options = ClientOptions(),
                    VisitorSessionsOptions limits = VisitorSessionsOptions());

    /// The Client of the visitor with this key: of any text of 1 to 512 bytes that nobody can guess, if it comes from a
    /// cookie. The same key gives the same session as long as it is in memory, concurrently too. Nothing is loaded or
    /// sent yet. Its record in the storage is that of a Client whose OAuthStrategy::sessionKey is the key (with `%` and what
    /// is not visible ASCII percent-encoded). Errors: Errc::invalid_argument, too_many_sessions if the memory is full and
    /// none of the 256 longest unused may go, operation_aborted after close() or if the io_context of every Transport has been
    /// destroyed. Awaited on an executor of none of the Transports, open() places a new session on the first Transport whose
    /// io_context exists; that io_context must not be destroyed during the call.
    boost::asio::awaitable<Client> open(std::string key) const;

    VisitorSessionsStatistics statistics() const;

    /// Closes every session, as Client::close() does; later calls of open() end with operation_aborted. The Transport stays
    /// open. Throws the first failure after all sessions have been closed.
    boost::asio::awaitable<void> close() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace wix

#endif
