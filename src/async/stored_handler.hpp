// A completion handler of any type, kept within the operation that will call it.
//
// asio::any_completion_handler would do. But Boost 1.81's allocates for each handler, and thousands may wait; it takes
// over the handler's cancellation slot; and it recurses for ever when it is assigned to.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace wix::detail {

/// Empty, or a handler that is called once, with a `Result`. Movable.
template <class Result>
class StoredHandler {
public:
    StoredHandler() = default;
    template <class Handler>
    explicit StoredHandler(Handler handler) {
        if constexpr (fits<Held<Handler>>)
            held_ = new (space_) Held<Handler>(std::move(handler));
        else
            held_ = new (space_) Held<Boxed<Handler>>(Boxed<Handler>(std::move(handler)));
    }
    StoredHandler(StoredHandler&& other) noexcept { take(other); }
    StoredHandler& operator=(StoredHandler&& other) noexcept {
        if (this == &other) return *this;
        drop();
        take(other);
        return *this;
    }
    ~StoredHandler() { drop(); }

    /// What it owns may be destroyed by the call, and this with it.
    void operator()(Result&& result) { held_->call(std::move(result)); }

private:
    struct Base {
        virtual ~Base() = default;
        virtual void call(Result&& result) = 0;
        virtual Base* moveTo(void* space) noexcept = 0;
    };
    template <class Handler>
    struct Held final : Base {
        explicit Held(Handler what) : handler(std::move(what)) {}
        void call(Result&& result) override {
            Handler called(std::move(handler));
            std::move(called)(std::move(result));
        }
        Base* moveTo(void* space) noexcept override { return new (space) Held(std::move(handler)); }
        Handler handler;
    };
    template <class Handler>
    struct Boxed {
        explicit Boxed(Handler what) : handler(std::make_unique<Handler>(std::move(what))) {}
        void operator()(Result&& result) && { std::move (*handler)(std::move(result)); }
        std::unique_ptr<Handler> handler;
    };

    static constexpr std::size_t room = 4 * sizeof(void*);  // for the handler of a coroutine
    template <class T>
    static constexpr bool fits = sizeof(T) <= room && alignof(T) <= alignof(void*);

    void take(StoredHandler& other) noexcept {
        held_ = other.held_ ? other.held_->moveTo(space_) : nullptr;
        other.drop();
    }
    void drop() noexcept {
        if (Base* held = std::exchange(held_, nullptr)) held->~Base();
    }

    Base* held_ = nullptr;
    alignas(void*) std::byte space_[room];
};

}  // namespace wix::detail
