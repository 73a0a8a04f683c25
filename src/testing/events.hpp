// Events, their tickets, and reservations that hold tickets for a while. Pure.
#ifndef WIX_TESTING_EVENTS_HPP
#define WIX_TESTING_EVENTS_HPP

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/encoding.hpp"
#include "testing/money.hpp"
#include "testing/query_filter.hpp"

namespace wix::testing::detail {

struct TicketDefinition {
    std::string_view id;
    std::string_view name;
    Cents price;
    std::int64_t capacity;
};

struct Event {
    std::string_view id;
    std::string_view title;
    std::string_view slug;
    std::string_view start;  ///< RFC 3339.
    std::string_view end;
    std::vector<TicketDefinition> tickets;  ///< Empty: an event with free registration.
};

/// The same ones in every fake: tests may name their ids.
const std::vector<Event>& events();
/// nullptr if there is none.
const Event* findEvent(std::string_view id);
const Event* findEventBySlug(std::string_view slug);

boost::json::object eventJson(const Event& event);
const std::vector<boost::json::object>& eventRecords();
const FieldNames& eventFields();

/// A ticket definition's id and how many.
using TicketQuantities = std::vector<std::pair<std::string, std::int64_t>>;

struct Reservation {
    Reservation() = default;
    std::string id;
    std::string visitorId;
    const Event* event = nullptr;
    TicketQuantities tickets;
    Time expires{};
    bool canceled = false;
};

enum class ReserveOutcome {
    reserved,
    unknownTicket,  ///< A definition does not exist, or belongs to another event than the first one.
    soldOut,        ///< Fewer are left than are wanted. Nothing is reserved.
};

class BoxOffice {
public:
    explicit BoxOffice(std::uint64_t seed) : guids_(seed) {}

    /// All or nothing. Without an `event` it is that of the first ticket. `made` is set if it is reserved.
    ReserveOutcome reserve(const Event* event, const std::string& visitorId, const TicketQuantities& tickets, Time now,
                           const Reservation*& made);
    /// nullptr if there is none, or if it is another visitor's. A canceled or expired one is still found.
    const Reservation* find(const std::string& id, const std::string& visitorId) const;
    /// The same, of any visitor.
    const Reservation* find(const std::string& id) const {
        const auto found = reservations_.find(id);
        return found == reservations_.end() ? nullptr : &found->second;
    }
    /// Gives the tickets back. False if find() gives nullptr.
    bool cancel(const std::string& id, const std::string& visitorId);

    /// Tickets that nobody holds now.
    std::int64_t left(const TicketDefinition& ticket, Time now) const;
    /// Reservations that hold tickets now.
    std::uint64_t active(Time now) const;

private:
    std::int64_t held(std::string_view ticketId, Time now) const;

    GuidSource guids_;
    std::map<std::string, Reservation> reservations_;
};

bool isActive(const Reservation& reservation, Time now) noexcept;

}  // namespace wix::testing::detail

#endif
