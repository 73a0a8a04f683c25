// Several visitor processes that share a storage, and the gate where they wait for each other.
#pragma once

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <wix/token_storage.hpp>

#include "storage/temp_directory.hpp"
#include "support/child_process.hpp"
#include "support/fake_client.hpp"

namespace wix::test {

/// What a process said of its round.
struct Visit {
    Visit() = default;
    explicit Visit(const std::string& line) : text(line) {
        std::istringstream words(line);
        for (std::string word; words >> word;) {
            const auto value = [&](const char* name) { return word.substr(std::string(name).size()); };
            if (word.starts_with("refresh=")) refresh = value("refresh=");
            if (word.starts_with("access=")) access = value("access=");
            if (word.starts_with("call=")) called = value("call=") == "ok";
            if (word.starts_with("exchanges=")) exchanges = std::stoi(value("exchanges="));
            if (word.starts_with("adopted=")) adopted = std::stoi(value("adopted="));
            if (word.starts_with("lost=")) lost = std::stoi(value("lost="));
        }
    }
    std::string text, refresh, access;
    bool called = false;
    int exchanges = 0, adopted = 0, lost = 0;
};

class Visitors {
public:
    using Arguments = std::vector<std::string>;

    /// Starts `count` of them with these options (see visitor_process.cpp).
    Visitors(std::size_t count, Arguments options) {
        writeFile(folder_ / "gate", "");
        options.insert(options.end(), {"--gate", (folder_ / "gate").string()});
        for (std::size_t i = 0; i < count; ++i) {
            const std::filesystem::path home = folder_ / std::to_string(i);
            std::filesystem::create_directory(home);
            homes_.push_back(home);
            processes_.push_back(std::make_unique<ChildProcess>(home, WIX_VISITOR_PROCESS, options));
        }
    }

    ChildProcess& operator[](std::size_t which) { return *processes_[which]; }

    /// Has all of them do it at once, and waits for their answers.
    std::vector<Visit> all(const std::string& command, const std::string& rest = std::string()) {
        const std::string number = std::to_string(++number_);
        const int gate = ::open((folder_ / "gate").c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(::flock(gate, LOCK_EX) == 0);
        for (auto& process : processes_) process->write(command + " " + number + rest + "\n");
        for (auto& process : processes_) process->waitForOutput("ready " + number + "\n");
        ::close(gate);
        std::vector<Visit> visits;
        for (std::size_t i = 0; i < processes_.size(); ++i) visits.push_back(answer(i, number));
        return visits;
    }

    /// Has one of them start a round. The answer comes with answer().
    std::string start(std::size_t which) {
        const std::string number = std::to_string(++number_);
        processes_[which]->write("round " + number + "\n");
        return number;
    }
    Visit answer(std::size_t which, const std::string& number) {
        const std::string begin = "done " + number + " ";
        processes_[which]->waitForOutput(begin);
        // The line may not be whole yet.
        for (;;) {
            const std::string output = processes_[which]->output();
            const auto at = output.find(begin);
            const auto end = output.find('\n', at);
            if (end != std::string::npos) return Visit(output.substr(at, end - at));
        }
    }

private:
    detail::test::TempDirectory folder_;
    std::vector<std::filesystem::path> homes_;
    std::vector<std::unique_ptr<ChildProcess>> processes_;
    int number_ = 0;
};

/// Where the processes keep their session: what they are told, and the same for the test itself.
struct SharedStorage {
    SharedStorage(std::string option, std::shared_ptr<TokenStorage> opened)
        : argument(std::move(option)), storage(std::move(opened)) {}
    std::string argument;
    std::shared_ptr<TokenStorage> storage;
};

inline SharedStorage fileIn(const detail::test::TempDirectory& folder) {
    const std::filesystem::path file = folder / "session.json";
    return SharedStorage("file:" + file.string(), std::make_shared<FileTokenStorage>(file));
}
inline SharedStorage directoryIn(const detail::test::TempDirectory& folder) {
    return SharedStorage("dir:" + folder.path().string(), FileTokenStorage::inDirectory(folder.path()));
}

}  // namespace wix::test
