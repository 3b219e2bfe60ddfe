#!/usr/bin/env bash
# Installs what a build and a run need and this machine lacks. Quick when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }
need cc build-essential
need npm npm
need python3 python3
need nginx nginx-light
need wrk wrk
need curl curl
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages+=(postgresql)

if [ "${#packages[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "missing: ${packages[*]}; install them by hand, this script only knows Debian's apt-get" >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "missing: ${packages[*]}; run as root: apt-get install ${packages[*]}" >&2
            exit 1
        }
        as_root=(sudo)
    fi
    echo "installing Debian packages: ${packages[*]}"
    "${as_root[@]}" apt-get update -qq
    # Debian starts a cluster and a web server of its own at install; Tributary wants neither.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "cargo is missing: install Rust 1.94 or later (rustup.rs), then run this again" >&2
    exit 1
fi

deploy/fetch-vendor.sh
