//! The real collector over real sockets, with a real journal and a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "in tests a failed unwrap is a failed test")]

mod harness;
mod clicks;
mod cookies;
mod postbacks;
mod process;
mod pixels;
mod plain_http;
mod bad_input;
mod feed;
mod lifecycle;
mod any_input;
mod plain;
mod event_log;
mod ship;
mod copied;
mod late;
