#!/usr/bin/env bash
# Tests of ./run without installing or building anything: dpkg, apt-get, sudo, cmake and ctest are stand-ins.
#
# usage: run_test.sh [root]
set -euo pipefail
unset WIX_CI  # the commands that are expected here are those of a user
root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
house="$work/a house"
mkdir -p "$house/tools" "$house/examples" "$work/apt" "$work/build"
cp "$root/run" "$house/"
cp "$root/tools/packages.sh" "$house/tools/"
echo '{}' >"$house/CMakePresets.json"
# shellcheck disable=SC2016 # the stand-ins expand it
printf 'printf "demo:%%s\\n" "$@"\n' >"$house/examples/run_demo.sh"

# stub FOLDER NAME: a stand-in from standard input
stub() {
    { printf '#!/usr/bin/env bash\nwork=%q\n' "$work"; cat; } >"$work/$1/$2"
    chmod +x "$work/$1/$2"
}
stub apt dpkg-query <<'S'
case ${*: -1} in
*'*'*) found=$(grep '^libboost1\..*-dev$' "$work/installed") || exit 1 # as dpkg-query does
    sed 's/^/installed /' <<<"$found" ;;
*) grep -qx "${*: -1}" "$work/installed" && printf installed ;;
esac
S
stub apt apt-cache <<'S'
case $1 in
show) grep -qx "${*: -1}" "$work/known" || exit 100 # as apt-cache does
    echo "Package: ${*: -1}" ;;
search) sed -n 's/^libboost-url1.*/& - Boost/p' "$work/known" ;;
esac
S
stub apt apt-get <<'S'
echo "apt-get $*" >>"$work/log"
case " $* " in
*' update '*) cp "$work/known-online" "$work/known" ;;
*' install '*)
    if [[ -e $work/offline ]]; then echo 'E: Unable to fetch' >&2; exit 100; fi
    [[ $DEBIAN_FRONTEND == noninteractive ]] || exit 1
    for word in "$@"; do [[ $word == -* || $word == install || $word == DPkg* ]] || echo "$word" >>"$work/installed"; done ;;
esac
S
stub apt id <<'S'
cat "$work/uid"
S
stub apt sudo <<'S'
echo "sudo $*" >>"$work/log"
[[ -e $work/may-sudo ]] || exit 1
[[ $1 == -n ]] && shift
exec "$@"
S
stub build cmake <<'S'
echo "cmake $*" >>"$work/log"
[[ $1 == --preset ]] || exit 0
mkdir -p "build/$2" && touch "build/$2/build.ninja"
tests=ON
[[ $* == *WIX_BUILD_TESTS=OFF* ]] && tests=OFF
printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\nWIX_BUILD_TESTS:BOOL=%s\n' "$PWD" "$tests" >"build/$2/CMakeCache.txt"
S
stub build ctest <<'S'
echo "ctest $*" >>"$work/log"
S

base='g++ cmake ninja-build libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev zlib1g-dev'
tests='doctest-dev libhiredis-dev pkg-config redis-tools'
# fresh [INSTALLED...]: a root's machine with these packages, and Debian 12's lists
fresh() {
    printf '%s\n' "$@" >"$work/installed"
    # shellcheck disable=SC2086 # words
    printf '%s\n' $base $tests libbenchmark-dev ccache libboost1.74-dev >"$work/known-online"
    cp "$work/known-online" "$work/known"
    echo 0 >"$work/uid"
    : >"$work/log"
    rm -rf "$work/offline" "$work/may-sudo" "$house/build"
}

failures=0
# try CODE COMMAND...: ./run from another folder, with the stand-ins
try() {
    local wanted=$1 code=0
    shift
    (cd / && env -u WIX_SKIP_PACKAGES -u BOOST_ROOT -u Boost_ROOT -u Boost_DIR -u CXX \
        PATH="$work/apt${with_build:+:$work/build}:/usr/bin:/bin" "$house/run" "$@" \
        </dev/null >"$work/out" 2>&1) || code=$?
    if [[ $code != "$wanted" ]]; then
        echo "line ${BASH_LINENO[0]}: ./run $*: exit $code, not $wanted"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}
# has FILE TEXT, lacks FILE TEXT
has() {
    if ! grep -qF -- "$2" "$work/$1"; then
        echo "line ${BASH_LINENO[0]}: $1 has no '$2':"
        cat "$work/$1"
        failures=$((failures + 1))
    fi
}
lacks() {
    if grep -qF -- "$2" "$work/$1"; then
        echo "line ${BASH_LINENO[0]}: $1 has '$2':"
        cat "$work/$1"
        failures=$((failures + 1))
    fi
}
with_build=

# Help and mistakes.
fresh
try 0 help
has out 'usage: ./run'
try 0
try 2 dance
has out "no command 'dance'"

# A fresh machine: one installation, by name, with fresh lists only if they are needed.
try 0 packages
has log "install --no-install-recommends --no-remove $base $tests"
has out "installing $base $tests"
lacks log update
: >"$work/log"
try 0 packages
lacks log apt-get
fresh
: >"$work/known"
try 0 packages
has log update

# What is there is not installed again; what is wanted in addition is no reason to fail.
# shellcheck disable=SC2086
fresh g++ cmake ninja-build libboost1.81-dev libboost-json1.81-dev libssl-dev zlib1g-dev $tests
try 0 packages no-such-thing
has log '--no-remove libboost-url1.81-dev'
lacks log 'install --no-install-recommends --no-remove g++'

# A Boost that excludes ours is named, not removed.
fresh g++ libboost1.74-dev
try 1 packages
has out 'apt-get remove libboost1.74-dev'
lacks log apt-get
# A newer one is used.
fresh libboost1.83-dev
# shellcheck disable=SC2086
printf '%s\n' ${base//1.81/1.83} $tests >"$work/known"
try 0 packages
has log 'libboost-json1.83-dev libboost-url1.83-dev'
lacks log 'libboost1.8'
# A release without ours but with a newer one; a release with none.
fresh
# shellcheck disable=SC2086
printf '%s\n' ${base//1.81/1.88} $tests >"$work/known-online"
: >"$work/known"
try 0 packages
has log 'libboost1.88-dev libboost-json1.88-dev libboost-url1.88-dev'
fresh
printf '%s\n' g++ cmake libboost1.74-dev >"$work/known-online"
: >"$work/known"
try 1 packages
has out 'no Boost >= 1.81'

# Without root.
fresh
echo 1000 >"$work/uid"
try 1 packages
has out "sudo apt-get update && sudo apt-get install --no-install-recommends $base $tests"
lacks log apt-get
touch "$work/may-sudo"
try 0 packages
has log "install --no-install-recommends --no-remove $base $tests"

# Without a network.
fresh
touch "$work/offline"
try 1 packages
has out 'Is this machine online?'
has out 'apt-get update && apt-get install'

# Configured once; the demo needs no tests, the tests need no second build folder. (A cmake outside /usr/bin is the
# user's own and replaces the package.)
with_build=yes
fresh
try 0 demo --live 'two words'
has log 'install --no-install-recommends --no-remove ca-certificates'
has log 'cmake --preset default -DWIX_BUILD_TESTS=OFF'
has log '--target wix_fake visitor_session'
lacks log doctest
lacks log ' cmake '
has out "demo:$house/build/default"
has out 'demo:two words'
: >"$work/log"
try 0 demo
lacks log 'cmake --preset'
try 0 test -R pool
has log 'cmake --preset default'
lacks log WIX_BUILD_TESTS=OFF
has log 'ctest --preset default --output-on-failure -R pool'
: >"$work/log"
try 0 test
try 0 demo
lacks log 'cmake --preset'
# hiredis that is installed after the demo was built: the tests are configured again, and once. [A2]
stub build pkg-config <<'S'
cat "$work/hiredis" 2>/dev/null || exit 1
S
fresh
try 0 demo
echo 1.2.0 >"$work/hiredis"
: >"$work/log"
try 0 test
has log 'cmake --preset default'
: >"$work/log"
try 0 test
lacks log 'cmake --preset'
rm "$work/hiredis"
try 0 demo
has log 'cmake --preset default'
# What was skipped is told with its reason, once, and the code is that of ctest.
stub build ctest <<'S'
mkdir -p build/default/Testing/Temporary
cat >build/default/Testing/Temporary/LastTest.log <<'LOG'
1/2 Testing: redis
skipped: no hiredis
2/2 Testing: counterparts.haproxy
haproxy_test.cpp(77): MESSAGE: skipped: there is no haproxy
haproxy_test.cpp(77): MESSAGE: skipped: there is no haproxy
LOG
exit 8
S
try 8 test
has out '  redis: no hiredis'
has out '  counterparts.haproxy: there is no haproxy'
if [[ $(grep -c haproxy: "$work/out") != 1 ]]; then
    echo 'a reason is told twice'
    failures=$((failures + 1))
fi
stub build ctest <<'S'
echo "ctest $*" >>"$work/log"
S
# CI has presets of its own.
: >"$work/log"
WIX_CI=1 try 0 test
has log 'cmake --preset ci-default'
has log 'ctest --preset ci-default'
rm -rf "$house/build"
try 0 demo
# The shop keeps its sessions beside the build; arguments of the user win.
mkdir -p "$house/build/default/examples/storefront"
for name in storefront wix-fake; do
    printf '#!/bin/sh\necho "$0:" "$@"\n' >"$house/build/default/examples/storefront/$name"
    chmod +x "$house/build/default/examples/storefront/$name"
done
mkdir -p "$house/test/shop"
# shellcheck disable=SC2016 # the stand-in expands it
printf 'echo "load:" "$@"\n' >"$house/test/shop/load.sh"
: >"$work/log"
try 0 shop --port 8080
has log '--target storefront'
has out "storefront: --store $house/build/shop --port 8080"
sed -i '/hiredis/d' "$work/installed"
try 0 shop --redis redis://localhost
has log 'install --no-install-recommends --no-remove libhiredis-dev'
try 0 load
has log '--target wix_fake storefront'
has out 'wix-fake 30'
try 0 load 5
has out 'wix-fake 5'
# Changed presets, or a checkout that was moved.
touch -d '+1 minute' "$house/CMakePresets.json"
try 0 test
has log 'cmake --preset default'
touch -d '1 hour ago' "$house/CMakePresets.json"
: >"$work/log"
mv "$house" "$work/moved"
house="$work/moved"
try 0 test
has log 'cmake --preset default --fresh'
try 0 clean
if [[ -e $house/build ]]; then
    echo 'clean leaves build/'
    failures=$((failures + 1))
fi

# A system without dpkg: what is missing is listed.
mkdir -p "$work/bare"
for tool in bash env dirname readlink cat sed head cut grep sort awk id; do
    ln -sf "$(command -v "$tool")" "$work/bare/$tool"
done
if env -i PATH="$work/bare" "$house/run" packages >"$work/out" 2>&1; then
    echo 'a system without a compiler was accepted'
    failures=$((failures + 1))
fi
has out 'g++ >= 12'
has out 'cmake >= 3.25'

echo "$failures failures"
((failures == 0))
