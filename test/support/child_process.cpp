#include "support/child_process.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/eventually.hpp"

namespace wix::test {
namespace {

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {
        if (number < 0) throw std::system_error(errno, std::generic_category(), "opening a descriptor");
    }
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); }
    void reset() {
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }

private:
    int number_;
};

bool succeedsOn(std::uint16_t port, int (*call)(int, const sockaddr*, socklen_t)) {
    const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return call(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// Between fork and exec: nothing but system calls.
[[noreturn]] void become(const char* home, const char* program, char* const* arguments, int input, int output,
                         pid_t parent) {
    ::setpgid(0, 0);
    // Not SIGKILL: a server with workers has to have the time to end them.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent || ::chdir(home) != 0) ::_exit(126);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execv(program, arguments);
    ::_exit(127);
}

}  // namespace

std::string findProgram(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(std::string(path ? path : "/usr/bin") + ":/usr/local/sbin:/usr/sbin:/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string candidate = folder + "/" + name;
        if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return std::string();
}

std::uint16_t freePort() {
    static std::mt19937 random{std::random_device()()};
    std::uniform_int_distribution<int> ports(20'000, 32'000);
    for (int i = 0; i < 1'000; ++i) {
        const auto port = static_cast<std::uint16_t>(ports(random));
        if (succeedsOn(port, &::bind)) return port;
    }
    throw std::runtime_error("there is no free port");
}

std::size_t openConnectionsTo(std::uint16_t port) {
    std::ifstream table("/proc/net/tcp");
    if (!table) throw std::runtime_error("there is no /proc/net/tcp");
    std::ostringstream wanted;
    wanted << "0100007F:" << std::hex << std::uppercase << port;
    std::size_t found = 0;
    std::string line, number, local, remote, state;
    while (std::getline(table, line)) {
        std::istringstream fields(line);
        if (fields >> number >> local >> remote >> state && remote == wanted.str() && state == "01") ++found;
    }
    return found;
}

std::string readFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

void writeFile(const std::filesystem::path& path, std::string_view content) {
    std::ofstream file(path, std::ios::binary);
    file << content;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path.string());
}

std::size_t countOf(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
    return found;
}

ChildProcess::ChildProcess(std::filesystem::path home, const std::string& program, std::vector<std::string> arguments,
                           const std::string& name)
    : name_(std::filesystem::path(name.empty() ? program : name).filename().string()) {
    outputFile_ = home / (name_ + ".output");
    const Descriptor output(::open(outputFile_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("needs a pipe");
    const Descriptor input(ends[0]);
    Descriptor toInput(ends[1]);

    std::vector<char*> pointers;
    std::string first = name.empty() ? program : name;
    pointers.push_back(first.data());
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) become(home.c_str(), program.c_str(), pointers.data(), input.get(), output.get(), parent);
    if (pid_ < 0) fail(std::string("cannot be started: ") + std::strerror(errno));
    ::setpgid(pid_, pid_);  // here as well: whoever comes first
    input_ = toInput.release();
}

ChildProcess::~ChildProcess() {
    stop();
    ::close(input_);
}

void ChildProcess::waitForPort(std::uint16_t port) {
    bool answers = false;
    eventually([&] { return (answers = succeedsOn(port, &::connect)) || !running(); });
    if (!answers) fail("does not listen at port " + std::to_string(port));
}

void ChildProcess::waitForOutput(std::string_view text, std::size_t times) {
    const auto isThere = [&] { return countOf(output(), text) >= times; };
    eventually([&] { return isThere() || !running(); });
    if (!isThere()) fail("does not say \"" + std::string(text) + "\"");
}

void ChildProcess::write(std::string_view text) {
    // Shorter than a pipe's buffer, so that it is written at once or not at all.
    if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("takes no input");
    int left = 0;
    const auto isRead = [&] { return ::ioctl(input_, FIONREAD, &left) == 0 && left == 0; };
    if (!eventually([&] { return isRead() || !running(); })) fail("does not read its input");
}

void ChildProcess::signal(int number) {
    if (!ended_) ::kill(pid_, number);
}

void ChildProcess::stop(int number) {
    if (ended_) return;
    signal(number);
    eventually([&] { return !running(); });
    // It is not reaped yet, so the number is still its own. Workers that it may have left behind go with it.
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
    ended_ = true;
}

int ChildProcess::exitCode() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_); }

bool ChildProcess::running() {
    if (ended_) return false;
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void ChildProcess::fail(const std::string& what) const {
    throw std::runtime_error(name_ + " " + what + ". It says:\n" + output());
}

}  // namespace wix::test
