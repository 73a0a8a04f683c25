#!/usr/bin/env bash
# Fuzzes each target, two at a time. Begins with the seeds of corpus/ and with what earlier runs found in BUILD/corpus.
# A crash, a leak, an input that takes 10 s or 1 GB: its reproducer is named, and the exit is 1.
#
# usage: run.sh BUILD [SECONDS [TARGET...]]
set -euo pipefail
here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd -P "$1" && pwd)
seconds=${2:-30}
if [[ ! $seconds =~ ^[1-9][0-9]{0,5}$ ]]; then
    echo "run.sh: '$seconds' is no number of seconds" >&2
    exit 2
fi
targets=("${@:3}")
if ((${#targets[@]} == 0)); then
    for folder in "$here"/corpus/*/; do targets+=("$(basename "$folder")"); done
fi
mkdir -p "$build/corpus" "$build/findings"
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# fuzz TARGET: its log is BUILD/findings/TARGET.log
fuzz() {
    local target=$1 dictionary=json
    case $target in
    response | request | retry_after) dictionary=http ;;
    target) dictionary=url ;;
    esac
    mkdir -p "$build/corpus/$target"
    timeout --kill-after=30 $((seconds + 120)) "$build/test/fuzz/${target}_fuzz" \
        "$build/corpus/$target" "$here/corpus/$target" -dict="$here/dictionary/$dictionary.dict" \
        -artifact_prefix="$build/findings/$target-" -max_total_time="$seconds" -max_len=4096 -len_control=20 \
        -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 \
        >"$build/findings/$target.log" 2>&1
}

# report TARGET EXIT
report() {
    local log=$build/findings/$1.log
    if (($2 != 0)); then
        echo "$1: FAILED (exit $2)"
        grep -E -A12 'ERROR:|runtime error|does not hold|SUMMARY' "$log" | head -n 40 || tail -n 20 "$log"
        grep -o 'Test unit written to .*' "$log" || true
        failed+=("$1")
        return
    fi
    echo "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions," \
        "$(sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) corp: \([0-9]*\).*/\1 edges, \2 features, \3 inputs kept/p' "$log" | tail -n 1)"
}

failed=()
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    pair=("${targets[@]:i:2}")
    processes=()
    for target in "${pair[@]}"; do
        fuzz "$target" &
        processes+=($!)
    done
    for j in "${!pair[@]}"; do
        code=0
        wait "${processes[j]}" || code=$?
        report "${pair[j]}" "$code"
    done
done
if ((${#failed[@]} > 0)); then
    echo "failed: ${failed[*]}. The reproducers are in $build/findings; to replay one:"
    echo "    $build/test/fuzz/TARGET_fuzz FILE"
    exit 1
fi
echo "${#targets[@]} targets fuzzed for $seconds s each, nothing found"
