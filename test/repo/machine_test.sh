#!/usr/bin/env bash
# On a machine that does not know localhost, a test program says so within seconds, and does not crash or spin. [A7]
#
# usage: machine_test.sh TEST-PROGRAM    Exit: 77 if this machine does not allow to take its name away
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '127.0.0.2 elsewhere\n' >"$work/hosts"
printf 'nameserver 127.0.0.1\n' >"$work/resolv.conf"
printf 'hosts: files dns\n' >"$work/nsswitch.conf"
if ! unshare --mount --net true 2>/dev/null; then
    echo 'skipped: this machine does not allow namespaces (unshare --mount --net)'
    exit 77
fi

# The namespace has no network, so that no server of names is asked.
code=0
# shellcheck disable=SC2016 # the inner shell expands it
timeout 20 unshare --mount --net bash -c '
    for file in hosts resolv.conf nsswitch.conf; do mount --bind "$1/$file" "/etc/$file" || exit 99; done
    exec "$2"' bash "$work" "$program" >"$work/output" 2>&1 || code=$?
if ((code == 99)); then
    echo 'skipped: this machine does not allow to mount over /etc/hosts'
    exit 77
fi
cat "$work/output"
if ((code != 1)); then
    echo "exit code $code, not 1"
    exit 1
fi
grep -q "the tests need the line '127.0.0.1 localhost' in /etc/hosts" "$work/output"
