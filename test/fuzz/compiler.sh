#!/usr/bin/env bash
# Prints a clang++ >= 16 that has libFuzzer; exit 77 if there is none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$work/probe.cpp"

for candidate in ${CLANGXX:-} clang++-{22..16} clang++; do
    command -v "$candidate" >/dev/null || continue
    (($("$candidate" -dumpversion | cut -d. -f1) >= 16)) || continue
    if "$candidate" -fsanitize=fuzzer,address,undefined "$work/probe.cpp" -o "$work/probe" 2>/dev/null; then
        echo "$candidate"
        exit 0
    fi
done
echo 'no clang++ >= 16 with libFuzzer here (Debian 12: apt-get install clang-19 libclang-rt-19-dev)' >&2
exit 77
