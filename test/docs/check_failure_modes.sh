#!/usr/bin/env bash
# docs/failure_modes.md and the tests agree. A test that belongs to a row of the page ends its name with the row's number
# in brackets; in scripts a comment does. Each tag has a row, and the row names exactly the files that have the tag.
#
# usage: check_failure_modes.sh [root]
# Exit: 0 passed, 1 failed, 77 skipped because perl is not there.
set -euo pipefail
root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$root"
command -v perl >/dev/null || { echo 'skipped: there is no perl'; exit 77; }
page=docs/failure_modes.md
failures=0
fail() {
    echo "$*"
    failures=$((failures + 1))
}

# Lines "TAG FILE" of the tests.
tagged() {
    # A name may consist of several literals on several lines.
    find test -name '*.cpp' -print0 | xargs -0 perl -0777 -ne '
        while (/TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)/g) {
            my $name = join "", $1 =~ /"((?:[^"\\]|\\.)*)"/g;
            print "$1 $ARGV\n" while $name =~ s/ ?\[([A-D]?[0-9]+b?)\]$//;
            print "BAD $ARGV: the tag is not at the end: $name\n" if $name =~ /\[[A-D]?[0-9]+b?\]/;
            print "BAD $ARGV: a row is named without brackets: $name\n" if $name =~ /^(C )?rows? [0-9]/;
        }'
    { find test -name '*.sh' -o -name '*.mjs' -o -name '*.py' -o -name '*.cmake' -o -name CMakeLists.txt; } |
        xargs perl -ne 'if (m{^\s*(#|//).*\[[A-D][0-9]+\]$}) { print "$1 $ARGV\n" while s/ ?\[([A-D][0-9]+)\]$// }'
}
# Lines "TAG FILE" of the page: the last column has the files.
listed() {
    perl -ne 'if (/^\| ([A-D]?[0-9]+b?) \|/) {
        my $tag = $1; my @cells = split / \| /; my $last = $cells[-1]; my $found = 0;
        while ($last =~ /`([^`]+)`/g) { print "$tag $1\n"; $found = 1 }
        print "BAD $ARGV: row $tag names no test\n" unless $found;
    }' "$page"
}

tests=$(tagged | LC_ALL=C sort -u)
rows=$(listed | LC_ALL=C sort)
while IFS= read -r line; do fail "${line#BAD }"; done < <(grep '^BAD ' <<<"$tests"$'\n'"$rows" || true)
tests=$(grep -v '^BAD ' <<<"$tests" || true)
rows=$(grep -v '^BAD ' <<<"$rows" || true)
while IFS= read -r line; do fail "$page: row ${line%% *} does not name ${line#* }, which has its tag"; done < <(
    LC_ALL=C comm -23 <(echo "$tests") <(echo "$rows") | grep . || true
)
while IFS= read -r line; do fail "$page: row ${line%% *} names ${line#* } twice, or the file has no such tag"; done < <(
    LC_ALL=C comm -13 <(echo "$tests") <(echo "$rows") | grep . || true
)
while IFS= read -r tag; do fail "$page: row $tag stands twice"; done < <(
    sed -n 's/^| \([A-D]\{0,1\}[0-9][0-9]*b\{0,1\}\) |.*/\1/p' "$page" | sort | uniq -d
)

echo "$(grep -c . <<<"$rows") tests of $(cut -d' ' -f1 <<<"$rows" | sort -u | wc -l) rows, $failures failures"
((failures == 0))
