//! Kafka as both ends of the event log use it: where it is, what its topics are called, and whether
//! they are as they must be.
//!
//! Refuses to make a topic differ from what the journals say: the number of partitions is part of
//! every event's identity, so a topic with another one stops whoever asks.

mod config;
mod options;
mod error;
mod look;
pub mod local;
mod log;
mod topics;

pub use config::Config;
pub use error::{Error, Result};
pub use log::{error, log};
pub use options::Options;
pub use topics::{
    Found, Layout, check, check_found, check_growing, create, find, grow, partitions,
};
