// A TLS server that does as little as possible, in a process of its own, so that the client is what is measured.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace wix::bench {

/// Answers every POST /oauth2/token with tokens of Wix's size and everything else with one product of about 950 bytes.
/// It ends with this object, also if the program is killed.
class FastServer {
public:
    /// Forks: call it before any thread is started. With `pin` the child keeps to the last core.
    /// Throws std::runtime_error if the child does not come up.
    explicit FastServer(bool pin);
    ~FastServer();
    FastServer(const FastServer&) = delete;
    FastServer& operator=(const FastServer&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    std::string url() const { return "https://localhost:" + std::to_string(port_); }
    const std::string& caPem() const noexcept { return caPem_; }

private:
    pid_t child_ = -1;
    int life_ = -1;  // the child ends when this end of the pipe is closed
    std::uint16_t port_ = 0;
    std::string caPem_;
};

}  // namespace wix::bench
