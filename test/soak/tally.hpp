// How calls ended, and what must not be.
#pragma once

#include <wix/error.hpp>
#include <wix/testing/fake_wix.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wix::soak {

/// A POST that is not to be repeated, and what its caller was told.
struct SentOnce {
    enum class Told {
        answered,   ///< By the site.
        maybeSent,  ///< It failed, and may have been processed.
        notSent,    ///< It failed, and was not processed.
    };
    SentOnce(std::string name, Told what) : marker(std::move(name)), told(what) {}
    std::string marker;
    Told told;
};

struct Tally {
    Tally() = default;
    Tally& operator+=(const Tally& other);
    void violate(std::string what);
    void checkSentOnce(const std::map<std::string, std::uint64_t>& processed);
    void print() const;

    std::map<std::string, std::uint64_t> outcomes;
    std::vector<SentOnce> sentOnce;
    std::vector<std::string> violations;  // the first few
    std::uint64_t violated = 0;
};

std::string outcomeName(const boost::system::error_code& code);

}  // namespace wix::soak
