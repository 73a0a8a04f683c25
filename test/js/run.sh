#!/bin/sh
# Checks the fake Wix with the unmodified @wix/sdk:
#     run.sh <path of wix-fake> <work folder>
# Exit: 0 passed, 1 failed, 77 skipped because node, npm or the registry is not there.
set -u
fake=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)

skip() {
    echo "skipped: $1"
    exit 77
}
command -v node >/dev/null || skip "there is no node"
command -v npm >/dev/null || skip "there is no npm"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || skip "node is older than 18"

mkdir -p "$work" || exit 1
cp "$here/package.json" "$here/check_sdk.mjs" "$work/" || exit 1
work=$(cd "$work" && pwd)
if ! timeout 240 npm install --prefix "$work" --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
    >"$work/npm.log" 2>&1; then
    cat "$work/npm.log"
    skip "npm cannot install the SDK"
fi

server=
stop() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server"
    server=
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

rm -f "$work/ready.json"
"$fake" >"$work/ready.json" &
server=$!
tries=0
until [ -s "$work/ready.json" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "wix-fake did not start"
        exit 1
    fi
    sleep 0.1
done
member() {
    node -p "JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'))[process.argv[2]]" "$work/ready.json" "$1"
}
url=$(member url)
NODE_EXTRA_CA_CERTS=$(member caFile)
export NODE_EXTRA_CA_CERTS
cd "$work" && timeout 120 node check_sdk.mjs "$url"
