#include "stage.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <utility>

#include "base/deadline_check.hpp"

namespace wix::simulation {
namespace {

constexpr const char* callerHeader = "X-Caller";
constexpr int mostHandlers = 100'000;

void checkThatNothingWasViolated() {
    if (!firstViolation.empty()) throw Violation(firstViolation);
}

/// How long the client leaves the endpoint alone after it.
std::chrono::nanoseconds pauseAfter(Answer answer) {
    if (answer == Answer::tooMany) return 30s;
    if (answer == Answer::tooManyUntil) return 44s;  // a date has whole seconds
    if (answer == Answer::invalidClient || answer == Answer::validationError) return 10s;
    return 0s;
}

}  // namespace

Stage::Stage(std::uint64_t seed, const Setup& setup)
    : world(seed),
      endpoint(world, setup.rotation, setup.life, setup.skew),
      storage(setup.storage ? std::make_shared<Storage>(world) : nullptr),
      ledger(world, endpoint, storage.get(), setup.policy) {
    firstViolation.clear();
    home_.emplace(1);
    callersContext_.emplace(1);
    ledger.wallIsTrue = setup.skew == 0s;
    endpoint.gateway = setup.gateway;
    endpoint.hidesDeath = setup.hidesDeath;
    forbidden_ = setup.forbidden;

    detail::TokenManagerSetup made;
    made.strategy.clientId = "client";
    made.strategy.onSessionLost = setup.policy;
    made.strategy.storage = storage;
    made.storageKey = "client";
    made.request.method = "POST";
    made.request.target = "/oauth2/token";
    made.transport = network;
    made.observer = ledger.listener;
    made.clock = &world;
    const auto lifeOfStart = world.chance(50) ? 1h : -1h;
    if (setup.start == Setup::Start::record || setup.start == Setup::Start::both) {
        const int visitor = endpoint.start(setup.role, 0);
        storage->overwrite(endpoint.tokensOf(visitor, lifeOfStart));
        if (setup.start == Setup::Start::record) ledger.initialVisitor = visitor;
    }
    if (setup.start == Setup::Start::tokens || setup.start == Setup::Start::both) {
        ledger.initialVisitor = endpoint.start(setup.role, 0);
        made.strategy.tokens = endpoint.tokensOf(ledger.initialVisitor, lifeOfStart);
    }
    network->onExchange = [this](const std::string& body) {
        endpoint.asked();
        ledger.exchanging(body);
    };
    network->onExchangeEnded = [this](const Exchange& ended) { ledger.exchangeEnded(ended.sent, ended.processed); };
    network->onCannotStart = [this] { ledger.pauses(0s); };  // an experiment that ends so asks for no pause
    network->onTimeout = [this] { ledger.flightTimedOut = true; };
    network->onCall = [this](const detail::WireRequest& request) { return answerCall(request); };
    controlNetwork->onRequest = [this](const std::string& body) { return answerControl(body); };
    const auto control = std::make_shared<detail::ControlVisitor>(controlNetwork, made.request, "client", world);
    made.control = [control] { return control; };
    manager = std::make_shared<detail::TokenManager>(home_->get_executor(), std::move(made));
    alive = manager;
}

Stage::~Stage() {
    manager.reset();
    if (home_) destroyHome();
}

// -- Callers -----------------------------------------------------------------------------------------------------------

std::shared_ptr<Caller> Stage::add(Caller::Wants wants, std::chrono::nanoseconds limit) {
    callers.push_back(std::make_shared<Caller>(wants, callers.size()));
    callers.back()->deadline = MonotonicClock::now() + limit;
    return callers.back();
}

void Stage::launch(const std::shared_ptr<Caller>& caller, asio::awaitable<void> coroutine) {
    const auto done = [this, caller](std::exception_ptr thrown) {
        if (!thrown || caller->completions > 0) return;
        // Cancelled before it waited for anything.
        ledger.completed(*caller, Failure(asio::error::operation_aborted, "the caller"));
    };
    asio::co_spawn(*callersContext_, std::move(coroutine), asio::bind_cancellation_slot(caller->signal.slot(), done));
}

asio::awaitable<void> Stage::wait(Stage* stage, std::shared_ptr<Caller> caller,
                                  std::shared_ptr<detail::TokenManager> tokens, Ask ask) {
    stage->ledger.enter(*caller);
    detail::WaitLimits limits(caller->deadline, caller->stop.get_token());
    auto operation = ask(*tokens, std::move(limits));
    const result<SnapshotPtr> outcome = co_await std::move(operation);
    stage->ledger.completed(*caller, outcome);
    if (caller->wants == Caller::Wants::end && outcome.has_value())
        require(!stage->network->pending, "close() has ended before the exchange");
}

std::shared_ptr<Caller> Stage::spawn(Caller::Wants wants, std::chrono::nanoseconds limit, Ask ask) {
    const auto caller = add(wants, limit);
    launch(caller, wait(this, caller, manager, std::move(ask)));
    return caller;
}

std::shared_ptr<Caller> Stage::spawnChange(Caller::Wants wants, int visitor, Ask ask) {
    const auto caller = add(wants, 60s);
    launch(caller, wait(this, caller, manager,
                        [this, visitor, ask, weak = std::weak_ptr(caller)](detail::TokenManager& tokens,
                                                                           detail::WaitLimits limits) {
                            ledger.changes(*weak.lock(), visitor);
                            return ask(tokens, std::move(limits));
                        }));
    return caller;
}

void Stage::spawnCall(std::chrono::nanoseconds limit, unsigned refusals) {
    const auto caller = add(Caller::Wants::call, limit);
    refusals_ = refusals;
    launch(caller, call(this, caller, manager));
}

asio::awaitable<void> Stage::call(Stage* stage, std::shared_ptr<Caller> caller,
                                  std::shared_ptr<detail::TokenManager> tokens) {
    stage->ledger.enter(*caller);
    detail::CallEnvironment environment;
    environment.tokens = tokens.get();
    environment.transport = stage->network.get();
    environment.consistency = stage->consistency_.get();
    environment.clock = &stage->world;
    const auto request = std::make_shared<detail::WireRequest>();
    environment.tokenOrigin = &request->origin;
    request->method = "GET";
    request->target = "/call";
    request->idempotent = true;
    request->headers.emplace_back(callerHeader, std::to_string(caller->index));
    detail::WaitLimits limits(caller->deadline, caller->stop.get_token());
    auto operation = detail::runCall(environment, request, std::move(limits));
    const result<detail::HttpReply> outcome = co_await std::move(operation);
    stage->ledger.finishedCall(*caller, outcome.has_value() ? outcome->status : 0);
    if (outcome.has_error()) stage->ledger.failed(*caller, outcome.error());
}

detail::HttpReply Stage::answerCall(const detail::WireRequest& request) {
    const std::string authorization = request.authorization ? *request.authorization : std::string();
    std::size_t index = 0;
    for (const auto& [name, value] : request.headers)
        if (name == callerHeader) index = std::stoul(value);
    ledger.called(*callers.at(index), authorization);
    detail::HttpReply reply = endpoint.callApi(authorization);
    if (refusals_ > 0 || forbidden_) {
        if (refusals_ > 0) --refusals_;
        reply = detail::HttpReply(401, Headers(), "{}");
    }
    if (reply.status == 401) ledger.unauthorized(authorization);
    return reply;
}

detail::HttpReply Stage::answerControl(const std::string& body) {
    detail::HttpReply reply = endpoint.replyToControl(body);
    if (reply.status == 200) ledger.mayRepeat();
    refusedAt_ = MonotonicClock::now();  // without a verdict the pause begins here
    return reply;
}

// -- Running -----------------------------------------------------------------------------------------------------------

void Stage::drain() {
    for (int handlers = 0;;) {
        std::size_t ran = 0;
        for (auto* context : {home_ ? &*home_ : nullptr, &*callersContext_}) {
            if (!context) continue;
            context->restart();
            ran += context->poll();
        }
        if (ran == 0) break;
        handlers += static_cast<int>(ran);
        require(handlers < mostHandlers, "handlers run without end");
    }
    ledger.drained();
    if (!network->pending && !(storage && storage->busy())) ledger.rests();
    require(!ledger.closedForSure || !network->pending || network->pending->sent || network->pending->answer,
            "a closed client keeps a request that has not left");
    checkThatNothingWasViolated();
}

void Stage::runOne(bool atHome) {
    auto& context = atHome ? *home_ : *callersContext_;
    context.restart();
    context.poll_one();
    checkThatNothingWasViolated();
}

void Stage::pass(std::chrono::nanoseconds time) {
    drain();
    if (storage && storage->busy()) ledger.storageFailed = true;  // it may be too late
    world.pass(time);
    ledger.passed(time);
    drain();
    if (std::exchange(wasSuspended_, false) || time >= detail::DeadlineCheck::tolerance) {
        // To the code under test this was a process that was stopped: nothing expires for a moment.
        world.pass(detail::DeadlineCheck::grace);
        ledger.passed(detail::DeadlineCheck::grace);
        drain();
    }
    ledger.checkDeadlines(callers);
    if (network->pending || controlNetwork->pending || (storage && storage->isLeasedToSibling())) return;
    if (MonotonicClock::now() - refusedAt_ <= detail::AmbiguousRefusal::pause) return;
    if (storage && storage->busy() && !storage->hangs()) return;
    Ledger::checkThatNobodyWaits(callers, storage && storage->hangs() ? "a caller waits for a storage that hangs"
                                                                      : "a caller waits for nothing");
}

void Stage::suspend(std::chrono::nanoseconds time) {
    drain();
    if (storage && storage->busy()) ledger.storageFailed = true;
    world.pass(time);
    if (storage) storage->sleeps();
    ledger.passed(time);
    wasSuspended_ = true;
}

bool Stage::isBusy() const { return network->pending || controlNetwork->pending; }

bool Stage::isResting() {
    drain();
    return home_->stopped() && callersContext_->stopped();
}

// -- The exchange in flight --------------------------------------------------------------------------------------------

void Stage::process() {
    Exchange& exchange = *network->pending;
    exchange.sent = true;
    endpoint.receive(exchange.body);
    if (exchange.processed || endpoint.isRefused()) return;
    exchange.processed = true;
    endpoint.process(ledger.exchangeEra());
}

void Stage::answer(Answer answer) {
    const auto exchange = network->pending;
    if (!exchange || exchange->answer) return;
    exchange->sent = true;
    endpoint.receive(exchange->body);
    if (Endpoint::needsProcessing(answer)) process();
    ledger.pauses(pauseAfter(answer));
    ledger.delivered(std::string());
    bool ambiguous = true;
    if (auto refused = endpoint.refusal()) {
        exchange->answer.emplace(std::move(*refused));
        ledger.pauses(0s);
    } else {
        ambiguous = answer == Answer::odd || endpoint.hides(answer);
        exchange->answer.emplace(endpoint.reply(answer));
        ledger.delivered(endpoint.refreshTokenOfAnswer(answer));
        if (answer == Answer::truncated) {
            ledger.mayReplay();
            ++replays;
        }
    }
    if (ambiguous && endpoint.receivedRefresh()) {
        ledger.pauses(detail::AmbiguousRefusal::pause);
        refusedAt_ = MonotonicClock::now();
    }
    exchange->wake.cancel();
}

void Stage::lose(bool sent, bool processed) {
    const auto exchange = network->pending;
    if (!exchange || exchange->answer || (exchange->sent && !sent)) return;
    if (processed) process();
    Failure failure(sent ? Errc::connection_lost : Errc::connection_refused, "the simulated network");
    failure.maybeSent = exchange->sent = sent;
    exchange->answer.emplace(std::move(failure));
    if (sent) {
        ledger.mayReplay();
        ++replays;
    }
    exchange->wake.cancel();
}

// -- Ends --------------------------------------------------------------------------------------------------------------

void Stage::destroyHome() {
    network->pending.reset();
    controlNetwork->pending.reset();
    if (storage) storage->forget();
    home_.reset();
    callersContext_.reset();
}

void Stage::dropManager() {
    ledger.closed = true;
    manager->abandon();
    manager.reset();
}

}  // namespace wix::simulation
