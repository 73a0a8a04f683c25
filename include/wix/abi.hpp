// Refuses to link a program to a library that was compiled with other settings of Boost.Asio.
#ifndef WIX_ABI_HPP
#define WIX_ABI_HPP

// The macros that Asio derives from the compiler's switches and from its own macros.
#include <boost/asio/detail/config.hpp>
#include <boost/version.hpp>

#include <wix/config.hpp>

#if defined(BOOST_ASIO_NO_EXCEPTIONS) || defined(BOOST_NO_EXCEPTIONS)
#error "wix reports errors as exceptions: compile without -fno-exceptions (BOOST_NO_EXCEPTIONS, BOOST_ASIO_NO_EXCEPTIONS)"
#endif

namespace wix::detail::abi {

// Each type stands for a setting that changes the layout or the behaviour of types that the program and the library share.
// They are only names: the linker shows them.
template <int version>
struct Boost;
template <bool on>
struct Rtti;
template <bool on>
struct Threads;
template <bool on>
struct Epoll;
template <bool on>
struct EventfdAndTimerfd;
template <bool on, bool byDefault>
struct IoUring;
template <bool on>
struct HandlerTracking;
template <bool blocks, bool frames, int cached>
struct MemoryRecycling;
template <bool on, bool byDefault>
struct TsExecutors;
template <bool on>
struct DebugContainers;
template <typename... Values>
struct Settings;

using CurrentSettings = Settings<
    Boost<BOOST_VERSION / 100>,
#if defined(BOOST_ASIO_NO_TYPEID)
    Rtti<false>,
#else
    Rtti<true>,
#endif
#if defined(BOOST_ASIO_HAS_THREADS)
    Threads<true>,
#else
    Threads<false>,
#endif
#if defined(BOOST_ASIO_HAS_EPOLL)
    Epoll<true>,
#else
    Epoll<false>,
#endif
#if defined(BOOST_ASIO_HAS_EVENTFD) && defined(BOOST_ASIO_HAS_TIMERFD)
    EventfdAndTimerfd<true>,
#else
    EventfdAndTimerfd<false>,
#endif
#if defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT)
    IoUring<true, true>,
#elif defined(BOOST_ASIO_HAS_IO_URING)
    IoUring<true, false>,
#else
    IoUring<false, false>,
#endif
#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING) || defined(BOOST_ASIO_CUSTOM_HANDLER_TRACKING)
    HandlerTracking<true>,
#else
    HandlerTracking<false>,
#endif
    MemoryRecycling<
#if defined(BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
        false,
#else
        true,
#endif
#if defined(BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
        false,
#else
        true,
#endif
#if defined(BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE)
        BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE>,
#else
        2>,  // as Asio sets it where it is used
#endif
#if defined(BOOST_ASIO_USE_TS_EXECUTOR_AS_DEFAULT)
    TsExecutors<true, true>,
#elif defined(BOOST_ASIO_NO_TS_EXECUTORS)
    TsExecutors<false, false>,
#else
    TsExecutors<true, false>,
#endif
#if defined(_GLIBCXX_DEBUG)
    DebugContainers<true>>;
#else
    DebugContainers<false>>;
#endif

/// The library defines this for the settings that it was compiled with. If the linker does not find it, the program was
/// compiled with others, which it shows: calls would corrupt memory. Compile both alike.
WIX_EXPORT void compileTheProgramLikeTheLibrary(CurrentSettings*) noexcept;

// A reference in each translation unit that uses the library's asynchronous interface.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(gnu::retain)
[[gnu::retain]]
#endif
#endif
[[gnu::used]] static void (*const sameSettings)(CurrentSettings*) noexcept = &compileTheProgramLikeTheLibrary;

}  // namespace wix::detail::abi

#endif
