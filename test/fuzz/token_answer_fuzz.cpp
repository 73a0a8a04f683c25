// Answers of the token endpoint. What is granted may go into a header; what is not granted shows nothing of the answer
// but error codes.
#include <boost/json/parse.hpp>

#include <chrono>
#include <string>

#include "auth/token_endpoint.hpp"
#include "fuzz/fuzz.hpp"
#include "http/header_rules.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::fuzz;

namespace {

constexpr int statuses[] = {200, 400, 401, 403, 404, 429, 500, 503, 204, 302};

void checkAnswer(const HttpReply& reply) {
    const TokenAnswer answer = readTokenAnswer(reply, WallTime(std::chrono::seconds(1'700'000'000)));
    if (answer.retryAfter)
        require(answer.retryAfter->count() >= 0 && *answer.retryAfter <= std::chrono::seconds(1'000'000'000),
                "a delay is within its bounds");
    if (answer.verdict != TokenVerdict::granted) {
        require(answer.accessToken.empty() && answer.refreshToken.empty(), "no token without a grant");
        require(answer.failure.context.starts_with("POST /oauth2/token: HTTP "), "a failure names the endpoint");
        return requireHarmless(answer.failure);
    }
    require(reply.status == 200 && !answer.failure.code, "a grant is no failure");
    require(isSafeTokenValue(answer.accessToken), "an access token may go into a header");
    require(answer.refreshToken.empty() || isSafeTokenValue(answer.refreshToken), "so may a refresh token");
    require(answer.expiresIn.count() >= 0 && answer.expiresIn <= std::chrono::days(7), "a life has its bounds");
    // The next renewal sends what came.
    const auto body = boost::json::parse(tokenRequestBody(Grant::refreshToken, "client", answer.refreshToken));
    require(std::string_view(body.at("refreshToken").as_string()) == answer.refreshToken, "a token is not changed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    HttpReply reply;
    reply.status = statuses[input.number() % std::size(statuses)];
    const unsigned where = input.number() * 3;
    for (std::string_view line = input.line(); !line.empty(); line = input.line()) {
        const std::string_view name = line.substr(0, line.find(':'));
        reply.headers.emplace_back(name, line.substr(std::min(name.size() + 1, line.size())));
    }
    reply.body = input.rest();
    checkAnswer(reply);
    reply.body = withCanary(reply.body, where);
    checkAnswer(reply);
    return 0;
}
