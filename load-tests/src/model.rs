//! The protocol's model: every state that journals, log, processors and both stores can come to, within
//! small bounds, written from `pipeline.md` §1 and §3 to §6 and from nothing of the code.
//!
//! Each rule that sounds pedantic there can be switched off here, and must then show how an event is lost,
//! counted twice, paid twice, told too early, or stuck. Refuses to know time: what time bounds is a count
//! of what may happen meanwhile.

mod search;
mod state;
mod steps;

pub use search::{Counterexample, Found, search};
pub use state::{Bounds, Rule, Rules};

#[cfg(test)]
mod tests;
