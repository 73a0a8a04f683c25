#include "testing/ends_at_exit.hpp"

#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace wix::testing::detail {

struct EndsAtExit::All {
    static All& get() {
        static All& one = *new All;  // never destroyed
        return one;
    }
    All() : process(::getpid()) {
        // Exit handlers are called in the reverse order of their registration. Without any option OpenSSL registers none.
        ::OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);
        std::atexit([] { get().end(); });
    }
    void end() noexcept {
        if (::getpid() != process) return;  // the threads are those of the parent
        const std::lock_guard lock(mutex);
        for (EndsAtExit* object : objects) object->endThread();
    }
    const pid_t process;
    std::mutex mutex;
    std::vector<EndsAtExit*> objects;
};

EndsAtExit::EndsAtExit() {
    All& all = All::get();
    const std::lock_guard lock(all.mutex);
    all.objects.push_back(this);
}

void EndsAtExit::leave() noexcept {
    All& all = All::get();
    const std::lock_guard lock(all.mutex);
    std::erase(all.objects, this);
}

}  // namespace wix::testing::detail
