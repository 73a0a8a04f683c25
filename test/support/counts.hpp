// How operations of several threads ended.
#pragma once

#include <boost/asio/error.hpp>

#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "support/fake_client.hpp"

namespace wix::test {

struct Counts {
    std::atomic<int> ok{0}, aborted{0}, failed{0};
    void count(std::exception_ptr error) {
        if (!error) {
            ++ok;
            return;
        }
        requireNoSecret(error);
        const auto code = codeOf([&] { std::rethrow_exception(error); });
        ++(code == boost::asio::error::operation_aborted ? aborted : failed);
    }
    int all() const { return ok + aborted + failed; }
};

/// Until there is no more work, or the context is stopped.
inline void runOnThreads(boost::asio::io_context& io, int threads) {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back([&] { io.run(); });
}

}  // namespace wix::test
