// Listens, and runs all connections on one thread.
#ifndef WIX_TESTING_SERVER_HPP
#define WIX_TESTING_SERVER_HPP

#include <wix/testing/fake_wix.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include "testing/core.hpp"

namespace wix::testing::detail {

class Server {
public:
    /// Serves from now on. `core` must outlive it.
    Server(const FakeWixOptions& options, Core& core);
    /// Ends all connections and waits for the thread.
    ~Server();

    std::uint16_t port() const noexcept { return port_; }
    /// Empty without TLS.
    const std::string& caPem() const noexcept { return caPem_; }

private:
    struct Loop;
    std::uint16_t port_ = 0;
    std::string caPem_;
    std::unique_ptr<Loop> loop_;
};

}  // namespace wix::testing::detail

#endif
