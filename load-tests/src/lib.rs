//! Traffic and reconciliation: what the end-to-end test and the measuring programs share.
//!
//! Nothing of this runs in production, and nothing here decides what a number should be: that is
//! `reference_count.py`'s, written apart.

pub mod broker;
pub mod clicker;
pub mod generate;
pub mod faults;
pub mod links;
pub mod merges;
pub mod model;
pub mod stores;
pub mod system;
pub mod api;
pub mod reference;
pub mod compare;
pub mod table;
