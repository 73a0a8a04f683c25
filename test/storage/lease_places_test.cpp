// How many leases a process holds at a time: each is an open file.
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/run_awaitable.hpp"
#include "storage/session_file.hpp"
#include "storage/temp_directory.hpp"

using namespace wix;
using namespace wix::detail;
using namespace wix::detail::test;
namespace fs = std::filesystem;

namespace {

constexpr auto hour = std::chrono::hours(1);
constexpr std::size_t most = 64;

/// Lives in a child of a fork too, where no check is reported.
std::optional<RenewalLease> leaseOf(const fs::path& file, std::chrono::milliseconds ttl = hour) {
    auto lease = SessionFile(file).acquireLease(ttl);
    return lease ? std::move(*lease) : std::nullopt;
}

/// As many as are to be had.
std::vector<RenewalLease> allLeases(const TempDirectory& directory, const std::string& prefix) {
    std::vector<RenewalLease> leases;
    for (std::size_t i = 0; i < 2 * most; ++i) {
        auto lease = leaseOf(directory / (prefix + std::to_string(i)));
        if (!lease) break;
        leases.push_back(std::move(*lease));
    }
    return leases;
}

}  // namespace

TEST_CASE("a process holds 64 leases at a time over all its storages, and beyond that another holds it") {
    const TempDirectory directory;
    std::vector<RenewalLease> leases;
    for (std::size_t i = 0; i < most; ++i) {
        const std::string key = std::to_string(i);
        const auto storage = i % 2 == 0 ? std::make_shared<FileTokenStorage>(directory / key)
                                        : FileTokenStorage::inDirectory(directory.path());
        auto lease = runAwaitable(storage->acquireLease(key, hour));
        REQUIRE(lease);
        leases.push_back(std::move(*lease));
    }
    const auto names = directory.names();
    CHECK(!runAwaitable(FileTokenStorage(directory / "last").acquireLease("last", hour)));
    CHECK(!runAwaitable(FileTokenStorage::inDirectory(directory.path())->acquireLease("last", hour)));
    CHECK(directory.names() == names);  // no file was opened for it
    // A lease that is let go gives its place back, on whichever thread, and once.
    std::thread([&] { leases.pop_back(); }).join();
    auto last = leaseOf(directory / "last");
    CHECK(last);
    CHECK(!leaseOf(directory / "one more"));
    last.reset();
    leases.clear();
    CHECK(allLeases(directory, "again").size() == most);
}

TEST_CASE("what is refused, or held by another, takes no place") {
    const TempDirectory directory;
    const auto held = leaseOf(directory / "held");
    REQUIRE(held);
    for (std::size_t i = 0; i < 2 * most; ++i) {
        CHECK(!leaseOf(directory / "held"));
        CHECK(!SessionFile(directory / "no" / "directory").acquireLease(hour).has_value());
    }
    fs::create_directory(directory / ".bad.lease");
    for (std::size_t i = 0; i < 2 * most; ++i) CHECK(!SessionFile(directory / "bad").acquireLease(hour).has_value());
    CHECK(allLeases(directory, "").size() == most - 1);
}

TEST_CASE("a lease that another has taken over keeps its place until it is let go: its file is still open") {
    const TempDirectory directory;
    auto slow = leaseOf(directory / "session.json", std::chrono::milliseconds(0));
    const auto next = leaseOf(directory / "session.json");
    REQUIRE(slow);
    REQUIRE(next);
    CHECK(allLeases(directory, "").size() == most - 2);
    slow.reset();
    CHECK(allLeases(directory, "").size() == most - 1);
}

TEST_CASE("a child of a fork has all its places, whatever becomes of its copies of its parent's leases") {
    const TempDirectory directory;
    std::vector<RenewalLease> leases = allLeases(directory, "parent");
    REQUIRE(leases.size() == most);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(60);
        leases.pop_back();
        const std::vector<RenewalLease> own = allLeases(directory, "child");
        leases.clear();
        ::_exit(own.size() == most && !leaseOf(directory / "child more") ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(!leaseOf(directory / "parent more"));
    leases.pop_back();
    CHECK(leaseOf(directory / "parent more"));
}
