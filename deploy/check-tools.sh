#!/usr/bin/env bash
# Dependencies: licences, sources, duplicates and advisories (cargo-deny), unused ones (cargo-machete).
# The tools are built once into target/tools. Advisories need a database from outside: where it cannot be
# fetched they are not looked at, which is said and fails nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="$PWD/target/tools"
tool() {
    [ -x "$tools/bin/$1" ] && "$tools/bin/$1" --version 2>/dev/null | grep -qF "$2" && return
    echo "building $1 $2 (once)"
    # Unoptimised: they run for a second, and building them is the longer part on a fresh machine.
    cargo install --quiet --locked --debug --root "$tools" --version "$2" "$1"
}
tool cargo-machete 0.9.2
tool cargo-deny 0.20.2
"$tools/bin/cargo-machete" .
# The licences are read from the sources of every platform's crates; a build fetches only its own.
cargo fetch --locked --quiet
"$tools/bin/cargo-deny" --offline --log-level error check bans licenses sources
if timeout 120 "$tools/bin/cargo-deny" --log-level off fetch db >/dev/null 2>&1; then
    # Said and no more: an advisory of this morning is no fault of the change that is checked.
    "$tools/bin/cargo-deny" --offline --log-level error check advisories || echo "look at the advisories above: SECURITY.md says by when"
else
    echo "the advisories (RustSec) cannot be fetched from here: not looked at"
fi
