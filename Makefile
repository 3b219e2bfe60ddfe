# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Queries are checked against the committed .sqlx metadata, so that a build needs no database.
export SQLX_OFFLINE := true
STORES := target/debug/tributary stores --data target/stores

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 20

.PHONY: demo
demo: install ## Install what is missing, build, start the whole pipeline, play real traffic
	cargo build --release --locked -p standalone
	target/release/tributary demo $(ARGS)

.PHONY: test
test: install-kafka ## Run every test against real PostgreSQL, the real ClickHouse engine and a real Kafka broker, then a browser's
	cargo build --locked --workspace --bins
	cargo test --locked --workspace --no-run
	failed=0; $(STORES) --kafka -- cargo test --locked --workspace --no-fail-fast || failed=$$?; \
		$(MAKE) --no-print-directory test-browser || failed=$$?; exit $$failed

.PHONY: test-browser
test-browser: install-kafka ## The tests that need a browser, against a demo of their own: ARGS=keyboard.test.mjs
	cargo build --locked --workspace --bins
	deploy/test-browser.sh $(ARGS)

.PHONY: check
check: install ## Format, lints, docs, dependencies, queries, file lengths
	cargo fmt --all --check
	deploy/check-lines.sh
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items --quiet
	deploy/check-tools.sh
	cargo build --locked -p standalone -p migrations
	$(STORES) -- deploy/sqlx.sh --check

.PHONY: sqlx
sqlx: install ## Write the .sqlx metadata anew after changing a query
	cargo build --locked -p standalone -p migrations
	$(STORES) -- deploy/sqlx.sh

.PHONY: bench bench-collector bench-memory bench-processor bench-scaling bench-freshness bench-dashboard bench-accounts bench-parts
bench: bench-parts bench-collector bench-memory bench-processor bench-freshness bench-dashboard bench-accounts ## All benchmarks

bench-parts: ## criterion: click id, append, lookup, macros, decide
	cargo bench --locked -p benches

bench-collector: install-bench ## CPU time a click, collector against nginx
	cargo build --release --locked -p standalone -p load-tests
	target/release/collector_vs_nginx $(ARGS)

bench-memory: install ## Memory of the collector with a million links, at rest and while it reads all of them anew
	cargo build --release --locked -p standalone -p collector -p load-tests
	target/release/collector_memory $(ARGS)

bench-processor: install ## Drain a journal of 10 M clicks into both stores
	cargo build --release --locked -p standalone -p load-tests
	target/release/processor_drain $(ARGS)

bench-scaling: install install-kafka ## The same through Kafka with 1, 2 and 4 partitions, a fifth of a core for each one's processor
	cargo build --release --locked -p standalone -p processor -p load-tests
	for n in 1 2 4; do target/release/processor_drain --kafka --clicks 3000000 --partitions $$n --processors $$n --share 0.2 $(ARGS) || exit 1; done

bench-freshness: install ## Click to visible in the API at 1,000 clicks/s
	cargo build --release --locked -p standalone -p load-tests
	target/release/freshness $(ARGS)

bench-dashboard: install ## What pages and JSON ask, with 100 M clicks stored: ARGS="--clicks 2000000 --keep /tmp/dashboard"
	cargo build --release --locked -p standalone -p api -p load-tests
	target/release/dashboard $(ARGS)

bench-accounts: install ## Pages of who is signed in on one core, sign-ins in hundreds, ten thousand sessions
	cargo build --release --locked -p standalone -p load-tests
	target/release/accounts $(ARGS)

.PHONY: install install-bench install-kafka
install: ## Install what is missing: Debian packages, the ClickHouse engine, the country database
	@deploy/install.sh

install-bench:
	@deploy/install.sh bench

install-kafka:
	@deploy/install.sh kafka

.PHONY: model
model: ## Enumerate the states of the protocol, with every rule and without each: ARGS="--events 3"
	cargo build --release --locked -p load-tests --bin model
	target/release/model --without $(ARGS)

SEEDS ?= 20
FIRST_SEED ?= 1

.PHONY: faults
faults: install-kafka ## Kill, freeze and cut off everything while it works, and ask every store: SEEDS=20 FIRST_SEED=1
	cargo build --release --locked -p collector -p processor -p standalone -p load-tests
	target/release/faults --seeds $(SEEDS) --first-seed $(FIRST_SEED) $(ARGS)

.PHONY: guards
guards: install ## Take each guard of the api out of the code, one at a time, and see which row of the matrix turns red
	cargo build --locked -p standalone
	$(STORES) -- python3 api/tests/guards.py

.PHONY: clean
clean: ## Remove what was built; the demo's data stays in ./data
	cargo clean
	rm -rf vendor
