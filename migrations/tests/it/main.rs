//! The migrators and the rights, against the real stores.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

mod clickhouse;
mod cluster;
mod fill;
mod ledger;
mod migrator;
mod money;
mod roles;
