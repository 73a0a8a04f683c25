// For the tests of fork(). Their sources are not built with sanitizers: see test/CMakeLists.txt.
#pragma once

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace wix::test {

/// Runs `work` in a child. Gives what it returned; -1 if it did not end by itself.
template <class Work>
int inChild(Work work) {
    std::fflush(nullptr);  // or the child writes what is buffered once more
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(20);
        int result = 99;
        try {
            result = work();
        } catch (...) {
        }
        ::_exit(result);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace wix::test
