// A caller's BodySink that remembers whether it has had anything: then the call cannot begin again.
#pragma once

#include <memory>
#include <utility>

#include <wix/body.hpp>

namespace wix::detail {

class WatchedSink final : public BodySink {
public:
    explicit WatchedSink(std::shared_ptr<BodySink> sink) : sink_(std::move(sink)) {}

    boost::asio::awaitable<void> write(std::string bytes) override {
        touched_ = true;
        return sink_->write(std::move(bytes));
    }
    bool isTouched() const noexcept { return touched_; }

private:
    const std::shared_ptr<BodySink> sink_;
    bool touched_ = false;
};

}  // namespace wix::detail
