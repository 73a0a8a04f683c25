#!/usr/bin/env bash
# Every configuration name, id, endpoint and GraphQL field of the fake Wix stands in docs/fake.md, and every configuration
# name of the page and of `wix-fake --help` exists.
#
# usage: check_fake.sh [root]
# Exit: 0 passed, 1 failed, 77 skipped because perl is not there.
set -euo pipefail
root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
root=$(cd "$root" && pwd)
cd "$root/src/testing"
page=$root/docs/fake.md
failures=0
fail() {
    echo "$*"
    failures=$((failures + 1))
}

command -v perl >/dev/null || { echo 'skipped: there is no perl'; exit 77; }
# Names in the code: `rotation`, and `rotation.enabled` from the function that parseMember() calls for it.
code=$(perl -ne '
    $function = $1 if /^[A-Za-z].*?\b(\w+)\([^;]*$/;
    $function = "" if /^class /;
    $member{$function}{$1} = 1 while /\.(?:find|require)\("(\w+)"\)/g;
    $helper{$function}{$1} = 1 while /\b(?:members\.)?(read\w+)\((?:members)?\)/g;
    $knob = $known{$1} = $1 while /name == "(\w+)"/g;
    if ($function eq "parseMember" && $knob) { $of{$1} = $knob while /\b(parse[A-Z]\w*)/g }
    END {
        $member{readEndpoint}{endpoint} = $member{readCount}{count} = 1;
        print "$_\n" for keys %known;
        for my $function (keys %of) {
            my %names = %{$member{$function} || {}};
            %names = (%names, %{$member{$_} || {}}) for keys %{$helper{$function} || {}};
            print "$of{$function}.$_\n" for keys %names;
        }
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
