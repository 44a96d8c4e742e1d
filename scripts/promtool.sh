#!/usr/bin/env bash
# promtool, which checks Prometheus's rules, from Debian's package `prometheus`, where there is none. Only the tool is
# taken out of the package, into .venv: nothing is installed, and no Prometheus starts.
set -euo pipefail
cd "$(dirname "$0")/.."
TOOL=.venv/bin/promtool

! command -v promtool >/dev/null || exit 0
[ ! -x "$TOOL" ] || exit 0
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo "promtool: there is none; it is part of every Prometheus (https://prometheus.io/download)" >&2
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
download() { (cd "$folder" && apt-get download -qq prometheus >/dev/null 2>"$folder/said"); }

echo "promtool: from Debian's package prometheus"
if ! download; then
    # Who is not root cannot refresh the lists of packages, but may download what they name.
    if [ "$(id -u)" = 0 ]; then apt-get update -qq && download; else false; fi || {
        cat "$folder/said" >&2
        echo "promtool: not found; on Debian and Ubuntu: apt install --no-install-recommends prometheus" >&2
        exit 0
    }
fi
dpkg-deb -x "$folder"/prometheus_*.deb "$folder/unpacked"
mkdir -p "${TOOL%/*}"
install -m 755 "$folder/unpacked/usr/bin/promtool" "$TOOL"
