// Which host names are being looked up, and what was found lately. Pure.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "async/context_registry.hpp"
#include "http/connect_race.hpp"

namespace wix::detail {

/// One look-up in flight for a host. Its addresses are used for the next second, unless they lead nowhere.
class HostTable {
public:
    static constexpr std::chrono::seconds addressLife{1};

    struct Asked {
        enum class Kind {
            known,     ///< `endpoints` can be used.
            inFlight,  ///< Wait for the look-up that began at `begunAt`.
            start,     ///< Begin a look-up, and report its end.
        };
        Asked(Kind what, SteadyTime begin) : kind(what), begunAt(begin) {}
        Kind kind;
        SteadyTime begunAt;
        std::vector<Endpoint> endpoints;  ///< Their port is 0.
    };

    Asked ask(const std::string& host, SteadyTime now) {
        const auto found = hosts_.find(host);
        if (found != hosts_.end()) {
            const Entry& entry = found->second;
            if (entry.isInFlight) return Asked(Asked::Kind::inFlight, entry.begunAt);
            if (now < entry.goodUntil) {
                Asked known(Asked::Kind::known, now);
                known.endpoints = entry.endpoints;
                return known;
            }
        }
        std::erase_if(hosts_,
                      [now](const auto& each) { return !each.second.isInFlight && each.second.goodUntil <= now; });
        Entry& entry = hosts_[host];
        entry.isInFlight = true;
        entry.begunAt = now;
        return Asked(Asked::Kind::start, now);
    }

    /// Reports the end of a look-up. Without endpoints it has failed, or never began.
    void ended(const std::string& host, std::vector<Endpoint> endpoints, SteadyTime now) {
        const auto found = hosts_.find(host);
        if (found == hosts_.end()) return;
        if (endpoints.empty()) {
            hosts_.erase(found);
            return;
        }
        found->second.isInFlight = false;
        found->second.endpoints = std::move(endpoints);
        found->second.goodUntil = now + addressLife;
    }

    /// Reports that the addresses of a host led nowhere. The next connection looks its name up.
    void forget(const std::string& host) {
        const auto found = hosts_.find(host);
        if (found != hosts_.end() && !found->second.isInFlight) hosts_.erase(found);
    }

    std::size_t size() const noexcept { return hosts_.size(); }

private:
    struct Entry {
        Entry() = default;
        bool isInFlight = false;
        SteadyTime begunAt;
        std::vector<Endpoint> endpoints;
        SteadyTime goodUntil;
    };
    std::map<std::string, Entry> hosts_;
};

}  // namespace wix::detail
