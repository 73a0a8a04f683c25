#include "async/context_registry.hpp"

#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace asio = boost::asio;

namespace wix::detail {
namespace {
constexpr std::chrono::milliseconds scanInterval{100};
}

/// Outlives the service, so that an object that outlives the context can still sign off.
struct ContextBound::Shared : std::enable_shared_from_this<ContextBound::Shared> {
    std::mutex mutex;
    std::condition_variable signedOff;
    std::list<ContextBound*> bound;
    std::list<ContextBound*> ended;  // told already, not yet destroyed
    std::list<ContextBound*> watched;
    std::optional<MonotonicTimer> timer;  // pending only while something is watched: idle means no work
    bool ticking = false;
    bool gone = false;

    void arm() {  // with the mutex held
        ticking = true;
        timer->expires_after(scanInterval);
        timer->async_wait([self = shared_from_this()](const boost::system::error_code& ec) { self->tick(!ec); });
    }

    void tick(bool due) {
        std::vector<std::shared_ptr<ContextBound>> late;
        {
            const std::lock_guard lock(mutex);
            ticking = false;
            if (gone || watched.empty()) return;
            if (due) {
                const auto now = MonotonicClock::now();
                for (ContextBound* object : watched)
                    if (object->deadline_ <= now)
                        if (auto alive = object->weak_from_this().lock()) late.push_back(std::move(alive));
            }
            arm();
        }
        for (const auto& object : late) object->deadlinePassed();
    }
};

/// The execution_context::service that is told of the context's end.
class ContextRegistry final : public asio::execution_context::service {
public:
    using key_type = ContextRegistry;
    static asio::execution_context::id id;

    explicit ContextRegistry(asio::execution_context& context)
        : service(context), shared_(std::make_shared<ContextBound::Shared>()) {}

    static std::shared_ptr<ContextBound::Shared> of(const asio::any_io_executor& executor) {
        auto& context = asio::query(executor, asio::execution::context);
        if (!asio::has_service<ContextRegistry>(context)) {
            // Services end in the reverse order of their making. Ours has to end before those of strands and timers:
            // from then on nobody posts to a strand that is being taken apart.
            (void)asio::make_strand(executor);
            (void)MonotonicTimer(executor);
        }
        auto shared = asio::use_service<ContextRegistry>(context).shared_;
        const std::lock_guard lock(shared->mutex);
        if (!shared->timer) shared->timer.emplace(executor);
        return shared;
    }

private:
    void shutdown() override {
        std::optional<MonotonicTimer> timer;
        {
            const std::lock_guard lock(shared_->mutex);
            shared_->gone = true;
            timer.swap(shared_->timer);
        }
        timer.reset();
        // One at a time: an object's end may be the end of others, which sign off while we are here.
        for (;;) {
            std::shared_ptr<ContextBound> next;
            {
                std::unique_lock lock(shared_->mutex);
                if (shared_->bound.empty()) return;
                ContextBound* object = shared_->bound.front();
                shared_->ended.splice(shared_->ended.end(), shared_->bound, object->place_);
                object->ended_ = true;
                next = object->weak_from_this().lock();
                // Another thread is just destroying it, and what it has of this context: let it finish.
                if (!next)
                    shared_->signedOff.wait_for(lock, std::chrono::seconds(1), [&] {
                        return std::find(shared_->ended.begin(), shared_->ended.end(), object) == shared_->ended.end();
                    });
            }
            if (next) next->contextGone();
        }
    }

    std::shared_ptr<ContextBound::Shared> shared_;
};

asio::execution_context::id ContextRegistry::id;

ContextBound::ContextBound(const asio::any_io_executor& executor) : shared_(ContextRegistry::of(executor)) {
    const std::lock_guard lock(shared_->mutex);
    place_ = shared_->bound.insert(shared_->bound.end(), this);
}

ContextBound::~ContextBound() {
    unwatch();
    const std::lock_guard lock(shared_->mutex);
    (ended_ ? shared_->ended : shared_->bound).erase(place_);
    if (ended_) shared_->signedOff.notify_all();
}

void ContextBound::watch(SteadyTime deadline) {
    const std::lock_guard lock(shared_->mutex);
    deadline_ = deadline;
    if (watched_ || shared_->gone) return;
    watched_ = true;
    watchPlace_ = shared_->watched.insert(shared_->watched.end(), this);
    if (!shared_->ticking) shared_->arm();
}

void ContextBound::unwatch() {
    const std::lock_guard lock(shared_->mutex);
    if (!watched_) return;
    watched_ = false;
    shared_->watched.erase(watchPlace_);
    if (shared_->watched.empty() && shared_->timer) shared_->timer->cancel();
}

}  // namespace wix::detail
