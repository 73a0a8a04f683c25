// Threads of a fake that lives when the program ends.
#ifndef WIX_TESTING_ENDS_AT_EXIT_HPP
#define WIX_TESTING_ENDS_AT_EXIT_HPP

namespace wix::testing::detail {

/// An object with a thread that uses OpenSSL. If it exists when the program ends, the thread is ended before OpenSSL's
/// exit handler is called.
class EndsAtExit {
public:
    EndsAtExit(const EndsAtExit&) = delete;
    EndsAtExit& operator=(const EndsAtExit&) = delete;

protected:
    EndsAtExit();
    ~EndsAtExit() = default;
    /// To be called first by the destructor of the object. endThread() is not called any more.
    void leave() noexcept;

private:
    struct All;
    virtual void endThread() noexcept = 0;
};

}  // namespace wix::testing::detail

#endif
