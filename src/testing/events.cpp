#include "testing/events.hpp"

#include <algorithm>

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::chrono::minutes holdTime{20};

std::vector<Event> makeEvents() {
    return {
        {"d0000000-0000-4000-8000-000000000001",
         "Pottery Workshop",
         "pottery-workshop",
         "2030-05-04T16:00:00.000Z",
         "2030-05-04T19:00:00.000Z",
         {{"e0000000-0000-4000-8000-000000000011", "General", 2500, 20},
          {"e0000000-0000-4000-8000-000000000012", "With dinner", 6000, 4}}},
        {"d0000000-0000-4000-8000-000000000002",
         "Open Studio",
         "open-studio",
         "2030-06-01T10:00:00.000Z",
         "2030-06-01T15:00:00.000Z",
         {{"e0000000-0000-4000-8000-000000000021", "Free entry", 0, 50}}},
        {"d0000000-0000-4000-8000-000000000003",
         "Newsletter Meetup",
         "newsletter-meetup",
         "2030-07-12T18:00:00.000Z",
         "2030-07-12T20:00:00.000Z",
         {}},
    };
}

const Event* eventOfTicket(std::string_view ticketId) {
    for (const Event& event : events()) {
        for (const TicketDefinition& ticket : event.tickets) {
            if (ticket.id == ticketId) return &event;
        }
    }
    return nullptr;
}

const TicketDefinition* ticketOf(const Event& event, std::string_view ticketId) {
    const auto found = std::find_if(event.tickets.begin(), event.tickets.end(),
                                    [&](const TicketDefinition& ticket) { return ticket.id == ticketId; });
    return found == event.tickets.end() ? nullptr : &*found;
}

template <class Condition>
const Event* findIf(Condition condition) {
    const auto found = std::find_if(events().begin(), events().end(), condition);
    return found == events().end() ? nullptr : &*found;
}

}  // namespace

const std::vector<Event>& events() {
    static const std::vector<Event> all = makeEvents();
    return all;
}

const Event* findEvent(std::string_view id) {
    return findIf([&](const Event& event) { return event.id == id; });
}

const Event* findEventBySlug(std::string_view slug) {
    return findIf([&](const Event& event) { return event.slug == slug; });
}

json::object eventJson(const Event& event) {
    json::object dates;
    dates["startDate"] = event.start;
    dates["endDate"] = event.end;
    dates["timeZoneId"] = "UTC";
    json::object registration;
    registration["type"] = event.tickets.empty() ? "RSVP" : "TICKETING";
    registration["status"] = event.tickets.empty() ? "OPEN_RSVP" : "OPEN_TICKETS";
    json::object location;
    location["name"] = "The Studio";
    location["type"] = "VENUE";

    json::object made;
    made["id"] = event.id;
    made["title"] = event.title;
    made["slug"] = event.slug;
    made["status"] = "UPCOMING";
    made["dateAndTimeSettings"] = std::move(dates);
    made["location"] = std::move(location);
    made["registration"] = std::move(registration);
    made["createdDate"] = "2024-01-05T08:00:00.000Z";
    made["updatedDate"] = "2024-01-05T08:00:00.000Z";
    return made;
}

const std::vector<json::object>& eventRecords() {
    static const std::vector<json::object> records = [] {
        std::vector<json::object> made;
        for (const Event& event : events()) {
            json::object record;
            record["id"] = event.id;
            record["title"] = event.title;
            record["slug"] = event.slug;
            record["status"] = "UPCOMING";
            record["dateAndTimeSettings.startDate"] = event.start;
            record["dateAndTimeSettings.endDate"] = event.end;
            record["registration.type"] = event.tickets.empty() ? "RSVP" : "TICKETING";
            made.push_back(std::move(record));
        }
        return made;
    }();
    return records;
}

const FieldNames& eventFields() {
    static const FieldNames fields = {"id",
                                      "title",
                                      "slug",
                                      "status",
                                      "dateAndTimeSettings.startDate",
                                      "dateAndTimeSettings.endDate",
                                      "registration.type"};
    return fields;
}

bool isActive(const Reservation& reservation, Time now) noexcept {
    return !reservation.canceled && now < reservation.expires;
}

ReserveOutcome BoxOffice::reserve(const Event* event, const std::string& visitorId, const TicketQuantities& tickets,
                                  Time now, const Reservation*& made) {
    std::map<std::string, std::int64_t> wanted;  // a definition may be named twice
    for (const auto& [id, quantity] : tickets) {
        if (event == nullptr) event = eventOfTicket(id);
        if (event == nullptr || ticketOf(*event, id) == nullptr) return ReserveOutcome::unknownTicket;
        wanted[id] += quantity;
    }
    for (const auto& [id, quantity] : wanted) {
        if (quantity > left(*ticketOf(*event, id), now)) return ReserveOutcome::soldOut;
    }
    Reservation reservation;
    reservation.id = guids_.next();
    reservation.visitorId = visitorId;
    reservation.event = event;
    reservation.tickets = tickets;
    reservation.expires = now + holdTime;
    std::string id = reservation.id;
    made = &reservations_.emplace(std::move(id), std::move(reservation)).first->second;
    return ReserveOutcome::reserved;
}

const Reservation* BoxOffice::find(const std::string& id, const std::string& visitorId) const {
    const auto found = reservations_.find(id);
    return found == reservations_.end() || found->second.visitorId != visitorId ? nullptr : &found->second;
}

bool BoxOffice::cancel(const std::string& id, const std::string& visitorId) {
    if (find(id, visitorId) == nullptr) return false;
    reservations_.at(id).canceled = true;
    return true;
}

std::int64_t BoxOffice::left(const TicketDefinition& ticket, Time now) const {
    return ticket.capacity - held(ticket.id, now);
}

std::uint64_t BoxOffice::active(Time now) const {
    return static_cast<std::uint64_t>(std::count_if(reservations_.begin(), reservations_.end(),
                                                    [&](const auto& entry) { return isActive(entry.second, now); }));
}

std::int64_t BoxOffice::held(std::string_view ticketId, Time now) const {
    std::int64_t sum = 0;
    for (const auto& [id, reservation] : reservations_) {
        if (!isActive(reservation, now)) continue;
        for (const auto& [ticket, quantity] : reservation.tickets) sum += ticket == ticketId ? quantity : 0;
    }
    return sum;
}

}  // namespace wix::testing::detail
