//! Against a real broker.

#![allow(clippy::unwrap_used, reason = "a test that cannot arrange its world fails")]

mod guarded;
mod topics;
