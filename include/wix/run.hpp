// For programs without an event loop: a kiosk, a command line.
#ifndef WIX_RUN_HPP
#define WIX_RUN_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace wix {

/// Runs `io` until `operation` has ended, and gives what it gives or throws what it throws. Other work on `io` goes on
/// meanwhile, and may be called again later: `io` is restarted first.
///
/// **Thread safety.** Several threads may do this with one io_context, or run it.
/// **Errors.** Errc::would_deadlock on a thread that already runs `io`, as in a coroutine: use co_await there. If `io` is
/// stopped meanwhile: operation_aborted; the operation then ends when `io` is run again or destroyed.
template <class T>
T run(boost::asio::io_context& io, boost::asio::awaitable<T> operation);

}  // namespace wix

#endif
