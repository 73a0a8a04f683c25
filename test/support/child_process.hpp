// Programs that a test starts: servers of other makers. They end with the test, whatever happens to it.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace wix::test {

/// The path of an installed program, also of one in an sbin that PATH may lack; empty if there is none.
std::string findProgram(const std::string& name);

/// A port of 127.0.0.1 that nobody listens at. It lies below those that the kernel gives to outgoing connections, so that
/// none of these takes it before the server does.
std::uint16_t freePort();

/// How many connections of this machine to that port of 127.0.0.1 neither side has closed.
std::size_t openConnectionsTo(std::uint16_t port);

std::string readFile(const std::filesystem::path& path);
void writeFile(const std::filesystem::path& path, std::string_view content);
/// How often `part` occurs.
std::size_t countOf(std::string_view text, std::string_view part);

/// A program in a process group of its own. The destructor ends the group; it ends too if the test is killed.
class ChildProcess {
public:
    /// Starts it in the directory `home`, which must outlive this and gets its output as a file.
    /// `name` is its argv[0]; empty: the path of the program.
    /// Throws std::runtime_error if that is not possible.
    ChildProcess(std::filesystem::path home, const std::string& program, std::vector<std::string> arguments,
                 const std::string& name = std::string());
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Both throw std::runtime_error that has the program's output if it ends first, or if that takes 20 s.
    void waitForPort(std::uint16_t port);
    void waitForOutput(std::string_view text, std::size_t times = 1);

    /// Standard output and standard error so far.
    std::string output() const { return readFile(outputFile_); }
    /// Writes to its standard input, and waits until it has read that.
    void write(std::string_view text);
    void signal(int number);
    /// Asks it to end and waits for that; after 20 s it is killed.
    void stop(int number = SIGTERM);
    bool running();
    pid_t pid() const { return pid_; }
    /// Of a program that has ended and was stopped: its exit code, or the signal that ended it as a negative number.
    int exitCode() const;

private:
    [[noreturn]] void fail(const std::string& what) const;

    std::filesystem::path outputFile_;
    std::string name_;
    pid_t pid_ = -1;
    int status_ = 0;
    int input_ = -1;
    bool ended_ = false;
};

}  // namespace wix::test
