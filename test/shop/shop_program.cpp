#include "shop_program.hpp"

#include <utility>

namespace wix::test {

ShopProgram::ShopProgram(std::vector<std::string> arguments, Fake where)
    : arguments_(std::move(arguments)), where_(where), apiPort_(fake.port()) {
    detail::test::put(directory_ / "ca.pem", fake.caPem());
    start();
}

void ShopProgram::start() {
    const std::string home = directory_ / ("run" + std::to_string(++starts_));
    std::filesystem::create_directory(home);
    std::vector<std::string> arguments{"--store", store(), "--port", std::to_string(port_)};
    const std::vector<std::string> outside{"--api-url", "https://localhost:" + std::to_string(apiPort_), "--ca-file",
                                           directory_ / "ca.pem"};
    if (where_ == Fake::outside) arguments.insert(arguments.end(), outside.begin(), outside.end());
    arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
    program_.reset();
    program_ = std::make_unique<ChildProcess>(home, STOREFRONT, arguments);
    program_->waitForOutput("The shop is open: http://127.0.0.1:");
    program_->waitForOutput("\n");
    port_ = static_cast<std::uint16_t>(std::stoi(between(log(), "http://127.0.0.1:", "\n")));
}

std::string between(const std::string& text, const std::string& before, const std::string& after) {
    const auto begin = text.find(before);
    if (begin == std::string::npos) return {};
    const auto from = begin + before.size();
    return text.substr(from, text.find(after, from) - from);
}

raw::Answer Visitor::get(const std::string& path) { return call("GET", path, "", ""); }

raw::Answer Visitor::post(const std::string& path, Fields fields, const std::string& headers) {
    fields.emplace("csrf", csrf);
    std::string body;
    for (const auto& [name, value] : fields) body += (body.empty() ? "" : "&") + name + "=" + value;
    return call("POST", path, body, headers);
}

raw::Answer Visitor::buy(const std::string& product, int quantity) {
    get("/");
    const raw::Answer added = post("/cart/add", {{"product", product}, {"quantity", std::to_string(quantity)}});
    return added.status == 303 ? get("/cart") : added;
}

raw::Answer Visitor::call(const std::string& method, const std::string& path, const std::string& body,
                          const std::string& headers) {
    if (!connection_) connection_ = std::make_unique<raw::Client>(shop_.port(), "");
    std::string all = headers;
    if (!cookie.empty()) all += "Cookie: " + cookie + "\r\n";
    raw::Answer answer = connection_->call(method, path, body, all);
    if (answer.header("Connection") == "close" || !answer.complete) connection_.reset();
    if (const std::string set = answer.header("Set-Cookie"); !set.empty()) cookie = set.substr(0, set.find(';'));
    if (const std::string token = between(answer.body, "name=\"csrf\" value=\"", "\""); !token.empty()) csrf = token;
    return answer;
}

std::map<std::string, int> cartOn(const std::string& page) {
    std::map<std::string, int> cart;
    const std::string begin = "<tr data-product=\"";
    for (auto at = page.find(begin); at != std::string::npos; at = page.find(begin, at + 1)) {
        const std::string row = page.substr(at);
        cart[between(row, begin, "\"")] += std::stoi(between(row, "data-quantity=\"", "\""));
    }
    return cart;
}

std::string lineOf(const std::string& page, const std::string& product) {
    const auto row = page.find("data-product=\"" + product + "\"");
    return row == std::string::npos ? std::string() : between(page.substr(row), "name=\"line\" value=\"", "\"");
}

}  // namespace wix::test
