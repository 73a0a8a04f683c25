#include "calls/beast_contender.hpp"

namespace wix::bench {

std::unique_ptr<Contender> beastOverTls(const ContenderArguments& arguments) {
    return std::make_unique<BeastContender<TlsStream<OneThread>>>(arguments);
}

}  // namespace wix::bench
