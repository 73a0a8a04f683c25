// Many visitors at once, and a bad network between the shop and Wix: everyone has their own cart, to the last item.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <memory>
#include <random>
#include <vector>

#include <wix/error.hpp>

#include "cart_model.hpp"
#include "page_loader.hpp"
#include "shop_program.hpp"
#include "support/toxic_proxy.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace wix::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int visitors = 100, actions = 20;
#else
constexpr int visitors = 1'000, actions = 50;
#endif
constexpr int loaders = 64;  // each serves all visitors in turn, over one connection

struct Customer {
    std::string cookie, csrf, lastPage;
    CartModel model;
    int left = actions;
};

struct Report {
    int done = 0, unsure = 0, notDone = 0, failedPages = 0;
    std::string wrong;  // what was, a line each
    void violate(const std::string& what) {
        if (wrong.size() < 2'000) wrong += what + "\n";
    }
};

std::string shown(const Cart& cart) {
    std::string text;
    for (const auto& [product, quantity] : cart) text += product.substr(34) + " x " + std::to_string(quantity) + ", ";
    return text.empty() ? "nothing" : text;
}

class Crowd {
public:
    Crowd(const ShopProgram& shop, ToxicProxy& proxy, unsigned seed)
        : shop_(shop), proxy_(proxy), random_(seed), skies_(seed), weather_(io_) {
        for (int i = 0; i < visitors; ++i) waiting_.push_back(std::make_unique<Customer>());
    }

    Report run() {
        for (int i = 0; i < loaders; ++i) asio::co_spawn(io_, serve(), wix::rethrow);
        asio::co_spawn(io_, weather(), [](std::exception_ptr) {});
        io_.run_for(150s);
        if (finished_ != visitors) report_.violate("only " + std::to_string(finished_) + " visitors have finished");
        return report_;
    }

private:
    static int upTo(int most, std::mt19937& random) { return std::uniform_int_distribution<int>(0, most)(random); }
    int upTo(int most) { return upTo(most, random_); }

    asio::awaitable<void> serve() {
        PageLoader loader(io_, shop_.port());
        while (!waiting_.empty()) {
            std::unique_ptr<Customer> customer = std::move(waiting_.front());
            waiting_.pop_front();
            co_await act(loader, *customer);
            // Nobody leaves before the weather has been bad: it would prove nothing.
            if (--customer->left > 0 || report_.unsure == 0)
                waiting_.push_back(std::move(customer));
            else if (++finished_ == visitors)
                weather_.cancel();
        }
    }

    asio::awaitable<void> act(PageLoader& loader, Customer& customer) {
        if (customer.csrf.empty()) {
            const Page page = co_await loaded(loader, customer, "/");
            customer.csrf = between(page.body, "name=\"csrf\" value=\"", "\"");
        }
        Action action;
        const int dice = upTo(9);
        action.kind = dice < 6 ? Action::Kind::add : dice < 8 ? Action::Kind::change : Action::Kind::remove;
        action.product = static_cast<std::size_t>(upTo(static_cast<int>(stock.size()) - 1));
        action.quantity = 1 + upTo(4);
        const std::string line = lineOf(customer.lastPage, stock[action.product].first);
        if (line.empty()) action.kind = Action::Kind::add;
        std::string form = "csrf=" + customer.csrf + "&quantity=" + std::to_string(action.quantity);
        form += action.kind == Action::Kind::add ? "&product=" + stock[action.product].first : "&line=" + line;
        static const std::map<Action::Kind, std::string> paths{{Action::Kind::add, "/cart/add"},
                                                               {Action::Kind::change, "/cart/change"},
                                                               {Action::Kind::remove, "/cart/remove"}};
        const Page answer = co_await loader.load(paths.at(action.kind), customer.cookie, std::move(form));
        const Outcome outcome = outcomeOf(answer);
        customer.model.did(action, outcome);
        // Not every time, since it is half of the work; but what the next action needs to know is looked up.
        const bool plain = outcome == Outcome::done && action.kind != Action::Kind::remove;
        if (plain && customer.left > 1 && upTo(2) != 0) co_return;

        const Page page = co_await loaded(loader, customer, "/cart");
        const Cart cart = cartOn(page.body);
        if (!customer.model.saw(cart)) report_.violate("not the cart of this visitor: " + shown(cart));
        customer.lastPage = page.body;
    }

    Outcome outcomeOf(const Page& answer) {
        if (answer.status == 303) {
            ++report_.done;
            return Outcome::done;
        }
        if (answer.body.find("Your cart shows what counts") != std::string::npos) {
            ++report_.unsure;
            return Outcome::unsure;
        }
        if (answer.status != 502 && answer.status != 503)
            report_.violate("an action was answered with " + std::to_string(answer.status));
        ++report_.notDone;
        return Outcome::notDone;
    }

    /// A page that only reads: the visitor loads it again until it is there.
    asio::awaitable<Page> loaded(PageLoader& loader, Customer& customer, std::string path) {
        Page page;
        asio::steady_timer pause(io_);
        for (int i = 0; i < 300; ++i) {
            page = co_await loader.load(path, customer.cookie, std::string());
            if (page.status == 200) break;
            ++report_.failedPages;
            pause.expires_after(50ms);  // a token that could not be had is not asked for at once
            co_await pause.async_wait(asio::use_awaitable);
        }
        if (page.status != 200) report_.violate(path + " never came, but " + std::to_string(page.status));
        const std::string set = between(page.head, "Set-Cookie: ", ";");
        if (!set.empty()) customer.cookie = set;
        co_return page;
    }

    /// Each kind in turn.
    Toxics toxics(int kind) {
        Toxics made;
        const auto someBytes = static_cast<std::uint64_t>(upTo(60'000, skies_));
        switch (kind) {
            case 0:
                made.latency = std::chrono::milliseconds(upTo(8, skies_));
                made.jitter = made.latency;
                break;
            case 1:
                made.sliceSize = static_cast<std::size_t>(50 + upTo(300, skies_));
                break;
            case 2:
                made.limitData = someBytes;
                break;
            case 3:
                made.resetPeer = someBytes;
                break;
            default:
                made.halfClose = someBytes;
                break;
        }
        return made;
    }

    asio::awaitable<void> weather() {
        for (int i = 0; finished_ < visitors; ++i) {
            proxy_.clear();
            if (i % 2 == 0) proxy_.set(i % 4 == 0 ? Direction::upstream : Direction::downstream, toxics(i / 2 % 5));
            if (i % 8 == 7) proxy_.resetAll();
            weather_.expires_after(std::chrono::milliseconds(200 + upTo(200, skies_)));
            co_await weather_.async_wait(asio::use_awaitable);
        }
    }

    const ShopProgram& shop_;
    ToxicProxy& proxy_;
    std::mt19937 random_;
    std::mt19937 skies_;  // the weather's own: how fast the visitors are does not change it
    std::deque<std::unique_ptr<Customer>> waiting_;
    int finished_ = 0;
    Report report_;
    asio::io_context io_;
    asio::steady_timer weather_;
};

}  // namespace

TEST_CASE("1 000 visitors with 50 actions each, in bad weather: every cart is what its visitor did") {
    ShopProgram shop;
    ToxicProxy proxy(shop.fake.port());
    shop.stop();
    shop.goTo(proxy.port());
    shop.start();
    const auto begin = std::chrono::steady_clock::now();
    const Report report = Crowd(shop, proxy, 4711).run();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    proxy.clear();
    MESSAGE(visitors << " visitors: " << report.done << " actions done, " << report.unsure << " unsure, "
                     << report.notDone << " not done, " << report.failedPages << " pages loaded again, "
                     << proxy.counts().accepted() << " connections, " << seconds << " s");
    CHECK(report.wrong == "");
    CHECK(report.unsure > 0);
    shop.stop();
    CHECK(shop.program().exitCode() == 0);
}
