//! The processor against the real stores: one binary, a fresh database of each for every test.

#![allow(clippy::unwrap_used, reason = "a test that cannot arrange its world fails")]

mod world;
mod backups;
mod way;
mod kill;
mod conversions;
mod stores;
mod refused;
mod restored;
mod holes;
mod kept;
mod summed;
mod event_log;
mod partitions;
mod audits;
mod metrics;
mod growth;
mod trouble;
mod overtaken;
mod restored_kafka;
mod frozen;
mod copied;
mod forgotten;
