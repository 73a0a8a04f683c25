#include "testing/fault_plan.hpp"

#include <algorithm>
#include <utility>

namespace wix::testing::detail {

void FaultPlan::queue(std::string_view endpoint, std::size_t count, Fault fault) {
    if (count > 0) queues_[std::string(endpoint)].push_back(Entry{count, std::move(fault)});
}

std::optional<Fault> FaultPlan::take(std::string_view endpoint) {
    if (std::optional<Fault> own = takeFrom(endpoint)) return own;
    return takeFrom("*");
}

void FaultPlan::queueToken(TokenRequestMatch match, std::size_t count, ScriptedReply response) {
    if (count > 0) tokens_.push_back(TokenEntry{std::move(match), count, std::move(response)});
}

std::optional<ScriptedReply> FaultPlan::takeToken(const TokenRequestMatch& request) {
    const auto found = std::find_if(tokens_.begin(), tokens_.end(), [&](const TokenEntry& entry) {
        const auto matches = [](const std::string& wanted, const std::string& given) {
            return wanted.empty() || wanted == given;
        };
        return matches(entry.match.grantType, request.grantType) &&
               matches(entry.match.refreshToken, request.refreshToken);
    });
    if (found == tokens_.end()) return std::nullopt;
    ScriptedReply response = found->response;
    if (--found->left == 0) tokens_.erase(found);
    return response;
}

void FaultPlan::setDelay(std::string_view endpoint, std::chrono::milliseconds delay) {
    delays_.insert_or_assign(std::string(endpoint), delay);
}

std::chrono::milliseconds FaultPlan::delayOf(std::string_view endpoint) const {
    auto found = delays_.find(endpoint);
    if (found == delays_.end()) found = delays_.find("*");
    return found == delays_.end() ? std::chrono::milliseconds(0) : found->second;
}

void FaultPlan::clear() {
    queues_.clear();
    tokens_.clear();
    delays_.clear();
}

std::optional<Fault> FaultPlan::takeFrom(std::string_view key) {
    const auto found = queues_.find(key);
    if (found == queues_.end() || found->second.empty()) return std::nullopt;
    Entry& first = found->second.front();
    if (--first.left > 0) return first.fault;
    Fault last = std::move(first.fault);
    found->second.pop_front();
    return last;
}

}  // namespace wix::testing::detail
