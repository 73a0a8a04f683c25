#!/usr/bin/env bash
# Tests of check_fake.sh: each omission and each name too many is found.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v perl >/dev/null || { echo 'skipped: there is no perl'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
# expect ok|bad NAME FILE SED: the check of a copy in which FILE was changed
expect() {
    rm -rf "$work/root"
    mkdir -p "$work/root/docs" "$work/root/src/testing"
    cp "$here/../../docs/fake.md" "$work/root/docs/"
    cp "$here"/../../src/testing/{config_json,catalog,events,router,graphql_route}.cpp "$work/root/src/testing/"
    cp "$here"/../../src/testing/{catalog,command_line}.hpp "$work/root/src/testing/"
    sed -i "$4" "$work/root/$3"
    local got=ok
    bash "$here/check_fake.sh" "$work/root" >"$work/out" 2>&1 || got=bad
    if [[ $got != "$1" ]]; then
        echo "$2: expected $1, got $got"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}
expect ok 'as it is' docs/fake.md ''
expect bad 'a new name in the code' src/testing/config_json.cpp 's/name == "cut"/name == "cut" || name == "chop"/'
expect bad 'a new member in the code' src/testing/config_json.cpp 's/members.find("thenClose")/members.find("thenClose"), *more = members.find("pause")/'
expect bad 'a name that the code lost' src/testing/config_json.cpp '/name == "drip"/d'
expect bad 'a row that the page lost' docs/fake.md '/^| `rateLimit.perMinute`/d'
expect bad 'a row too many' docs/fake.md 's/^| `clearFaults`.*/&\n| `clearAll` | `true` | | | |/'
expect bad 'a name that the help lost' src/testing/command_line.hpp '/  advanceClock  /d'
expect bad 'a name too many in the help' src/testing/command_line.hpp 's/  advanceClock  /  advanceTime   /'
expect bad 'a product that the page lost' docs/fake.md '/a0000000-0000-4000-8000-000000000008/d'
expect bad 'a new endpoint' src/testing/router.cpp 's/"redirect", "graphql"/"redirect", "pages", "graphql"/'
expect bad 'a new GraphQL field' src/testing/graphql_route.cpp 's/named("slug")/named("slug") || named("sku")/'
echo "$failures failures"
((failures == 0))
