//! The protocol's models: every state that the parts can come to, within small bounds, written from
//! `pipeline.md` §1 and §3 to §6 and from nothing of the code. One of journals, log, processors and both
//! stores; one of conversions that wait for their clicks.
//!
//! Each rule that sounds pedantic there can be switched off here, and must then show how an event is lost,
//! counted twice, paid twice, refused though its click is there, told too early, or stuck. Refuses to know
//! time: what time bounds is a count of what may happen meanwhile.

mod search;
mod state;
mod steps;
pub mod waits;

pub use search::{Counterexample, Found};
pub use state::{Bounds, Rule, Rules};

use state::State;

struct Stores {
    bounds: Bounds,
    rules: Rules,
}

impl search::Model for Stores {
    type State = State;

    fn begin(&self) -> State {
        State::begin(self.bounds)
    }

    fn steps(&self, state: &State) -> Vec<(String, State)> {
        let next = steps::steps(state, self.bounds, self.rules).into_iter();
        next.map(|(what, next)| (what, next.canonical())).collect()
    }

    fn wrong(&self, state: &State) -> Option<&'static str> {
        steps::wrong(state, self.rules)
    }

    fn is_done(&self, state: &State) -> bool {
        state.is_done()
    }
}

/// Looks at every state of journals, log, processors and both stores within bounds.
pub fn search(bounds: Bounds, rules: Rules) -> Found {
    search::search(&Stores { bounds, rules })
}

#[cfg(test)]
mod tests;
