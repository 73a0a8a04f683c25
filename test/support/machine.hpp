// What the tests take for granted of the machine, checked before they start.
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace wix::test {

/// Why the tests cannot run on this machine, or an empty text. Takes at most a second.
inline std::string machineProblem() {
    // The thread may outlive this: a look-up has no deadline of its own.
    const auto found = std::make_shared<std::promise<int>>();
    std::future<int> code = found->get_future();
    std::thread([found] {
        addrinfo hints{};
        hints.ai_family = AF_INET;
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* list = nullptr;
        const int result = getaddrinfo("localhost", nullptr, &hints, &list);
        if (list != nullptr) freeaddrinfo(list);
        found->set_value(result);
    }).detach();
    const std::string advice = "; the tests need the line '127.0.0.1 localhost' in /etc/hosts";
    if (code.wait_for(std::chrono::seconds(1)) != std::future_status::ready)
        return "looking up localhost takes more than a second" + advice;
    const int result = code.get();
    if (result != 0) return std::string("localhost is no known name here (") + gai_strerror(result) + ")" + advice;
    return "";
}

}  // namespace wix::test
