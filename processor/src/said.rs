//! What a journal says, whichever way it comes: read from its files, or out of Kafka.

use journal::{Corrupt, Position, Seqs};
use schemas::topic::Topic;

/// One thing said.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said<'a> {
    /// An event, encoded.
    Record { topic: u8, partition: u16, seq: u64, payload: &'a [u8] },
    /// These numbers are no events.
    Skip { topic: u8, partition: u16, from: u64, to: u64 },
    /// Everything up to there was appended before; no event to come is older.
    Heartbeat { time_ms: u64, of: Of<'a> },
    /// Nothing more comes, if it is final.
    End { time_ms: u64, of: Of<'a>, successor: Option<u64>, reason: &'a str, is_final: bool },
    /// A stretch that cannot be read.
    Corrupt { at: Position, what: Corrupt },
}

/// Of which of its topics and partitions, and up to which number of each.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// Of all; those not named have none.
    Every(Seqs<'a>),
    /// Of one.
    Lane { topic: Topic, partition: u16, last: u64 },
}
