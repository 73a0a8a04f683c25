#include "calls/beast_contender.hpp"

namespace wix::bench {

std::unique_ptr<Contender> beastOverTcp(const ContenderArguments& arguments) {
    return std::make_unique<BeastContender<TcpStream<OneThread>>>(arguments);
}

}  // namespace wix::bench
