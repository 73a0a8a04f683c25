#!/usr/bin/env bash
# What a build leaves out is said when it is configured, and stands in ctest as a skipped test with its reason. [A2]
#
# usage: left_out_test.sh ROOT [CMAKE-ARGUMENT...]
set -euo pipefail
root=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
    echo "$1"
    failures=$((failures + 1))
}
# configured BUILD ARGUMENT...
configured() {
    local build=$work/$1
    shift
    cmake -S "$root" -B "$build" -DWIX_TEST_HEADERS=OFF -DWIX_INSTALL=OFF "$@" >"$work/output" 2>&1 || {
        cat "$work/output"
        exit 1
    }
}
# left_out BUILD NAME REASON: it is said, and ctest shows a skipped test with the reason
left_out() {
    grep -qF -- "-- Left out: $2 ($3" "$work/output" || fail "configuring does not say that $2 is left out: $3"
    ctest --test-dir "$work/$1" -V -R "^$2\$" >"$work/tests" 2>&1 || fail "ctest fails for $2"
    grep -qF "skipped: $3" "$work/tests" || fail "ctest has no reason for $2"
    grep -qE "$2 \(Skipped\)" "$work/tests" || fail "ctest does not show $2 as skipped"
}
# present BUILD NAME: there is such a test, and it is not a skipped one
present() {
    ctest --test-dir "$work/$1" -N -R "^$2\$" | grep -q "Total Tests: [1-9]" || fail "there is no test $2"
    if ctest --test-dir "$work/$1" -N -L left_out -R "^$2\$" | grep -q "Total Tests: [1-9]"; then fail "$2 is left out"; fi
}

configured without "$@" -DWIX_BUILD_REDIS=OFF -DWIX_BUILD_TESTING=OFF -DWIX_BUILD_EXAMPLES=OFF \
    -DCMAKE_DISABLE_FIND_PACKAGE_Python3=ON -DWIX_TEST_WITHOUT=simulation
left_out without redis 'WIX_BUILD_REDIS is OFF'
for name in integration faults concurrency toxics processes soak; do left_out without "$name" 'WIX_BUILD_TESTING is OFF'; done
left_out without headers 'WIX_TEST_HEADERS is OFF'
left_out without examples 'WIX_BUILD_EXAMPLES is OFF'
left_out without benchmarks 'WIX_BUILD_BENCHMARKS is OFF'
left_out without fuzz_programs 'WIX_FUZZ is OFF'
left_out without consumer 'WIX_INSTALL or WIX_BUILD_TESTING is OFF'
left_out without conductor 'there is no python3'
left_out without simulation 'WIX_TEST_WITHOUT has the label'
present without unit

# hiredis that is installed later is used when the same folder is configured again; fork tests are not for sanitizers.
PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=/nonexistent configured later "$@" -DWIX_DEVELOPER=ON -DWIX_SANITIZE=thread
left_out later redis 'pkg-config found no hiredis'
left_out later faults.fork 'the allocator of a sanitizer'
present later integration.bad_input
if command -v pkg-config >/dev/null && pkg-config --exists 'hiredis >= 0.14'; then
    configured later "$@"
    if grep -q 'Left out: redis ' "$work/output"; then fail 'redis is still left out'; fi
    present later redis.session
fi

configured no_tests "$@" -DWIX_BUILD_TESTS=OFF
grep -qF -- '-- Left out: tests (WIX_BUILD_TESTS is OFF' "$work/output" || fail 'nothing says that the tests are left out'

echo "$failures failures"
((failures == 0))
