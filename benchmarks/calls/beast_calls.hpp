// Raw Beast as a contender, one for each kind of stream.
#pragma once

#include <memory>

#include "support/contender_loop.hpp"

namespace wix::bench {

/// Each in a file of its own, since each is Beast once more for the compiler.
std::unique_ptr<Contender> beastOverTcp(const ContenderArguments& arguments);
std::unique_ptr<Contender> beastOverTls(const ContenderArguments& arguments);
/// Over TLS, for an io_context with several threads.
std::unique_ptr<Contender> beastOnStrands(const ContenderArguments& arguments);

}  // namespace wix::bench
