#include "calls/beast_calls.hpp"

#include <stdexcept>

namespace wix::bench {
namespace {

std::unique_ptr<Contender> choose(const ContenderArguments& arguments) {
    if (arguments.threads == arguments.contexts)
        return arguments.tls() ? beastOverTls(arguments) : beastOverTcp(arguments);
    if (!arguments.tls()) throw std::invalid_argument("threads that share an io_context are only built for TLS");
    return beastOnStrands(arguments);
}

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) { return wix::bench::contenderMain(count, values, wix::bench::choose); }
