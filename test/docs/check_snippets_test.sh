#!/usr/bin/env bash
# Tests of check_snippets.sh: what it lets through and what it must find.
set -euo pipefail
checker=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_snippets.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/docs" "$work/examples"
printf 'int main() {\n    int a = 1;\n\n    if (a) {\n        return a;\n    }\n}\n' >"$work/examples/one.cpp"

failures=0
# expect ok|bad name: the page is read from stdin
expect() {
    cat >"$work/README.md"
    local got=ok
    bash "$checker" "$work" >"$work/out" 2>&1 || got=bad
    if [[ $got != "$1" ]]; then
        echo "$2: expected $1, got $got"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}

expect ok "a page without code" <<<'Hello'
expect ok "another language" <<<$'```bash\n./run demo\n```'
expect ok "an excerpt with less indent" <<<$'<!-- file: examples/one.cpp -->\n\n```cpp\nint a = 1;\n\nif (a) {\n    return a;\n}\n```'
expect ok "two excerpts" <<<$'<!-- file: examples/one.cpp -->\n```cpp\nint a = 1;\n```\ntext\n<!-- file: examples/one.cpp -->\n```cpp\n    return a;\n```'
expect bad "no marker" <<<$'```cpp\nint a = 1;\n```'
expect bad "a marker counts once" <<<$'<!-- file: examples/one.cpp -->\n```cpp\nint a = 1;\n```\n```cpp\nint a = 1;\n```'
expect bad "text between marker and block" <<<$'<!-- file: examples/one.cpp -->\ntext\n```cpp\nint a = 1;\n```'
expect bad "another line" <<<$'<!-- file: examples/one.cpp -->\n```cpp\nint a = 2;\n```'
expect bad "a line is left out" <<<$'<!-- file: examples/one.cpp -->\n```cpp\nint a = 1;\nif (a) {\n```'
expect bad "another inner indent" <<<$'<!-- file: examples/one.cpp -->\n```cpp\nif (a) {\nreturn a;\n```'
expect bad "no such file" <<<$'<!-- file: examples/two.cpp -->\n```cpp\nint a = 1;\n```'
expect bad "an empty block" <<<$'<!-- file: examples/one.cpp -->\n```cpp\n```'
expect bad "the block does not end" <<<$'<!-- file: examples/one.cpp -->\n```cpp\nint a = 1;'

echo 'fine' >"$work/README.md"
# shellcheck disable=SC2016 # the backticks are Markdown
printf '```cpp\nint a;\n```\n' >"$work/docs/page.md"
if bash "$checker" "$work" >/dev/null; then
    echo "docs/*.md are not read"
    failures=$((failures + 1))
fi

echo "$failures failures"
((failures == 0))
