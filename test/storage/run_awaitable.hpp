// Runs one awaitable to its end on an io_context of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace wix::detail::test {

inline void runAwaitable(boost::asio::awaitable<void> operation) {
    boost::asio::io_context io(1);
    std::exception_ptr failure;
    boost::asio::co_spawn(io, std::move(operation), [&](std::exception_ptr error) { failure = error; });
    io.run();
    if (failure) std::rethrow_exception(failure);
}

template <class T>
boost::asio::awaitable<void> keepIn(std::optional<T>* value, boost::asio::awaitable<T> operation) {
    value->emplace(co_await std::move(operation));
}

template <class T>
T runAwaitable(boost::asio::awaitable<T> operation) {
    std::optional<T> value;
    runAwaitable(keepIn(&value, std::move(operation)));
    return std::move(value.value());
}

}  // namespace wix::detail::test
