#include "testing/event_routes.hpp"

#include <algorithm>
#include <charconv>

#include "testing/query_page.hpp"
#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::int64_t maxTickets = 50;
constexpr std::int64_t limitPerCheckout = 20;

[[noreturn]] void refuseEvent() { throw Refusal(applicationError(404, "EVENT_NOT_FOUND", "Event not found")); }

[[noreturn]] void refuseReservation() {
    throw Refusal(applicationError(404, "TICKET_RESERVATION_NOT_FOUND", "Ticket reservation not found"));
}

json::object priceJson(Cents cents) {
    json::object price;
    price["amount"] = formatCents(cents);
    price["value"] = formatCents(cents);
    price["currency"] = siteCurrency;
    return price;
}

HttpReply queryEvents(const Call& call) {
    const json::object body = parseBody(call.request.body);
    const Query query = readQuery(body, Paging::offset, eventFields());
    const Page page = select(eventRecords(), query);
    json::array found;
    for (const std::size_t i : page.indexes) found.push_back(eventJson(events()[i]));
    json::object metadata;
    metadata["count"] = page.indexes.size();
    metadata["offset"] = page.offset;
    metadata["total"] = page.total;
    metadata["tooManyToCount"] = false;
    json::object answer;
    answer["events"] = std::move(found);
    answer["pagingMetadata"] = std::move(metadata);
    return HttpReply(200, answer);
}

HttpReply oneEvent(const Event* event) {
    if (event == nullptr) refuseEvent();
    json::object answer;
    answer["event"] = eventJson(*event);
    return HttpReply(200, answer);
}

std::size_t numberOf(const HttpRequest& request, std::string_view name, std::size_t otherwise, std::size_t max) {
    const std::optional<std::string> text = request.parameter(name);
    if (!text) return otherwise;
    std::size_t number = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc() || stop != end || number > max) {
        throw Refusal(validationError(name, "must be a number up to " + std::to_string(max), "MAX"));
    }
    return number;
}

json::object definitionJson(const Event& event, const TicketDefinition& ticket, std::int64_t left) {
    json::object sales;
    sales["unsoldCount"] = left;
    sales["soldOut"] = left == 0;
    json::object made;
    made["id"] = ticket.id;
    made["eventId"] = event.id;
    made["name"] = ticket.name;
    made["price"] = priceJson(ticket.price);
    made["free"] = ticket.price == 0;
    made["limitPerCheckout"] = std::min(limitPerCheckout, left);
    made["saleStatus"] = "SALE_STARTED";
    made["salesDetails"] = std::move(sales);
    return made;
}

HttpReply availableTickets(const BoxOffice& office, const Call& call) {
    const std::optional<std::string> eventId = call.request.parameter("eventId");
    if (eventId && findEvent(*eventId) == nullptr) refuseEvent();
    const std::size_t offset = numberOf(call.request, "offset", 0, 1'000'000);
    const std::size_t limit = numberOf(call.request, "limit", 100, 100);
    std::size_t total = 0;
    json::array definitions;
    for (const Event& event : events()) {
        if (eventId && event.id != *eventId) continue;
        for (const TicketDefinition& ticket : event.tickets) {
            if (total++ < offset || definitions.size() == limit) continue;
            definitions.push_back(definitionJson(event, ticket, office.left(ticket, call.now)));
        }
    }
    json::object metadata;
    metadata["count"] = definitions.size();
    metadata["offset"] = offset;
    metadata["total"] = total;
    json::object answer;
    answer["definitions"] = std::move(definitions);
    answer["metaData"] = std::move(metadata);
    return HttpReply(200, answer);
}

TicketQuantities readTickets(const json::array* given, const std::string& name) {
    Violations violations;
    TicketQuantities tickets;
    if (given == nullptr || given->empty()) violations.add(name, "must not be empty", "MIN_SIZE");
    if (given != nullptr && given->size() > maxTickets) {
        violations.add(name, "must have at most 50 entries", "MAX_SIZE");
    }
    for (std::size_t i = 0; given != nullptr && i < given->size(); ++i) {
        const std::string path = name + "[" + std::to_string(i) + "].";
        const json::value& entry = (*given)[i];
        if (!entry.is_object()) throw Refusal(validationError(name, "must hold objects", "FORMAT"));
        tickets.emplace_back(stringAt(entry.get_object(), "ticketDefinitionId", path),
                             integerAt(entry.get_object(), "quantity", 1, path));
        if (!isGuid(tickets.back().first)) violations.add(path + "ticketDefinitionId", "must be a GUID", "FORMAT");
        violations.checkRange(path + "quantity", tickets.back().second, 1, maxTickets);
    }
    violations.refuseIfAny();
    return tickets;
}

const Reservation& reserve(BoxOffice& office, const Event* event, const Call& call, const TicketQuantities& tickets) {
    const Reservation* made = nullptr;
    switch (office.reserve(event, call.visitorId, tickets, call.now, made)) {
        case ReserveOutcome::reserved:
            break;
        case ReserveOutcome::unknownTicket:
            throw Refusal(applicationError(404, "TICKET_DEFINITION_NOT_FOUND", "Ticket definition not found"));
        case ReserveOutcome::soldOut:  // the live service's code is not known to us
            throw Refusal(applicationError(409, "TICKETS_NOT_AVAILABLE", "Not enough tickets are left"));
    }
    return *made;
}

Cents priceOf(const Event& event, std::string_view ticketId) {
    const auto ticket = std::find_if(event.tickets.begin(), event.tickets.end(),
                                     [&](const TicketDefinition& t) { return t.id == ticketId; });
    return ticket == event.tickets.end() ? 0 : ticket->price;
}

HttpReply reserveV1(BoxOffice& office, const Call& call) {
    const json::object body = parseBody(call.request.body);
    const Event* event = findEvent(stringAt(body, "eventId"));
    if (event == nullptr) refuseEvent();
    const TicketQuantities tickets = readTickets(arrayAt(body, "ticketQuantities"), "ticketQuantities");
    const Reservation& made = reserve(office, event, call, tickets);

    Cents total = 0;
    json::array lines;
    json::array items;
    for (const auto& [id, quantity] : made.tickets) {
        const Cents price = priceOf(*event, id);
        total += price * quantity;
        json::object line;
        line["ticketDefinitionId"] = id;
        line["quantity"] = quantity;
        lines.push_back(std::move(line));
        json::object item;
        item["id"] = id;
        item["quantity"] = quantity;
        item["price"] = priceJson(price);
        item["total"] = priceJson(price * quantity);
        items.push_back(std::move(item));
    }
    json::object invoice;
    invoice["items"] = std::move(items);
    invoice["subTotal"] = priceJson(total);
    invoice["grandTotal"] = priceJson(total);
    json::object answer;
    answer["id"] = made.id;
    answer["expires"] = formatTime(made.expires);
    answer["reservations"] = std::move(lines);
    answer["invoice"] = std::move(invoice);
    answer["reservationStatus"] = "RESERVATION_PENDING";
    return HttpReply(200, answer);
}

HttpReply cancelV1(BoxOffice& office, const Call& call) {
    const Reservation* found = office.find(call.path[0], call.visitorId);
    if (found == nullptr) refuseReservation();
    const std::optional<std::string> eventId = call.request.parameter("eventId");
    if (eventId && found->event->id != *eventId) refuseEvent();
    office.cancel(call.path[0], call.visitorId);
    return HttpReply(200, json::object());
}

HttpReply reservationReply(const Reservation& reservation, Time now) {
    json::array tickets;
    for (const auto& [id, quantity] : reservation.tickets) {
        json::object ticket;
        ticket["ticketDefinitionId"] = id;
        ticket["quantity"] = quantity;
        tickets.push_back(std::move(ticket));
    }
    json::object made;
    made["id"] = reservation.id;
    made["status"] = reservation.canceled ? "CANCELED" : isActive(reservation, now) ? "PENDING" : "EXPIRED";
    made["expirationDate"] = formatTime(reservation.expires);
    made["visitorId"] = reservation.visitorId;
    made["tickets"] = std::move(tickets);
    json::object answer;
    answer["ticketReservation"] = std::move(made);
    return HttpReply(200, answer);
}

HttpReply reserveNew(BoxOffice& office, const Call& call) {
    const json::object body = parseBody(call.request.body);
    const json::object* wanted = objectAt(body, "ticketReservation");
    const json::array* tickets = wanted != nullptr ? arrayAt(*wanted, "tickets", "ticketReservation.") : nullptr;
    return reservationReply(reserve(office, nullptr, call, readTickets(tickets, "ticketReservation.tickets")),
                            call.now);
}

HttpReply getNew(BoxOffice& office, const Call& call) {
    const Reservation* found = office.find(call.path[0], call.visitorId);
    if (found == nullptr) refuseReservation();
    return reservationReply(*found, call.now);
}

HttpReply cancelNew(BoxOffice& office, const Call& call) {
    if (!office.cancel(call.path[0], call.visitorId)) refuseReservation();
    return getNew(office, call);
}

}  // namespace

void addEventRoutes(Router& router, BoxOffice& office) {
    const auto read = [&](std::string_view endpoint, std::string_view method, const char* pattern, Handler handler) {
        router.add(Route(endpoint, method, pattern, Access::visitor, Effect::read, std::move(handler)));
    };
    const auto reservation = [&](std::string_view method, const char* pattern, Effect effect, auto handler) {
        router.add(Route("reservations", method, pattern, Access::visitor, effect,
                         [&office, handler](const Call& call) { return handler(office, call); }));
    };
    read("events", "POST", "/events/v3/events/query", queryEvents);
    read("events", "GET", "/events/v3/events/slug/{}",
         [](const Call& call) { return oneEvent(findEventBySlug(call.path[0])); });
    read("events", "GET", "/events/v3/events/{}", [](const Call& call) { return oneEvent(findEvent(call.path[0])); });
    read("tickets", "GET", "/events/v1/checkout/available-tickets",
         [&office](const Call& call) { return availableTickets(office, call); });
    reservation("POST", "/events/v1/checkout/reservations", Effect::write, reserveV1);
    reservation("DELETE", "/events/v1/checkout/reservations/{}", Effect::write, cancelV1);
    reservation("POST", "/events/v1/ticket-reservations", Effect::write, reserveNew);
    reservation("GET", "/events/v1/ticket-reservations/{}", Effect::read, getNew);
    reservation("POST", "/events/v1/ticket-reservations/{}/cancel", Effect::write, cancelNew);
}

}  // namespace wix::testing::detail
