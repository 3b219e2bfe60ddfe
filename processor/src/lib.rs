//! The processor: reads the log, decides on every event, writes what was decided to both stores, each
//! event exactly once. The only writer of commissions and of analytics.
//!
//! Refuses to answer anybody who asks about numbers (`api`), and to decide by anything that is not in
//! the event or in the facts loaded for it.
#![warn(clippy::float_arithmetic)]
#![cfg_attr(test, recursion_limit = "256")]

pub mod config;
pub mod error;
pub mod metrics;
mod clock;
mod ranges;
mod said;
mod ownership;
mod source;
pub mod batch;
mod decode;
mod journals;
mod decide;
pub mod facts;
pub mod lookup;
pub mod stages;
pub mod outcome;
mod waiting;
mod resend;
pub mod lost;
mod money;
mod commit;
mod pipeline;
pub mod native;
pub mod stores;
mod engine;
mod sender;
mod guard;
mod retention;
pub mod repair;
pub mod audit;
pub mod dead_letter;
pub mod forget;
mod admin;
mod run;

pub use config::Config;
pub use engine::insert_block;
pub use error::{Error, Result};
pub use run::{drain, run};
