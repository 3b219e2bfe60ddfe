#!/usr/bin/env bash
# Brings the ClickHouse engine and the country database into vendor/, by npm, checked against pinned sums.
# Quick when they are there; safe to run twice or to interrupt.
#   TRIBUTARY_VENDOR          another folder than ./vendor
#   TRIBUTARY_LIBCHDB_SHA256  the sum of the engine's package on a machine without a pinned one
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=${TRIBUTARY_VENDOR:-$PWD/vendor}

fail() {
    echo "fetch-vendor: $*" >&2
    exit 1
}

# fetch PACKAGE VERSION SHA256 FILE TARGET WHAT
# Downloads a package, checks it, and puts one file of it at TARGET.
fetch() {
    local package=$1 version=$2 sum=$3 file=$4 target=$5 what=$6
    local mark=$target.version
    if [ -s "$target" ] && [ "$(cat "$mark" 2>/dev/null)" = "$version $sum" ]; then
        return
    fi
    command -v npm >/dev/null 2>&1 || fail "npm is missing: install it (Debian: apt-get install npm), then run this again"
    local work
    work=$(mktemp -d "$vendor/.fetch.XXXXXX")
    # shellcheck disable=SC2064 # the folder of this very call
    trap "rm -rf '$work'" EXIT
    echo "fetching $what ($package $version)"
    (cd "$work" && npm pack --silent "$package@$version" >name 2>error) &
    wait_for $! "$work" || fail "npm could not get $package@$version: $(tail -n 3 "$work/error" | tr '\n' ' ')"
    local archive
    archive=$(find "$work" -maxdepth 1 -name '*.tgz' | head -n 1)
    [ -n "$archive" ] || fail "npm brought no archive of $package@$version"
    echo "$sum  $archive" | sha256sum --check --status ||
        fail "$package@$version is not the file this project was tested with (its SHA-256 is $(sha256sum "$archive" | cut -d' ' -f1), expected $sum): nothing was installed"
    echo "  unpacking"
    tar -xzf "$archive" -C "$work" "package/$file" || fail "the disk is full or $package@$version is damaged"
    mkdir -p "$(dirname "$target")"
    # First the file, then the mark: an interrupted run begins again.
    rm -f "$mark"
    mv "$work/package/$file" "$target"
    echo "$version $sum" >"$mark"
    rm -rf "$work"
    trap - EXIT
}

# wait_for PID FOLDER: shows how much has arrived until the process ends.
wait_for() {
    local size
    while kill -0 "$1" 2>/dev/null; do
        size=$(du -sm "$2" 2>/dev/null | cut -f1)
        if [ -t 1 ]; then printf '\r  %s MB ' "${size:-0}"; fi
        sleep 0.3
    done
    if [ -t 1 ]; then printf '\r           \r'; fi
    wait "$1"
}

case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
    engine=@chdb/lib-linux-x64-gnu
    engine_sum=c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad
    ;;
Linux-aarch64)
    engine=@chdb/lib-linux-arm64-gnu
    engine_sum=${TRIBUTARY_LIBCHDB_SHA256:-}
    [ -n "$engine_sum" ] || fail "no checksum of $engine is pinned yet: check the package yourself and give its SHA-256 in TRIBUTARY_LIBCHDB_SHA256"
    ;;
*)
    fail "the embedded ClickHouse engine exists for Linux on x86_64 and aarch64, not for $(uname -s) on $(uname -m)"
    ;;
esac

mkdir -p "$vendor" || fail "$vendor can't be made: choose another folder with TRIBUTARY_VENDOR"
fetch "$engine" 26.7.3-stable.1 "$engine_sum" libchdb.so \
    "$vendor/libchdb/libchdb.so" "the ClickHouse engine, 166 MB"
fetch @ip-location-db/geo-whois-asn-country-mmdb 2.3.2026061719 \
    91757a1b06cdcd1955f292e4c4cfc54e091204f998e159a3187f7a2ef3724be0 geo-whois-asn-country.mmdb \
    "$vendor/geo/country.mmdb" "the country database, 8 MB"
