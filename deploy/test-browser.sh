#!/usr/bin/env bash
# Runs the tests of api/tests/browser in Chromium, against a demonstration that lives only for them.
#   test-browser.sh                       all of them
#   test-browser.sh keyboard.test.mjs …   some of them
#   TRIBUTARY_BINARY   another binary than target/debug/tributary
#   CHROMIUM           another browser than /usr/bin/chromium
set -euo pipefail
cd "$(dirname "$0")/.."
tributary=$(realpath "${TRIBUTARY_BINARY:-target/debug/tributary}")
[ -x "$tributary" ] || {
    echo "test-browser: $tributary is missing: cargo build --locked --workspace --bins" >&2
    exit 1
}

folder=$(mktemp -d)
# PostgreSQL runs as another user when root starts it, and has to reach its files.
chmod 755 "$folder"
demo=
finish() {
    if [ -n "$demo" ]; then
        kill "$demo" 2>/dev/null || true
        wait "$demo" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

# free N: so many free ports, all held until the last is known.
free() {
    node -e '
        const servers = Array.from({ length: Number(process.argv[1]) }, () => require("net").createServer());
        Promise.all(servers.map((one) => new Promise((listens) => one.listen(0, listens)))).then(() => {
            console.log(servers.map((one) => one.address().port).join(" "));
            for (const one of servers) one.close();
        });' "$1"
}

(cd api/tests/browser && npm ci --silent --no-audit --no-fund)

read -r api collector admin processor api_admin clickhouse <<<"$(free 6)"
env -u DATABASE_URL "$tributary" demo --data "$folder/data" --per-second 0.2 \
    --api "localhost:$api" --collector "127.0.0.1:$collector" --admin "127.0.0.1:$admin" \
    --processor "127.0.0.1:$processor" --api-admin "127.0.0.1:$api_admin" --clickhouse "127.0.0.1:$clickhouse" \
    >"$folder/log" 2>&1 &
demo=$!
until grep -q '^ready ' "$folder/log"; do
    kill -0 "$demo" 2>/dev/null || {
        echo "test-browser: the demonstration did not start:" >&2
        cat "$folder/log" >&2
        exit 1
    }
    sleep 0.2
done

# What a person waits for, an hour say, a test writes into the database.
PGPASSWORD=$(awk '$1 == "postgres" { print $2 }' "$folder/data/passwords")
PGPORT=$(cat "$folder/data/postgres.ready")
export PGPASSWORD PGPORT PGHOST=127.0.0.1 PGUSER=postgres PGDATABASE=tributary
export TRIBUTARY_TEST_URL=http://localhost:$api

cd api/tests/browser
files=("$@")
[ $# -gt 0 ] || files=(*.test.mjs)
node --test --test-concurrency=2 --test-reporter=spec "${files[@]}" || {
    outcome=$?
    echo "the demonstration's last words:" >&2
    tail -n 20 "$folder/log" >&2
    exit "$outcome"
}
