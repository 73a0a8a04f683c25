#!/usr/bin/env bash
# run_demo.sh BUILD_DIR [--live]: the demo of ./run demo. Checks what it shows, and leaves nothing behind.
set -euo pipefail
build=$1
shift
session=$build/examples/visitor_session
work=$(mktemp -d)
fake=
trap 'if [ -n "$fake" ]; then kill "$fake" 2>/dev/null || true; wait "$fake" 2>/dev/null || true; fi; rm -rf "$work"' EXIT

if [ "${1:-}" = --live ]; then
    shift
    : "${WIX_CLIENT_ID:?set WIX_CLIENT_ID to the client id of a Headless site, as in: WIX_CLIENT_ID=... ./run demo --live}"
    echo "A visitor of your site:"
    "$session" --client-id "$WIX_CLIENT_ID" --storage "$work/session.json" "$@"
    echo "The program restarts:"
    "$session" --client-id "$WIX_CLIENT_ID" --storage "$work/session.json" "$@"
    exit
fi

mkfifo "$work/ready"
"$build/src/testing/wix-fake" --ca-file "$work/ca.pem" >"$work/ready" &
fake=$!
IFS= read -r ready <"$work/ready"
url=$(sed -E 's/.*"url":"([^"]*)".*/\1/' <<<"$ready")
echo "A fake Wix serves on $url"

visit() {
    "$session" --client-id 11111111-2222-3333-4444-555555555555 --api-url "$url" --ca "$work/ca.pem" \
        --storage "$work/visitor-session.json" "$@"
}
expect() { # expect TEXT FILE MEANING
    grep -qF -- "$1" "$2" || { echo "demo: expected \"$1\": $3" >&2; exit 1; }
}
same() { # same LABEL
    [ "$(grep -F "$1" "$work/first")" = "$(grep -F "$1" "$work/second")" ] ||
        { echo "demo: the $1 is not the one of the first run" >&2; exit 1; }
}

echo
echo "1. A visitor comes:"
visit "$@" | tee "$work/first"
expect "renewals 0" "$work/first" "nothing has expired yet"
echo
echo "2. The program restarts, and the access token expires under it:"
visit "$@" | tee "$work/second"
same "cart:"
same "reservation:"
expect "session:     resumed" "$work/second" "the session was in the file"
expect "100 calls at once: 100 answered" "$work/second" "a renewal is no reason to fail"
expect "visitors 1, new sessions 1, renewals 1" "$work/second" "one visitor, and one renewal for 100 calls"
echo
echo "One visitor, one cart, one renewal for 100 calls."
