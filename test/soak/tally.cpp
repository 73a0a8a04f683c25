#include "tally.hpp"

#include <boost/asio/error.hpp>

#include <cstdio>

namespace wix::soak {

std::string outcomeName(const boost::system::error_code& code) {
    if (code == boost::asio::error::operation_aborted) return "operation_aborted";
    if (code == Errc::connection_refused) return "connection_refused";
    if (code == Errc::connection_lost) return "connection_lost";
    if (code == Errc::maybe_sent) return "maybe_sent";
    if (code == Errc::timeout) return "timeout";
    if (code == Errc::tls_failed) return "tls_failed";
    if (code == Errc::response_truncated) return "response_truncated";
    if (code == Errc::token_unavailable) return "token_unavailable";
    return code.message();
}

Tally& Tally::operator+=(const Tally& other) {
    for (const auto& [name, count] : other.outcomes) outcomes[name] += count;
    sentOnce.insert(sentOnce.end(), other.sentOnce.begin(), other.sentOnce.end());
    for (const std::string& what : other.violations) violations.push_back(what);
    violated += other.violated;
    return *this;
}

void Tally::violate(std::string what) {
    ++violated;
    if (violations.size() < 20) violations.push_back(std::move(what));
}

void Tally::checkSentOnce(const std::map<std::string, std::uint64_t>& processed) {
    for (const SentOnce& post : sentOnce) {
        const auto found = processed.find(post.marker);
        const std::uint64_t times = found == processed.end() ? 0 : found->second;
        if (times > 1) violate("POST " + post.marker + " was processed " + std::to_string(times) + " times");
        if (times != 1 && post.told == SentOnce::Told::answered)
            violate("POST " + post.marker + " was answered, and processed " + std::to_string(times) + " times");
        if (times != 0 && post.told == SentOnce::Told::notSent)
            violate("POST " + post.marker + " was processed, and its caller told that it was not");
    }
}

void Tally::print() const {
    for (const auto& [name, count] : outcomes)
        std::printf("%10llu  %s\n", static_cast<unsigned long long>(count), name.c_str());
    for (const std::string& what : violations) std::printf("VIOLATED: %s\n", what.c_str());
    if (violated > violations.size())
        std::printf("VIOLATED: and %llu more\n", static_cast<unsigned long long>(violated - violations.size()));
}

}  // namespace wix::soak
