#include "support/targets.hpp"

#include <utility>

namespace wix::bench {

Targets::Targets() : table_({"target", "measured", "wanted", ""}) {}

void Targets::ratio(std::string what, double measured, double most) {
    table_.row({std::move(what), fixed(measured, 2), "<= " + fixed(most, 2), measured <= most ? "PASS" : "MISS"});
}

void Targets::exact(std::string what, std::uint64_t measured, std::uint64_t wanted) {
    const bool kept = measured == wanted;
    allExact_ = allExact_ && kept;
    table_.row({std::move(what), std::to_string(measured), std::to_string(wanted), kept ? "PASS" : "WRONG"});
}

}  // namespace wix::bench
