#!/usr/bin/env bash
# Tests of check_files.sh: each rule finds its breach, and nothing else is reported.
set -euo pipefail
checker=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_files.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# try ok|bad FILE LINE: a tree with only this line in this file
try() {
    local got=ok
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$2")"
    printf '%b\n' "$3" >"$work/tree/$2"
    GIT_CEILING_DIRECTORIES=$work bash "$checker" "$work/tree" >"$work/out" 2>&1 || got=bad
    if [[ $got != "$1" ]]; then
        echo "$2 with '${3:0:60}': expected $1, got $got"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}

long=$(printf 'x\\n%.0s' {1..451})
try bad src/long.cpp "$long"
try bad run "$long"
try ok docs/long.md "$long"
try ok build/long.cpp "$long"
try bad include/wix/a.hpp '#include <boost/beast/http.hpp>'
try bad include/wix/a.hpp '#  include <openssl/ssl.h>'
try ok include/wix/a.hpp '#include <boost/asio/awaitable.hpp>'
try bad src/call/a.cpp '#include <boost/beast/core.hpp>'
try bad src/client.cpp '#include <boost/asio/ssl/context.hpp>'
try ok src/http/a.cpp '#include <boost/beast/core.hpp>'
try ok src/testing/a.cpp '#include <openssl/x509.h>'
try ok src/cookie/cookie_seal.cpp '#include <openssl/evp.h>'
try bad src/cookie/cookie_text.cpp '#include <openssl/evp.h>'
try ok src/cookie/a.cpp '#include "http/header_rules.hpp"'
try bad src/cookie/a.cpp '#include "http/url.hpp"'
try ok test/http/a.cpp '#include <boost/beast/core.hpp>'
try bad src/http/a.cpp '#define BOOST_ASIO_SEPARATE_COMPILATION'
try bad src/CMakeLists.txt 'target_compile_definitions(wix PUBLIC BOOST_JSON_STANDALONE)'
try ok src/a.cpp '#ifdef BOOST_ASIO_HAS_CO_AWAIT'
try ok src/auth/a.cpp '#include "http/transport_interface.hpp"'
try ok src/auth/a.cpp '#include "base/clock.hpp"'
try bad src/auth/a.cpp '#include "http/connection.hpp"'
try bad src/auth/a.cpp '#include "call/call_state.hpp"'
try bad src/http/a.cpp '#include "auth/token_state.hpp"'
try bad src/http/a.cpp '#include "call/call_state.hpp"'
try bad src/base/a.cpp '#include "http/url.hpp"'
try bad src/async/a.cpp '#include "auth/token_state.hpp"'
try bad src/storage/a.cpp '#include "http/url.hpp"'
try bad src/redis/a.cpp '#include "http/url.hpp"'
try ok src/redis/a.cpp '#include "http/tls_context.hpp"'
try bad src/redis/a.cpp '#include <openssl/ssl.h>'
try ok src/redis/redis_tls.cpp '#include <openssl/ssl.h>'
try ok src/redis/a.cpp '#include "async/home_operation.hpp"'
try bad src/storage/a.cpp '#include "redis/redis_record.hpp"'
try bad src/testing/a.cpp '#include "http/url.hpp"'
try bad src/call/a.cpp '#include "support/manual_clock.hpp"'
try bad test/call/a_test.cpp 'std::this_thread::sleep_for(1s);'
try bad test/call/a_test.cpp '    usleep(10);'
try ok test/call/a_test.cpp 'clock.advance(1s);'
try ok test/call/a_test.cpp '// sleeping'

echo "$failures failures"
((failures == 0))
