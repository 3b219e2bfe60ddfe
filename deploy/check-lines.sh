#!/usr/bin/env bash
# Files have room for one thing: over 400 lines is a remark, over 500 the end (CONTRIBUTING.md, 1).
set -euo pipefail
cd "$(dirname "$0")/.."
# Read into variables, so that git's failure is this script's, and no file at all is not "all is well".
sources=$(git ls-files '*.rs' '*.js' '*.css' '*.html' '*.sql' '*.py' '*.sh' ':!:api/static/vendor/*' ':!:schemas/src/event/*')
rust=$(git ls-files '*.rs' ':!:schemas/src/event/*')
if [ -z "$sources" ] || [ -z "$rust" ]; then
    echo "git lists no source files: is this a clone of the project?" >&2
    exit 1
fi
failed=0
while IFS= read -r file; do
    # Removed and not yet committed.
    [ -e "$file" ] || continue
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 500 ]; then
        echo "$file has $lines lines: split it (500 is the end)" >&2
        failed=1
    elif [ "$lines" -gt 400 ]; then
        echo "$file has $lines lines: it is time to split it"
    fi
done <<<"$sources"
while IFS= read -r file; do
    [ -e "$file" ] || continue
    head -n 1 "$file" | grep -q '^//!' || {
        echo "$file does not open with //! (what it is, what it refuses to do)" >&2
        failed=1
    }
done <<<"$rust"
exit "$failed"
