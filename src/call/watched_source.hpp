// A caller's BodySource that remembers whether it was asked for anything: only then does it have to begin again.
#pragma once

#include <memory>
#include <utility>

#include <wix/body.hpp>

namespace wix::detail {

class WatchedSource final : public BodySource {
public:
    explicit WatchedSource(std::shared_ptr<BodySource> source) : source_(std::move(source)) {}

    std::optional<std::uint64_t> size() const override { return source_->size(); }
    boost::asio::awaitable<std::string> read(std::size_t most) override {
        touched_ = true;
        return source_->read(most);
    }
    /// True at once if nothing was read: the caller's need not be able to.
    bool rewind() override {
        if (touched_ && !source_->rewind()) return false;
        touched_ = false;
        return true;
    }

private:
    const std::shared_ptr<BodySource> source_;
    bool touched_ = false;
};

}  // namespace wix::detail
