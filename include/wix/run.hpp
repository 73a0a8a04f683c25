// For programs without an event loop: a kiosk, a command line.
#ifndef WIX_RUN_HPP
#define WIX_RUN_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <wix/abi.hpp>
#include <wix/config.hpp>
#include <wix/error.hpp>

namespace wix {

namespace detail {

/// What an operation of run() leaves behind. It may outlive the call, if that ends early.
template <class T>
struct RunOutcome {
    RunOutcome() = default;
    std::exception_ptr error;
    std::optional<T> value;
    std::atomic<bool> ended{false};
};

/// co_spawn wants values that can be made of nothing; this does not.
template <class T, class Value>
boost::asio::awaitable<void> keepValue(std::shared_ptr<RunOutcome<Value>> outcome,
                                       boost::asio::awaitable<T> operation) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(operation);
    } else {
        T value = co_await std::move(operation);
        outcome->value.emplace(std::move(value));
    }
}

/// A call of run(), from its beginning to its end.
class WIX_EXPORT RunCall {
public:
    explicit RunCall(boost::asio::io_context& io);
    ~RunCall();
    RunCall(const RunCall&) = delete;
    RunCall& operator=(const RunCall&) = delete;

    /// Runs the context until `ended` is set, by whichever thread.
    void runUntil(const std::atomic<bool>& ended);

private:
    boost::asio::io_context& io_;
};

}  // namespace detail

/// Runs `io` until `operation` has ended, and gives what it gives or throws what it throws. Other work on `io` goes on
/// meanwhile, and may be called again later: `io` is restarted first.
///
/// **Thread safety.** Several threads may do this with one io_context, or run it; one that runs it by itself needs work
/// that does not end (`boost::asio::make_work_guard`), as Asio forbids a restart while it returns. If another thread of
/// `io` ends the operation this may be noticed up to 10 ms later.
/// **Errors.** Errc::would_deadlock on a thread that already runs `io`, as in a coroutine: use co_await there. If `io` is
/// stopped meanwhile: operation_aborted; the operation continues when `io` is run again. So it does if another handler
/// throws: that leaves run() as it would leave `io.run()`.
/// **Lifetime.** Handles and io_contexts may be destroyed in any order: when the caller's io_context is destroyed, the
/// waiting coroutine is destroyed with it and the operation is cancelled; when only the client's is destroyed, the
/// operation fails with operation_aborted.
template <class T>
T run(boost::asio::io_context& io, boost::asio::awaitable<T> operation) {
    using Value = std::conditional_t<std::is_void_v<T>, bool, T>;
    detail::RunCall call(io);
    const auto outcome = std::make_shared<detail::RunOutcome<Value>>();
    boost::asio::co_spawn(io, detail::keepValue<T, Value>(outcome, std::move(operation)),
                          [outcome](std::exception_ptr error) {
                              outcome->error = std::move(error);
                              outcome->ended.store(true, std::memory_order_release);
                          });
    call.runUntil(outcome->ended);
    // Taken out: another thread may hold the outcome a little longer.
    if (const std::exception_ptr error = std::exchange(outcome->error, nullptr)) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>) {
        T value = std::move(*outcome->value);
        return value;
    }
}

}  // namespace wix

#endif
