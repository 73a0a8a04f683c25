// Running coroutines in tests.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "support/secrets.hpp"

namespace wix::test {

/// Runs the context until `operation` has ended and nothing is left to do; gives its value or throws what it threw. A
/// failure, thrown or given as a value, must have no secret in it.
template <class T>
T runOn(boost::asio::io_context& io, boost::asio::awaitable<T> operation) {
    std::exception_ptr error;
    bool ended = false;
    io.restart();
    if constexpr (std::is_void_v<T>) {
        boost::asio::co_spawn(io, std::move(operation), [&](std::exception_ptr e) {
            error = e;
            ended = true;
        });
        io.run();
        if (!ended) throw std::logic_error("the operation never ended");
        requireNoSecret(error);
        if (error) std::rethrow_exception(error);
    } else {
        std::optional<T> value;
        boost::asio::co_spawn(io, std::move(operation), [&](std::exception_ptr e, T given) {
            error = e;
            ended = true;
            if (!e) value.emplace(std::move(given));
        });
        io.run();
        if (!ended) throw std::logic_error("the operation never ended");
        requireNoSecret(error);
        if (error) std::rethrow_exception(error);
        if constexpr (requires { requireNoSecret(value->error()); })
            if (value->has_error()) requireNoSecret(value->error());
        return std::move(*value);
    }
}

/// Runs the context until `isReached()`, which other threads may bring about too. Throws if that takes a minute.
template <class Condition>
void runUntil(boost::asio::io_context& io, Condition isReached) {
    const auto giveUp = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!isReached()) {
        if (std::chrono::steady_clock::now() > giveUp) throw std::logic_error("it never happened");
        if (io.stopped()) io.restart();
        io.run_one_for(std::chrono::milliseconds(1));
    }
}

/// runOn() for any other asynchronous operation.
template <class Operation>
requires boost::asio::is_async_operation<Operation>::value auto runOn(boost::asio::io_context& io,
                                                                      Operation operation) {
    return runOn(io, std::move(operation)(boost::asio::use_awaitable));
}

/// runOn() on a context of its own.
template <class T>
T run(boost::asio::awaitable<T> operation) {
    boost::asio::io_context io;
    return runOn(io, std::move(operation));
}

}  // namespace wix::test
