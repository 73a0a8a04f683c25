#!/usr/bin/env bash
# Runs the benchmarks of a build and prints, for each question: the question, the command, a table and how to read it.
#
# usage: run_bench.sh BUILDDIR [--quick] [--no-pin] [--rounds N]
set -euo pipefail

if (($# < 1)) || [[ $1 == -* ]]; then
    echo 'usage: run_bench.sh BUILDDIR [--quick] [--no-pin] [--rounds N]' >&2
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

ask renewal_bench 'A token has expired and thousands of callers come at once. What happens?' \
    'The callers share one exchange; the program fails if they do not. "Beyond one exchange" is the difference to a single
caller in the same round. The naive rows use the same SDK with a client for each caller, over 64 connections.' "$@"

ask call_bench 'What does one JSON call over TLS cost the client?' \
    'CPU time of the client thread, kernel included; the server is another process and not in it. Raw Beast has a request
that is built once and no deadline, no pool, no retry, no token and no checks of the answer: it is the floor, not a client.
Ratios are medians over the rounds, each round against its rival in the same round.' "$@"

exit "$failed"
