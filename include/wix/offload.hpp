// Functions that block, called from coroutines: what an implementation of TokenStorage on a blocking library needs.
#ifndef WIX_OFFLOAD_HPP
#define WIX_OFFLOAD_HPP

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <wix/abi.hpp>
#include <wix/config.hpp>

namespace wix {

namespace detail {
/// Half of the default of Timeouts::storage.
inline constexpr std::chrono::milliseconds defaultStartWithin{2'500};
}  // namespace detail

/// Settings for a single call of offload().
struct WIX_EXPORT OffloadOptions {
    OffloadOptions() = default;
    explicit OffloadOptions(std::string orderKey) : key(std::move(orderKey)) {}
    std::string key;  ///< Calls with the same key run one after the other, in their order; empty: no order.
    std::chrono::milliseconds startWithin = detail::defaultStartWithin;  ///< Maximum time in the queue.
};

namespace detail {

/// A function on its way to a blocking thread and back.
class WIX_EXPORT BlockingWork {
public:
    BlockingWork() = default;
    BlockingWork(const BlockingWork&) = delete;
    BlockingWork& operator=(const BlockingWork&) = delete;
    virtual ~BlockingWork();
    virtual void perform() noexcept = 0;
};

WIX_EXPORT boost::asio::awaitable<void> runOffloaded(std::shared_ptr<BlockingWork> work, OffloadOptions options);

template <class Result>
class OffloadedResult : public BlockingWork {
public:
    Result take() {
        if (error_) std::rethrow_exception(error_);
        if constexpr (!std::is_void_v<Result>) return std::move(*value_);
    }

protected:
    std::optional<std::conditional_t<std::is_void_v<Result>, bool, Result>> value_;
    std::exception_ptr error_;
};

template <class Function, class Result>
class OffloadedFunction final : public OffloadedResult<Result> {
public:
    template <class From>
    explicit OffloadedFunction(From&& function) : function_(std::in_place, std::forward<From>(function)) {}
    void perform() noexcept override {
        try {
            if constexpr (std::is_void_v<Result>)
                std::invoke(std::move(*function_));
            else
                this->value_.emplace(std::invoke(std::move(*function_)));
        } catch (...) {
            this->error_ = std::current_exception();
        }
        function_.reset();  // on this thread: what it holds may block too
    }

private:
    std::optional<Function> function_;
};

template <class Result>
boost::asio::awaitable<Result> awaitOffloaded(std::shared_ptr<OffloadedResult<Result>> call, OffloadOptions options) {
    co_await runOffloaded(call, std::move(options));
    co_return call->take();
}

/// g++ before 13 destroys the captures of a lambda twice that is written within a co_await expression, whatever is called
/// with it. Such a lambda is an rvalue; rvalues without a destructor of their own are harmless.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool compilerDestroysTwice = true;
#else
inline constexpr bool compilerDestroysTwice = false;
#endif

template <class Function>
inline constexpr bool mayBeOffloaded = !compilerDestroysTwice || std::is_lvalue_reference_v<Function> ||
                                       std::is_trivially_destructible_v<std::remove_reference_t<Function>>;

}  // namespace detail

/// Calls `function` on a thread for blocking calls and waits for it.
///
/// The library has at most 16 such threads. They also serve the calls of FileTokenStorage. `function` takes no argument
/// and owns what it uses: it may run longer than the caller waits. `function` and its captures are destroyed on that
/// thread.
///
/// @param function Copied, or moved from if it is an rvalue. **With g++ 12 give it a name first, as in the example**: that
///   compiler destroys the captures of a lambda twice if the lambda is written within the `co_await` expression, whichever
///   function it is passed to. offload() refuses such a lambda there at compile time; your own functions do not.
/// @param options Order and maximum time in the queue.
/// @return What `function` returns.
///
/// @par Completion
/// On the caller's executor. The io_context of the caller has outstanding work until then.
///
/// @par Thread safety
/// Calls with different keys, or without one, run at the same time.
///
/// @par Cancellation
/// Stops waiting, with operation_aborted. A function that has begun continues, and its result is discarded; a function in
/// the queue is never called.
///
/// @par Exit and fork
/// Returning from main() waits until functions that were handed over before have returned. In the child of a fork() no
/// function of the parent is called or continues.
///
/// @throws What `function` throws, and Error with
///   - Errc::storage_unavailable: `function` could not begin within `options.startWithin`, or no thread could be started.
///     It was not called.
///   - Errc::used_after_fork: this process is a child of the one that made the call.
///
/// @par Example
/// @code
/// auto query = [database, key] { return database->load(key); };
/// std::optional<Row> row = co_await wix::offload(query);
/// @endcode
template <class Function>
[[nodiscard]] auto offload(Function&& function, OffloadOptions options = OffloadOptions()) {
    using Stored = std::decay_t<Function>;
    static_assert(
        detail::mayBeOffloaded<Function>,
        "g++ 12 destroys the captures of a lambda twice that is written within a co_await expression. Give it a "
        "name first: auto work = [...] { ... }; co_await wix::offload(work);");
    using Result = std::invoke_result_t<Stored>;
    static_assert(!std::is_reference_v<Result>, "the function must return a value, not a reference");
    std::shared_ptr<detail::OffloadedResult<Result>> call =
        std::make_shared<detail::OffloadedFunction<Stored, Result>>(std::forward<Function>(function));
    return detail::awaitOffloaded<Result>(std::move(call), std::move(options));
}

}  // namespace wix

#endif
