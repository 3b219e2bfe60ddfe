//! A conversion that waits for its click: two collectors, both topics of one partition, a processor that is
//! taken over, messages that Kafka has lost and that are sent again.
//!
//! The first collector takes a click, the second the sale that names it, each when it likes by its own clock,
//! which stands still or runs as it likes too: no clock here is right. Shipping, reading and committing are one
//! step, since what may happen between them is the other model's.

mod state;
mod steps;

use super::{
    Found,
    search::{self as breadth_first, Model},
};
use state::State;

/// What `pipeline.md` says of waiting, each a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The end of a wait needs the clicks read up to it, not the conversions alone (§5).
    BothTopics,
    /// It needs the logs of every declared slot, not the sale's own (§5).
    EverySlot,
    /// A heartbeat is not later than what is stamped and not yet appended (§1).
    BeatBehindStamps,
    /// A heartbeat counts when everything it announces is in (§5).
    BeatBehindHoles,
    /// What waits is stored with the position that was read (§5).
    StoredWait,
    /// What was heard in a topic is stored with the position, too (§5).
    StoredBeats,
    /// A click that is in goes before the end of the wait (§5).
    ClickFirst,
    /// `as_of` is bounded by what waits (§6).
    AsOfBehindWaits,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BothTopics,
        Self::EverySlot,
        Self::BeatBehindStamps,
        Self::BeatBehindHoles,
        Self::StoredWait,
        Self::StoredBeats,
        Self::ClickFirst,
        Self::AsOfBehindWaits,
    ];
}

/// How much may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Until when the clocks run.
    pub time: u8,
    /// How long a sale waits.
    pub wait: u8,
    /// Takeovers and lost messages, together.
    pub mishaps: u8,
}

impl Bounds {
    /// Seconds.
    pub const SMALL: Self = Self { time: 2, wait: 1, mishaps: 1 };
}

/// One search: how much, and the rule that does not hold.
struct Waits {
    bounds: Bounds,
    off: Option<Rule>,
}

impl Waits {
    fn holds(&self, rule: Rule) -> bool {
        self.off != Some(rule)
    }
}

/// Looks at every state within bounds, without the rule that is `off`.
pub fn search(bounds: Bounds, off: Option<Rule>) -> Found {
    breadth_first::search(&Waits { bounds, off })
}

impl Model for Waits {
    type State = State;

    fn begin(&self) -> State {
        State { mishaps: self.bounds.mishaps, ..State::default() }
    }

    fn steps(&self, state: &State) -> Vec<(String, State)> {
        self.all_steps(state)
    }

    fn wrong(&self, state: &State) -> Option<&'static str> {
        self.wrong_in(state)
    }

    fn is_done(&self, state: &State) -> bool {
        state.is_done(self.bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_every_rule_no_sale_is_refused_while_its_click_can_come_and_none_waits_for_ever() {
        let found = search(Bounds::SMALL, None);
        assert_eq!(found.counterexample, None);
        assert!(found.states > 1000, "{}", found.states);
    }

    #[test]
    fn each_rule_switched_off_shows_why_it_is_there() {
        for rule in Rule::ALL {
            let found = search(Bounds::SMALL, Some(rule));
            assert!(found.counterexample.is_some(), "nothing goes wrong without {rule:?}");
        }
    }
}
