//! The words all processes share: ids, money, click ids, events, reasons, keys.
//!
//! Refuses to do I/O, to read a clock or to be asynchronous: everything here is a value or a pure
//! function, so that collector, processor and api can never disagree about what a word means.
#![warn(clippy::float_arithmetic)]

pub mod ids;
pub mod topic;
pub mod event;
pub mod reason;
pub mod click_id;
pub mod destination;
pub mod visitor;
pub mod keys;
pub mod money;
pub mod status;
pub mod retention;
pub mod proxies;
