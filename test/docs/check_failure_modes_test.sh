#!/usr/bin/env bash
# Tests of check_failure_modes.sh: what it lets through and what it must find.
set -euo pipefail
checker=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_failure_modes.sh
command -v perl >/dev/null || { echo 'skipped: there is no perl'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
# expect ok|bad NAME ROWS TEST [SCRIPT]
expect() {
    rm -rf "$work/root"
    mkdir -p "$work/root/docs" "$work/root/test/faults"
    printf '# Failure modes\n\n| # | What happens | What the SDK does | Tests |\n|---|---|---|---|\n%b' "$3" >"$work/root/docs/failure_modes.md"
    printf '%b' "$4" >"$work/root/test/faults/a_test.cpp"
    printf '%b' "${5:-}" >"$work/root/test/run_test.sh"
    local got=ok
    bash "$checker" "$work/root" >"$work/out" 2>&1 || got=bad
    if [[ $got != "$1" ]]; then
        echo "$2: expected $1, got $got"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}
row='| 48 | a | b | `test/faults/a_test.cpp` |\n'
named='TEST_CASE("one [48]") {}\n'
expect ok 'a row and its test' "$row" "$named"
expect ok 'two tests of a row in one file' "$row" "$named"'TEST_CASE("another [48]") {}\n'
expect ok 'a name of two literals' "$row" 'TEST_CASE(\n    "one "\n    "[48]") {}\n'
expect ok 'two tags' "$row"'| C2 | a | b | `test/faults/a_test.cpp` |\n' 'TEST_CASE("one [48] [C2]") {}\n'
expect ok 'a test without a tag' "$row" "$named"'TEST_CASE("other") {}\n'
expect ok 'a tag in a script' "$row"'| A2 | a | b | `test/run_test.sh` |\n' "$named" '# after the demo [A2]\n'
expect ok 'an index in a script is no tag' "$row" "$named" 'echo ${a[1]}\n'
expect bad 'a tag without a row' "$row" "$named"'TEST_CASE("other [49]") {}\n'
expect bad 'a row without a test' "$row"'| C2 | a | b | `test/faults/a_test.cpp` |\n' "$named"
expect bad 'a row that names no file' "$row"'| C2 | a | b | |\n' "$named"
expect bad 'a file that is not there' '| 48 | a | b | `test/faults/b_test.cpp` |\n' "$named"
expect bad 'a file that is not named' "$row" "$named" '# another [A2]\n'
expect bad 'a row twice' "$row$row" "$named"
expect bad 'a tag in the middle' "$row" "$named"'TEST_CASE("one [48] more") {}\n'
expect bad 'the old form' "$row" "$named"'TEST_CASE("C row 48: one") {}\n'
echo "$failures failures"
((failures == 0))
