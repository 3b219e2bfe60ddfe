//! The embedded engine as its clients meet it, and the private stores: real libchdb, real PostgreSQL, real processes.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking too")]

mod commands;
mod deduplication;
mod harness;
mod interface;
mod limits;
mod metrics;
mod postgres;
mod serve;
mod stores;
mod visitors;
