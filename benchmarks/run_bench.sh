#!/usr/bin/env bash
# Runs the benchmarks of a build and prints, for each question: the question, the command, a table and how to read it.
#
# usage: run_bench.sh BUILDDIR [--quick | --smoke] [--no-pin] [--rounds N]
set -euo pipefail

if (($# < 1)) || [[ $1 == -* ]]; then
    echo 'usage: run_bench.sh BUILDDIR [--quick | --smoke] [--no-pin] [--rounds N]' >&2
    exit 2
fi
build=$1
shift
programs=$build/benchmarks
failed=0

# ask PROGRAM QUESTION CAVEAT ARGUMENTS...
ask() {
    local program=$programs/$1 question=$2 caveat=$3
    shift 3
    printf '\n## %s\n\n' "$question"
    if [[ ! -x $program ]]; then
        printf '%s is not built.\n' "$program"
        failed=1
        return
    fi
    printf '    %s\n\n' "$program${*:+ $*}"
    "$program" "$@" || failed=1
    printf '\n%s\n' "$caveat"
}

printf '# Benchmarks\n\n%s cores, load %s. Client, server and whatever else runs share them: read the ratios within a table, not the
absolute figures, and compare no two runs.\n' "$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)" \
    "$(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)"
if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release$' "$build/CMakeCache.txt" 2>/dev/null; then
    printf '\nThis is no Release build: the figures mean nothing.\n'
fi

ask authorize_bench 'What does it cost to authorize a call with a valid token?' \
    'No call hops to a strand for it: the published token is copied under a mutex, and its age is read from the clock
that goes on while the machine sleeps. With two threads on two busy cores the contended mutex is what is seen.' "$@"

ask concurrent_renewal 'A token has expired and thousands of callers come at once. What does it cost until each has the new one?' \
    'The program fails if the callers of one client make more than one exchange or visitor. The fake Wix holds the answer
for 50 ms and until all callers wait, so that their coming is in no figure but "last served". "Beyond the exchange" is
the time from the answer'"'"'s release until the last caller has its token, less that of a single caller of the same design
in the same round. Where every caller renews nothing can be held: there it is the whole time less that of a single
caller, over 64 connections, and more than 1 000 callers are not bearable. A target is a ratio within this run.' "$@"

ask call_bench 'What does one JSON call over TLS cost the client?' \
    'CPU time of the client thread, kernel included; the server is another process and not in it. Raw Beast has a request
that is built once and no deadline, no pool, no retry, no token and no checks of the answer: it is the floor, not a client.
Ratios are medians over the rounds, each round against its rival in the same round.' "$@"

ask sessions 'A server has thousands of visitors in memory. What does a session cost that does nothing now?' \
    'Bytes on the heap as the allocator counts them, its own overhead included, less the characters of the two tokens
(1 150 bytes). The tokens come from a storage that makes them up; nothing is sent.' "$@"

exit "$failed"
