// The rival: Beast as one would use it with care, and nothing around it. No deadlines, no retries, no pool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "contender.hpp"

namespace wix::bench {

/// What becomes of the answer's body.
enum class Body {
    string,        ///< It is left as it is.
    parsed,        ///< json::parse: a value that can be handed to a user, like the SDK's.
    parsedOnStack  ///< The same on a monotonic resource: the fastest, but such a value cannot be handed on.
};

/// Keep-alive, TLS with the chain and the host verified, a request that is built once, buffers of 16 KiB.
std::unique_ptr<Contender> rawBeast(std::uint16_t port, const std::string& caPem, const std::string& accessToken,
                                    Body body);

}  // namespace wix::bench
