#!/usr/bin/env bash
# Installs what a build and a run need and this machine lacks. Quick when nothing is missing.
#   install.sh         what demo, test and check need
#   install.sh bench   also what the collector is measured against, and with
#   install.sh kafka   also the Kafka broker, the Redis and the browser that tests use
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }
need cc build-essential
need npm npm
need python3 python3
need pkg-config pkg-config
# What librdkafka's TLS is built against.
pkg-config --exists openssl 2>/dev/null || packages+=(libssl-dev)
if [ "${1:-}" = bench ]; then
    # Where Debian puts servers, which is not in everybody's PATH.
    [ -x /usr/sbin/nginx ] || need nginx nginx-light
    need wrk wrk
fi
if [ "${1:-}" = kafka ]; then
    # What tests share limits through.
    need redis-server redis-server
    need java default-jre-headless
    need mvn maven
    need openssl openssl
    # What tests look at pages with.
    need chromium chromium
fi
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
    # Debian makes and starts a cluster and a web server of its own at install; Tributary wants neither. What was
    # there before is left as it is, an administrator's own policy above all.
    settings=/etc/postgresql-common/createcluster.conf
    policy=/usr/sbin/policy-rc.d
    placed=()
    tidy() {
        for file in "${placed[@]}"; do "${as_root[@]}" rm -f "$file"; done
    }
    trap tidy EXIT
    if [[ " ${packages[*]} " == *" postgresql "* && ! -e $settings ]]; then
        "${as_root[@]}" mkdir -p "${settings%/*}"
        echo "create_main_cluster = false" | "${as_root[@]}" tee "$settings" >/dev/null
    fi
    if [ ! -e "$policy" ]; then
        placed+=("$policy")
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
    fi
    # The file above is ours: the package's own version of it is not asked about.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
        apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${packages[@]}" >/dev/null
    tidy
    trap - EXIT
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "cargo is missing: install Rust 1.94 or later (rustup.rs), then run this again" >&2
    exit 1
fi

deploy/fetch-vendor.sh
if [ "${1:-}" = kafka ]; then
    deploy/fetch-kafka.sh
fi
