#include "async/context_registry.hpp"

#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/deadline_check.hpp"

namespace asio = boost::asio;

namespace wix::detail {
/// Outlives the service, so that an object that outlives the context can still sign off.
struct ContextBound::Shared : std::enable_shared_from_this<ContextBound::Shared> {
    template <Hook ContextBound::*hook>
    using List = boost::intrusive::list<ContextBound, boost::intrusive::member_hook<ContextBound, Hook, hook>,
                                        boost::intrusive::constant_time_size<false>>;

    explicit Shared(const asio::execution_context& owner) noexcept : context(&owner) {}

    const asio::execution_context* const context;
    // Sequentially consistent: either a use is counted before shutdown() looks, or it sees that the context ends.
    std::atomic<std::size_t> uses{0};
    std::atomic<bool> ending{false};
    std::mutex mutex;
    std::condition_variable signedOff;
    List<&ContextBound::place_> bound;
    List<&ContextBound::place_> ended;  // told already, not yet destroyed
    List<&ContextBound::watchPlace_> watched;
    DeadlineCheck check;
    std::optional<MonotonicTimer> timer;  // pending only while something is watched: idle means no work
    bool ticking = false;
    bool gone = false;

    void arm() {  // with the mutex held
        ticking = true;
        check.plan(MonotonicClock::now() + DeadlineCheck::interval);
        timer->expires_at(check.planned());
        timer->async_wait([self = shared_from_this()](const boost::system::error_code& ec) { self->tick(!ec); });
    }

    void scan(SteadyTime at, std::vector<std::shared_ptr<ContextBound>>& late) {  // with the mutex held
        const auto now = at.time_since_epoch().count();
        for (auto it = watched.begin(); it != watched.end();) {
            ContextBound& object = *it++;
            if (isUnwatched(object)) watched.erase(watched.iterator_to(object));
            if (object.deadline_.load() > now) continue;
            if (auto alive = object.weak_from_this().lock()) late.push_back(std::move(alive));
        }
    }

    /// Whoever sets a deadline at this moment sees that nobody looks at it any more, or is seen here.
    static bool isUnwatched(ContextBound& object) {
        if (object.deadline_.load() != ContextBound::never) return false;
        object.isWatched_ = false;
        if (object.deadline_.load() == ContextBound::never) return true;
        object.isWatched_ = true;
        return false;
    }

    void tick(bool due) {
        std::vector<std::shared_ptr<ContextBound>> late;
        {
            const std::lock_guard lock(mutex);
            ticking = false;
            if (gone) return;
            const SteadyTime now = MonotonicClock::now();
            if (check.run(now) && due) scan(now, late);
            if (watched.empty()) return;
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
        : service(context), shared_(std::make_shared<ContextBound::Shared>(context)) {}

    static std::shared_ptr<ContextBound::Shared> of(const asio::any_io_executor& executor) {
        auto& context = asio::query(executor, asio::execution::context);
        if (!asio::has_service<ContextRegistry>(context)) {
            // Services end in the reverse order of their making. Ours has to end before those of strands and timers:
            // from then on nobody posts to a strand that is being taken apart.
            (void)asio::make_strand(executor);
            (void)MonotonicTimer(executor);
            (void)asio::steady_timer(executor);  // TLS streams have some
        }
        auto shared = asio::use_service<ContextRegistry>(context).shared_;
        const std::lock_guard lock(shared->mutex);
        if (!shared->timer && !shared->gone) shared->timer.emplace(executor);
        return shared;
    }

private:
    void shutdown() override {
        shared_->ending = true;
        while (shared_->uses > 0) std::this_thread::yield();
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
                ContextBound& object = shared_->bound.front();
                shared_->bound.pop_front();
                shared_->ended.push_back(object);
                object.ended_ = true;
                next = object.weak_from_this().lock();
                // Another thread is just destroying it, and what it has of this context: let it finish.
                if (!next)
                    shared_->signedOff.wait_for(lock, std::chrono::seconds(1), [&ended = shared_->ended, &object] {
                        return std::none_of(ended.begin(), ended.end(), [&](auto& one) { return &one == &object; });
                    });
            }
            if (next) next->contextGone();
        }
    }

    std::shared_ptr<ContextBound::Shared> shared_;
};

asio::execution_context::id ContextRegistry::id;

ContextBound::ContextBound(const asio::any_io_executor& executor) : shared_(ContextRegistry::of(executor)) { link(); }
ContextBound::ContextBound(SameContextAs other) : shared_(other.object.shared_) { link(); }

void ContextBound::link() {
    const std::lock_guard lock(shared_->mutex);
    shared_->bound.push_back(*this);
}

ContextBound::~ContextBound() {
    const std::lock_guard lock(shared_->mutex);
    if (watchPlace_.is_linked()) {
        shared_->watched.erase(shared_->watched.iterator_to(*this));
        if (shared_->watched.empty() && shared_->timer) shared_->timer->cancel();
    }
    auto& among = ended_ ? shared_->ended : shared_->bound;
    among.erase(among.iterator_to(*this));
    if (ended_) shared_->signedOff.notify_all();
}

bool ContextBound::isPostponed(SteadyTime now) const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->check.isPostponed(now);
}

bool ContextBound::isOn(const asio::execution_context& other) const noexcept { return shared_->context == &other; }

ContextUse::ContextUse(const ContextBound& object) noexcept : shared_(object.shared_.get()) {
    ++shared_->uses;
    if (!shared_->ending) return;
    --shared_->uses;
    shared_ = nullptr;
}

ContextUse::~ContextUse() {
    if (shared_) --shared_->uses;
}

void ContextBound::watch(SteadyTime deadline) {
    deadline_.store(deadline.time_since_epoch().count());
    if (isWatched_.load()) return;
    const std::lock_guard lock(shared_->mutex);
    if (watchPlace_.is_linked() || shared_->gone) return;
    isWatched_ = true;
    shared_->watched.push_back(*this);
    if (!shared_->ticking) shared_->arm();
}

}  // namespace wix::detail
