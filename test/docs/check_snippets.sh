#!/usr/bin/env bash
# Every ```cpp block of README.md and docs/*.md is an excerpt of a file that is compiled and run. The block is preceded
# by a line
#     <!-- file: examples/visitor_session.cpp -->
# and its lines are in that file one after the other; the whole block may be indented differently.
#
# usage: check_snippets.sh [root]
set -euo pipefail
root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$root"

pages=()
for page in README.md docs/*.md; do
    if [[ -f $page ]]; then pages+=("$page"); fi
done
if ((${#pages[@]} == 0)); then
    echo "no pages yet"
    exit 0
fi

awk '
function fail(line, text) { printf "%s:%d: %s\n", FILENAME, line, text; failures++ }
function width(text) { match(text, /^ */); return RLENGTH }
function bare(text) { sub(/^[ \t]+/, "", text); sub(/[ \t\r]+$/, "", text); return text }

function load(path,    text, n) {
    if (path in count) return count[path]
    n = 0
    while ((getline text < path) > 0) file[path, ++n] = text
    close(path)
    return count[path] = n
}

# Whether the block stands at line `at` of the file, shifted by one and the same indent throughout.
function matches(path, at,    i, shift, known, here) {
    known = 0
    for (i = 1; i <= lines; i++) {
        here = file[path, at + i - 1]
        if (bare(here) != bare(block[i])) return 0
        if (bare(here) == "") continue
        if (!known) { shift = width(here) - width(block[i]); known = 1 }
        else if (width(here) - width(block[i]) != shift) return 0
    }
    return known
}

function check(    n, at) {
    blocks++
    if (marker == "") { fail(start, "a cpp block without a preceding <!-- file: ... -->"); return }
    n = load(marker)
    if (n == 0) { fail(start, "there is no file " marker); return }
    for (at = 1; at + lines - 1 <= n; at++) if (matches(marker, at)) return
    fail(start, "this block is not in " marker ", line by line")
}

FNR == 1 { if (inside) { print previous ": a code block does not end"; failures++ } inside = 0; marker = "" }
{ previous = FILENAME; sub(/\r$/, "") }
inside && /^ *```/ { if (cpp) check(); inside = 0; marker = ""; next }
inside { block[++lines] = $0; next }
/^ *```/ {
    inside = 1; lines = 0; start = FNR
    cpp = ($0 ~ /^ *``` *(cpp|c\+\+|cc|cxx|C\+\+)([ {]|$)/)
    next
}
/^ *<!-- *file: *[^ ]+ *-->/ { marker = $0; sub(/^ *<!-- *file: */, "", marker); sub(/ *-->.*/, "", marker); next }
/[^ \t]/ { marker = "" }
END {
    if (inside) { print previous ": a code block does not end"; failures++ }
    printf "%d cpp blocks, %d not as compiled\n", blocks, failures
    exit failures > 0
}' "${pages[@]}"
