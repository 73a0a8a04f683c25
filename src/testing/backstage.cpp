#include "testing/backstage.hpp"

#include "testing/core.hpp"
#include "testing/wix_error.hpp"

namespace json = boost::json;

namespace wix::testing::detail {

namespace {

constexpr std::string_view prefix = "/_fake/";

json::object countsJson(const std::map<std::string, std::uint64_t>& counts) {
    json::object made;
    for (const auto& [name, count] : counts) made[name] = count;
    return made;
}

HttpReply configure(Core& core, const HttpRequest& request) {
    for (const auto& apply : parseConfig(parseBody(request.body))) apply(core);
    return HttpReply(200, json::object());
}

}  // namespace

bool isBackstage(std::string_view path) noexcept { return path.starts_with(prefix); }

HttpReply backstageAnswer(Core& core, const HttpRequest& request) {
    const bool state = request.path == "/_fake/state";
    const bool config = request.path == "/_fake/config";
    try {
        if (state && request.method == "GET") return HttpReply(200, stateJson(core.state()));
        if (config && request.method == "GET") return HttpReply(200, core.config());
        if (config && request.method == "POST") return configure(core, request);
    } catch (const Refusal& refusal) {
        return refusal.reply();
    }
    if (!state && !config) return applicationError(404, "NOT_FOUND", "There is /_fake/state and /_fake/config");
    HttpReply reply = applicationError(405, "METHOD_NOT_ALLOWED", "GET /_fake/state, GET /_fake/config or POST /_fake/config");
    reply.headers.emplace_back("Allow", state ? "GET" : "GET, POST");
    return reply;
}

json::object stateJson(const FakeWixState& state) {
    json::object lines;
    for (const CartSummary& cart : state.carts) lines[cart.visitorId] = cart.lines;
    json::object carts;
    carts["count"] = state.carts.size();
    carts["lines"] = std::move(lines);
    json::object connections;
    connections["open"] = state.openConnections;
    connections["total"] = state.totalConnections;
    json::object consistency;
    consistency["issued"] = state.consistencyIssued;
    consistency["replayed"] = state.consistencyReplayed;
    consistency["foreign"] = state.consistencyForeign;

    json::object made;
    made["requests"] = countsJson(state.requests);
    made["tokens"] = countsJson(state.tokens);
    made["visitors"] = state.visitors;
    made["carts"] = std::move(carts);
    made["reservations"] = state.reservations;
    made["connections"] = std::move(connections);
    made["rateLimited"] = state.rateLimited;
    made["consistency"] = std::move(consistency);
    return made;
}

}  // namespace wix::testing::detail
