#!/bin/sh
# The shop in a real browser:
#     run.sh <path of storefront> <path of wix-fake> <work folder>
# Exit: 0 passed, 1 failed, 77 skipped because node, npm, the registry or a Chromium is not there.
# Screenshots land in <work folder>/screenshots.
set -u
shop=$1
fake=$2
work=$3
here=$(cd "$(dirname "$0")" && pwd)

skip() {
    echo "skipped: $1"
    exit 77
}
command -v node >/dev/null || skip "there is no node"
command -v npm >/dev/null || skip "there is no npm"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || skip "node is older than 18"
chromium=
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    chromium=$(command -v "$name") && break
done
[ -n "$chromium" ] || skip "there is no Chromium"

mkdir -p "$work" || exit 1
cp "$here/package.json" "$here"/*.mjs "$work/" || exit 1
work=$(cd "$work" && pwd)
if ! timeout 240 npm install --prefix "$work" --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
    >"$work/npm.log" 2>&1; then
    cat "$work/npm.log"
    skip "npm cannot install playwright-core"
fi
rm -rf "$work/screenshots" "$work/store"
cd "$work" && exec timeout 150 node check_shop.mjs "$shop" "$fake" "$chromium" "$work"
