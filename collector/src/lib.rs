//! The collector answers visitors and advertisers: a redirect, a pixel, a receipt.
//!
//! It reads memory and writes its journal, nothing else, while somebody waits; it decides nothing
//! about money. The way of a request: `routes` → `clicks` or `conversions` (handlers) → `request`
//! (who asks) → `click` or `conversion` (look up, judge, record) → `links`, `target`, `visitor` →
//! `batch` (one journal append per event-loop tick) → `answer`.
//!
//! # For imports
//! `click::decide` with `click::Decided::write`, and `conversion::judge` with
//! `conversion::Judged::write`, are the very functions HTTP uses: called inside another journal's
//! `stage_with` they make the same records of a log that the wire would have made.

pub mod config;
mod routes;
mod clicks;
mod conversions;
pub mod request;
pub mod click;
pub mod conversion;
pub mod links;
pub mod target;
pub mod visitor;
pub mod visit;
mod answer;
mod batch;
mod ship;
mod slot;
mod wire;
mod flood;
mod core;
mod connections;
mod server;
mod admin;
mod clock;
mod metrics;
mod error;

pub use config::Config;
pub use error::{Error, Result};
pub use server::{Bound, bind, run};
pub use ship::resend::{Range, resend};
