#!/usr/bin/env bash
# A Chromium for the tests of pages, from Debian's packages, where there is none and this user may install one.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
    ! command -v "$name" >/dev/null || exit 0
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "browser: no Chromium; on Debian and Ubuntu: apt install chromium" >&2
    exit 0
fi
echo "browser: installing Debian's chromium"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium >/dev/null
