#include "http/connect_race.hpp"

namespace wix::detail {

std::vector<Endpoint> inTurn(const std::vector<Endpoint>& endpoints) {
    std::vector<Endpoint> preferred, others, ordered;
    for (const Endpoint& one : endpoints)
        (one.protocol() == endpoints.front().protocol() ? preferred : others).push_back(one);
    ordered.reserve(endpoints.size());
    for (std::size_t i = 0; ordered.size() < endpoints.size(); ++i) {
        if (i < preferred.size()) ordered.push_back(preferred[i]);
        if (i < others.size()) ordered.push_back(others[i]);
    }
    return ordered;
}

}  // namespace wix::detail
