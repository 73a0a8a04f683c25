// libcurl as one would use it with care: its multi interface on epoll, handles and connections used again.
#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "calls/product.hpp"
#include "support/contender_loop.hpp"

namespace wix::bench {
namespace {

using Clock = std::chrono::steady_clock;

void check(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("libcurl: ") + what);
}

struct Transfer {
    Transfer() = default;
    CURL* easy = nullptr;
    Caller* caller = nullptr;
    std::string body;
};

class CurlCalls final : public Contender {
public:
    explicit CurlCalls(const ContenderArguments& arguments) : transfers_(arguments.connections) {
        check(arguments.threads == 1, "it is built for one thread");
        check(::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && (multi_ = ::curl_multi_init()) != nullptr,
              "cannot start");
        check((epoll_ = ::epoll_create1(EPOLL_CLOEXEC)) >= 0, "no epoll");
        ::curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlCalls::onSocket);
        ::curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        ::curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlCalls::onTimer);
        ::curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
        ::curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(arguments.connections));
        // The same fields that the SDK sends.
        for (const std::string& field : {std::string("User-Agent: wix-cpp/0.1.0"),
                                         std::string("Accept: application/json"), "Authorization: " + arguments.token})
            fields_ = ::curl_slist_append(fields_, field.c_str());
        for (Transfer& transfer : transfers_) prepare(transfer, arguments);
    }

    ~CurlCalls() override {
        for (const Transfer& transfer : transfers_) ::curl_easy_cleanup(transfer.easy);
        ::curl_multi_cleanup(multi_);
        ::curl_slist_free_all(fields_);
        ::close(epoll_);
        ::curl_global_cleanup();
    }

    void make(std::vector<Caller>& callers) override {
        for (std::size_t i = 0; i < callers.size(); ++i) {
            transfers_[i].caller = &callers[i];
            begin(transfers_[i]);
        }
        underWay_ = callers.size();
        std::array<epoll_event, 64> events{};
        while (underWay_ > 0) {
            const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), untilDue());
            int running = 0;
            for (int i = 0; i < ready; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                const int what = ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? CURL_CSELECT_IN : 0) |
                                 ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
                ::curl_multi_socket_action(multi_, event.data.fd, what, &running);
            }
            if (due_ && *due_ <= Clock::now()) {
                due_.reset();
                ::curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
            }
            takeDone();
        }
    }

private:
    void prepare(Transfer& transfer, const ContenderArguments& arguments) {
        check((transfer.easy = ::curl_easy_init()) != nullptr, "no handle");
        const auto set = [&](CURLoption option, auto value) {
            check(::curl_easy_setopt(transfer.easy, option, value) == CURLE_OK, "an option is refused");
        };
        set(CURLOPT_URL, (arguments.url + arguments.path).c_str());
        set(CURLOPT_HTTPHEADER, fields_);
        set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
        set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        set(CURLOPT_NOSIGNAL, 1L);  // saves system calls about SIGPIPE
        set(CURLOPT_WRITEFUNCTION, &CurlCalls::onBody);
        set(CURLOPT_WRITEDATA, &transfer);
        set(CURLOPT_PRIVATE, &transfer);
        if (arguments.tls()) set(CURLOPT_CAINFO, arguments.caFile.c_str());
    }

    void begin(Transfer& transfer) {
        transfer.body.clear();
        check(::curl_multi_add_handle(multi_, transfer.easy) == CURLM_OK, "cannot begin a call");
    }

    void takeDone() {
        int left = 0;
        while (const CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL* easy = message->easy_handle;
            const CURLcode code = message->data.result;  // the message ends with the next call
            Transfer* transfer = nullptr;
            long status = 0;
            ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
            ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            check(code == CURLE_OK, ::curl_easy_strerror(code));
            check(status == 200 && isProduct(transfer->body), "it got another answer");
            ::curl_multi_remove_handle(multi_, easy);
            if (transfer->caller->again())
                begin(*transfer);
            else
                --underWay_;
        }
    }

    int untilDue() const {
        if (!due_) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due_ - Clock::now()).count();
        return left < 0 ? 0 : static_cast<int>(left);
    }

    static std::size_t onBody(char* bytes, std::size_t size, std::size_t count, void* transfer) {
        static_cast<Transfer*>(transfer)->body.append(bytes, size * count);
        return size * count;
    }

    static int onTimer(CURLM*, long milliseconds, void* self) {
        auto& due = static_cast<CurlCalls*>(self)->due_;
        if (milliseconds < 0)
            due.reset();
        else
            due = Clock::now() + std::chrono::milliseconds(milliseconds);
        return 0;
    }

    /// `known` is not null for a socket that is in the epoll set.
    static int onSocket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
        auto& own = *static_cast<CurlCalls*>(self);
        epoll_event event{};
        event.data.fd = socket;
        event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
        if (what == CURL_POLL_REMOVE) {
            ::epoll_ctl(own.epoll_, EPOLL_CTL_DEL, socket, &event);
            return 0;
        }
        ::epoll_ctl(own.epoll_, known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
        ::curl_multi_assign(own.multi_, socket, self);
        return 0;
    }

    CURLM* multi_ = nullptr;
    int epoll_ = -1;
    curl_slist* fields_ = nullptr;
    std::optional<Clock::time_point> due_;
    std::size_t underWay_ = 0;
    std::vector<Transfer> transfers_;
};

}  // namespace
}  // namespace wix::bench

int main(int count, char** values) {
    using namespace wix::bench;
    return contenderMain(count, values, [](const ContenderArguments& arguments) -> std::unique_ptr<Contender> {
        return std::make_unique<CurlCalls>(arguments);
    });
}
