#include "calls/beast_contender.hpp"

namespace wix::bench {

std::unique_ptr<Contender> beastOnStrands(const ContenderArguments& arguments) {
    return std::make_unique<BeastContender<TlsStream<OnStrand>>>(arguments);
}

}  // namespace wix::bench
