#!/usr/bin/env bash
# Writes .sqlx, the checked shape of every query, from a freshly migrated database; with --check it
# says whether the committed one is still true. Wants TRIBUTARY_TEST_DATABASE_URL (`make sqlx`).
set -euo pipefail
cd "$(dirname "$0")/.."
server=${TRIBUTARY_TEST_DATABASE_URL:?run make sqlx, it starts a PostgreSQL}
made=$(mktemp -d)
marks=$(mktemp -d)

# Cargo expands a query again only when its crate changed: say that every crate did, and take it
# back afterwards, so that nothing else is built twice.
crates=(collector processor api standalone migrations load-tests)
for crate in "${crates[@]}"; do
    mkdir "$marks/$crate"
    touch -r "$crate/src/lib.rs" "$marks/$crate/lib.rs"
done
restore() {
    for crate in "${crates[@]}"; do touch -r "$marks/$crate/lib.rs" "$crate/src/lib.rs"; done
    rm -rf "$made" "$marks"
}
trap restore EXIT
for crate in "${crates[@]}"; do touch "$crate/src/lib.rs"; done

# The macros write what they learn into SQLX_OFFLINE_DIR while they compile against a live database.
DATABASE_URL=$(target/debug/migrate scratch --server "$server")
export DATABASE_URL
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$made" cargo check --quiet --locked --workspace --all-targets

if [ "${1:-}" = --check ]; then
    diff -rq .sqlx "$made" >&2 || {
        echo ".sqlx is not what the queries say: run make sqlx and commit the result" >&2
        exit 1
    }
    echo ".sqlx is true: $(find "$made" -name '*.json' | wc -l) queries"
else
    rm -rf .sqlx
    mkdir .sqlx
    cp "$made"/*.json .sqlx/
    echo ".sqlx written: $(find .sqlx -name '*.json' | wc -l) queries"
fi
