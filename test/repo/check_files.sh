#!/usr/bin/env bash
# The walls of the house (CONTRIBUTING.md): how long a file may be, who may include whom, and that no test sleeps.
#
# usage: check_files.sh [root]
set -euo pipefail
root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$root"

if ! files=$(git ls-files 2>/dev/null) || [[ -z $files ]]; then
    # An unpacked archive, or a checkout of another user.
    files=$(find . \( -name build -o -name 'build-*' -o -name .git -o -name node_modules \) -prune -o -type f -print | sed 's|^\./||')
fi

failures=0
fail() {
    echo "$1"
    failures=$((failures + 1))
}

# listed REGEX: the tracked files whose path matches, and that are there
listed() {
    local file
    while IFS= read -r file; do
        if [[ -f $file ]]; then printf '%s\n' "$file"; fi
    done < <(grep -E "$1" <<<"$files" || true)
}

# forbid PATHS-REGEX LINE-REGEX EXCEPT-REGEX WHY: no line of these files matches, but for the exceptions
forbid() {
    local file hit
    while IFS= read -r file; do
        while IFS= read -r hit; do
            fail "$file:$hit: $4"
        done < <(grep -nE "$2" "$file" | grep -vE "$3" || true)
    done < <(listed "$1")
}
none='^$'

# 1. One concept per file.
while IFS= read -r file; do
    length=$(wc -l <"$file")
    if ((length > 450)); then fail "$file: $length lines, more than 450: split it by concept"; fi
done < <(listed '\.(cpp|hpp|h|sh|cmake|js|mjs|ts|py|awk)$|(^|/)CMakeLists\.txt$|^run$|^\.ci/')

# 2. Beast and OpenSSL are known to the wire and to the fake server only.
heavy='^ *# *include *[<"](boost/beast|boost/asio/ssl|openssl/)'
forbid '^include/' "$heavy" "$none" 'a public header must not need Beast or OpenSSL'
while IFS= read -r file; do
    case $file in
    src/storage/session_name.cpp) continue ;;  # one hash
    src/redis/redis_tls.cpp) continue ;;       # hiredis wants an SSL
    src/http/* | src/cookie/cookie_seal.cpp | src/testing/* | test/* | benchmarks/* | examples/* | include/*) continue ;;
    esac
    while IFS= read -r hit; do
        fail "$file:$hit: Beast and OpenSSL belong to src/http, src/cookie/cookie_seal.cpp and src/testing"
    done < <(grep -nE "$heavy" "$file" || true)
done < <(listed '\.(cpp|hpp|h)$')

# 3. The library sets no macro of Boost.
forbid '^(src|include|cmake)/|^CMakeLists' '(# *define +|-D|[dD][eE][fF][iI][nN][iI][tT][iI][oO][nN][sS].*[ "])BOOST_[A-Z]' "$none" \
    'the library sets no BOOST_ macro: consumers would have to set it too'

# 4. Includes never point upward.
include='^ *# *include *"'
interface="${include}http/(transport_interface|http_reply|header_rules|header_lookup)\.hpp\""
forbid '^src/auth/' "${include}(http|call)/" "[0-9]+:${interface#^}" 'auth/ knows the transport interface only, and not call/'
forbid '^src/http/' "${include}(auth|call)/" "$none" 'http/ does not know auth/ or call/'
forbid '^src/(base|async)/' "${include}(auth|call|http|storage|testing)/" "$none" 'base/ and async/ know no other room'
forbid '^src/cookie/' "${include}(async|auth|base|call|http|sessions|storage|testing)/" \
    "[0-9]+:${include#^}(call/option_rules|http/header_rules)\.hpp\"" 'cookie/ knows the rules of options and headers only'
forbid '^src/storage/' "${include}(auth|call|http|testing)/" "$none" 'storage/ knows no other room'
forbid '^src/redis/' "${include}(auth|call|http|testing)/" "[0-9]+:${include#^}http/tls_context\.hpp\"" \
    'redis/ knows base/, async/, storage/ and the TLS of http/ only'
forbid '^src/(auth|call|http|base|async|storage)/' "${include}redis/" "$none" 'redis/ is a library of its own'
forbid '^src/testing/' "${include}(auth|call|http|base|async|storage)/" "$none" 'the fake shares no code with the SDK'
forbid '^src/(auth|call|cookie|http|base|async|sessions|storage)/' "${include}(testing|support)/" "$none" 'the library does not know its tests'

# 5. Time is a parameter.
forbid '^test/.*\.(cpp|hpp)$' 'sleep_for|sleep_until|[^a-z_]u?sleep *\(' "$none" 'no test sleeps: use the manual clock or an event'

if ((failures > 0)); then
    echo "$failures findings"
    exit 1
fi
echo "all fine"
