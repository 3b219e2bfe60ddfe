//! What there is of collectors, log and PostgreSQL, as small as it can be said.

use std::fmt;

use super::Bounds;

/// Topics, and collectors, by number: clicks come from the first collector, sales from the second.
pub(super) const CLICKS: usize = 0;
pub(super) const SALES: usize = 1;

/// What a journal says in one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Said {
    /// The only event of this topic, stamped then.
    Event(u8),
    /// Everything older than this is appended; so many events of this topic.
    Beat { time: u8, announced: u8 },
}

/// A collector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Collector {
    pub(super) clock: u8,
    /// Stamped, and not yet in the journal.
    pub(super) stamped: Option<u8>,
    /// In the journal: acknowledged.
    pub(super) event: Option<u8>,
    pub(super) beat: u8,
    /// Its journal by topic: what nobody has read yet.
    pub(super) journal: [Vec<Said>; 2],
}

/// What became of the sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Verdict {
    Accepted,
    UnknownClick,
}

/// What is committed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Postgres {
    /// By topic: its event is in.
    pub(super) is_in: [bool; 2],
    /// By collector and topic.
    pub(super) announced: [[u8; 2]; 2],
    pub(super) heard: [[u8; 2]; 2],
    /// When the sale that waits happened.
    pub(super) waiting: Option<u8>,
    pub(super) verdict: Option<Verdict>,
}

/// Everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) collectors: [Collector; 2],
    pub(super) postgres: Postgres,
    pub(super) mishaps: u8,
}

impl Postgres {
    /// Up to when everything of some collectors and topics is in.
    pub(super) fn read_to(&self, collectors: &[usize], topics: &[usize]) -> u8 {
        let lanes = collectors.iter().flat_map(|c| topics.iter().map(|t| self.heard[*c][*t]));
        lanes.min().unwrap_or(0)
    }
}

impl State {
    /// What was acknowledged is decided, and everything that was said is heard.
    pub(super) fn is_done(&self, bounds: Bounds) -> bool {
        let all_in = [CLICKS, SALES]
            .iter()
            .all(|one| self.collectors[*one].event.is_none() || self.postgres.is_in[*one]);
        let decided = self.collectors[SALES].event.is_none() || self.postgres.verdict.is_some();
        all_in && decided && self.postgres.read_to(&[0, 1], &[CLICKS, SALES]) == bounds.time
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Postgres { waiting, verdict, heard, .. } = &self.postgres;
        let events = [self.collectors[CLICKS].event, self.collectors[SALES].event];
        write!(
            f,
            "click and sale stamped {events:?}, waiting {waiting:?}, {verdict:?}, heard {heard:?}"
        )
    }
}
