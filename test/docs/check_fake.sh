#!/usr/bin/env bash
# Every configuration name, id, endpoint and GraphQL field of the fake Wix stands in docs/fake.md, and every configuration
# name of the page and of `wix-fake --help` exists.
#
# usage: check_fake.sh [root]
set -euo pipefail
root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$root/src/testing"
page=$root/docs/fake.md
failures=0
fail() {
    echo "$*"
    failures=$((failures + 1))
}

# Names in the code: `rotation`, and `rotation.enabled` from a function parseRotation.
code=$(awk '
    /^void parse[A-Z][A-Za-z]*\(|^[a-z].* parse[A-Z][A-Za-z]*\(/ {
        match($0, /parse[A-Z][A-Za-z]*\(/)
        name = substr($0, RSTART + 5, RLENGTH - 6)
        name = tolower(substr(name, 1, 1)) substr(name, 2)
    }
    {
        line = $0
        while (match(line, /name == "[A-Za-z]+"/)) {
            print substr(line, RSTART + 9, RLENGTH - 10)
            line = substr(line, RSTART + RLENGTH)
        }
        line = $0
        while (match(line, /\.(find|require)\("[A-Za-z]+"\)/)) {
            member = substr(line, RSTART, RLENGTH)
            gsub(/.*\("|"\)/, "", member)
            print name "." member
            line = substr(line, RSTART + RLENGTH)
        }
        if (/members\.readEndpoint\(\)/) print name ".endpoint"
        if (/members\.readCount\(\)/) print name ".count"
    }' config_json.cpp | LC_ALL=C sort -u)
[[ -n $code ]] || fail "config_json.cpp: no configuration names were found"
documented=$(sed -n '/^## Configuration/,/^## What/s/^| `\([A-Za-z.]*\)` |.*/\1/p' "$page" | LC_ALL=C sort)
helped=$(sed -n 's/^    "  \([A-Za-z]*\)  .*/\1/p' command_line.hpp | LC_ALL=C sort)

while IFS= read -r name; do fail "docs/fake.md: $name has no row"; done < <(LC_ALL=C comm -23 <(echo "$code") <(echo "$documented") | grep . || true)
while IFS= read -r name; do fail "docs/fake.md: $name is not in config_json.cpp, or has two rows"; done < <(LC_ALL=C comm -13 <(echo "$code") <(echo "$documented") | grep . || true)
top=$(grep -v '\.' <<<"$code" || true)
while IFS= read -r name; do fail "wix-fake --help: $name is missing"; done < <(LC_ALL=C comm -23 <(echo "$top") <(echo "$helped") | grep . || true)
while IFS= read -r name; do fail "wix-fake --help: $name does not exist, or stands twice"; done < <(LC_ALL=C comm -13 <(echo "$top") <(echo "$helped") | grep . || true)

# stands TEXT: in the page, as code
stands() { grep -qF "\`$1\`" "$page" || fail "docs/fake.md: $1 is missing"; }
while IFS= read -r id; do stands "$id"; done < <(grep -ohE '[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}' catalog.cpp catalog.hpp events.cpp | sort -u)
while IFS= read -r name; do stands "$name"; done < <(sed -n '/endpointNames() {/,/^}/p' router.cpp | grep -oE '"[^"]+"' | tr -d '"')
while IFS= read -r name; do stands "$name"; done < <(grep -oE 'named\("[A-Za-z]+"\)' graphql_route.cpp | sed 's/.*"\(.*\)".*/\1/')

echo "$failures failures"
((failures == 0))
