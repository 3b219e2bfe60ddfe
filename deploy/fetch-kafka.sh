#!/usr/bin/env bash
# Brings the jars of the real Kafka broker into vendor/kafka, by Maven, checked against pinned sums: for
# tests and load tests. Quick when they are there; safe to run twice or to interrupt.
#   TRIBUTARY_VENDOR          another folder than ./vendor
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=${TRIBUTARY_VENDOR:-$PWD/vendor}
sums=$PWD/deploy/kafka/jars.sha256
mark=$vendor/kafka.version

fail() {
    echo "fetch-kafka: $*" >&2
    exit 1
}

version=$(sha256sum "$sums" deploy/kafka/pom.xml | sha256sum | cut -d' ' -f1)
if [ -d "$vendor/kafka" ] && [ "$(cat "$mark" 2>/dev/null)" = "$version" ]; then
    exit
fi
command -v mvn >/dev/null 2>&1 || fail "mvn is missing: install it (Debian: apt-get install maven), then run this again"
mkdir -p "$vendor" || fail "$vendor can't be made: choose another folder with TRIBUTARY_VENDOR"
work=$(mktemp -d "$vendor/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "fetching the Kafka broker, 43 MB, from Maven Central"
mvn -q -B -C -f deploy/kafka/pom.xml dependency:copy-dependencies \
    -DoutputDirectory="$work" -DincludeScope=runtime >"$work/.log" 2>&1 ||
    fail "maven could not get it: $(tail -n 5 "$work/.log" | tr '\n' ' ')"
(cd "$work" && sha256sum --check --status "$sums") ||
    fail "these are not the files this project was tested with: nothing was installed"
[ "$(find "$work" -name '*.jar' | wc -l)" = "$(wc -l <"$sums")" ] ||
    fail "there are more files than this project was tested with: nothing was installed"
rm -rf "$mark" "$vendor/kafka"
rm "$work/.log"
chmod 755 "$work"
mv "$work" "$vendor/kafka"
trap - EXIT
echo "$version" >"$mark"
