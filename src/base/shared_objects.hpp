// What all users of one transport share beside its connections: the transport does not know what it is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace wix::detail {

/// Objects by name, made when they are first needed. Thread-safe.
class SharedObjects {
public:
    class Object {
    public:
        virtual ~Object() = default;
        /// Whether a new object would do as well.
        virtual bool isForgettable() const = 0;
    };
    using Make = std::function<std::shared_ptr<Object>()>;

    std::shared_ptr<Object> get(const std::string& name, const Make& make) {
        const std::lock_guard lock(mutex_);
        const auto found = objects_.find(name);
        if (found != objects_.end()) return found->second;
        // Names may be many, since they come from the users of the transport.
        std::erase_if(objects_, [](const auto& entry) { return entry.second->isForgettable(); });
        return objects_[name] = make();
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Object>> objects_;
};

}  // namespace wix::detail
