//! What one journal should hold, what a processor got of it, and whether the one fits the other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::Receiver;

use crate::error::SyncError;
use crate::ids::{JournalId, Position};
use crate::reader::{Body, Reader};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) topic: u8,
    pub(super) partition: u16,
    pub(super) seq: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Record(Vec<u8>),
    SkipTo(u64),
}

/// Comes when it is known whether a batch is durable.
pub(super) type Answer = Receiver<Result<(), SyncError>>;

/// What one journal should hold, and what a processor got of it.
pub(super) struct Log {
    pub(super) id: JournalId,
    pub(super) committed: Vec<Item>,
    /// Batches cut short by a death, or that could not be truncated away: recovery may find the front of one.
    pub(super) maybe: Vec<Vec<Item>>,
    /// The items of a batch, and what will be said of its durability.
    pub(super) marks: Vec<(Range<usize>, Answer)>,
    pub(super) durable: Vec<Range<usize>>,
    /// A sync failed and was not tried again: what it was for may be lost with the power at any time.
    pub(super) sync_failed: bool,
    pub(super) lost_power: bool,
    /// What was stored, and what may have been when the disk was full.
    pub(super) checkpoint: Option<Position>,
    pub(super) perhaps: Option<Position>,
    pub(super) position: Position,
    pub(super) got: Vec<Item>,
    pub(super) ended: bool,
    pub(super) stamp_ms: u64,
}

impl Log {
    pub(super) fn new(id: JournalId) -> Self {
        Self {
            id,
            committed: Vec::new(),
            maybe: Vec::new(),
            marks: Vec::new(),
            durable: Vec::new(),
            sync_failed: false,
            lost_power: false,
            checkpoint: None,
            perhaps: None,
            position: Position::START,
            got: Vec::new(),
            ended: false,
            stamp_ms: 0,
        }
    }

    pub(super) fn last_seqs(items: &[Item]) -> BTreeMap<(u8, u16), u64> {
        let mut last = BTreeMap::new();
        for item in items {
            let seq = if let What::SkipTo(to) = item.what { to } else { item.seq };
            last.insert((item.topic, item.partition), seq);
        }
        last
    }

    /// Got is a part of what may be there, in order and nothing twice.
    pub(super) fn check(&self) {
        let alone = [Vec::new()];
        let ends = if self.maybe.is_empty() { &alone[..] } else { &self.maybe };
        let mut possible = ends.iter().map(|maybe| self.committed.iter().chain(maybe));
        let fits = possible.any(|mut there| {
            if self.lost_power {
                self.got.iter().all(|item| there.any(|known| known == item))
            } else {
                self.got.iter().eq(there.take(self.got.len()))
            }
        });
        assert!(fits, "got {:?} of {:?}, perhaps {:?}", self.got, self.committed, self.maybe);
    }

    pub(super) fn check_complete(&self) {
        self.check();
        if !self.lost_power {
            assert!(
                self.got.len() >= self.committed.len(),
                "lost {:?}",
                &self.committed[self.got.len()..]
            );
        }
        for durable in &self.durable {
            for item in &self.committed[durable.clone()] {
                assert!(self.got.contains(item), "{item:?} was durable");
            }
        }
    }
}

/// Reads one batch as a processor would, and notes what came.
pub(super) fn take(log: &mut Log, reader: &mut Reader, bytes: usize) -> usize {
    let (got, ended, lost_power) = (&mut log.got, &mut log.ended, log.lost_power);
    let stamp_ms = &mut log.stamp_ms;
    let mut position = log.position;
    let count = reader
        .read_batch(bytes, |entry| {
            assert!(entry.at < entry.next && position <= entry.at, "{position} {entry:?}");
            position = entry.next;
            match entry.body {
                Body::Record { topic, partition, seq, payload } => {
                    let what = What::Record(payload.to_vec());
                    got.push(Item { topic: topic.0, partition: partition.0, seq, what });
                }
                Body::Skip { topic, partition, from, to } => {
                    let what = What::SkipTo(to);
                    got.push(Item { topic: topic.0, partition: partition.0, seq: from, what });
                }
                Body::Heartbeat { time_ms, last } => {
                    assert!(time_ms >= *stamp_ms, "stamps never decrease");
                    *stamp_ms = time_ms;
                    let announced: BTreeMap<_, _> =
                        last.iter().map(|(t, p, seq)| ((t.0, p.0), seq)).collect();
                    assert!(
                        lost_power || announced == Log::last_seqs(got),
                        "announced {announced:?}"
                    );
                }
                Body::End(end) => *ended |= end.is_final(),
                Body::Corrupt(what) => assert!(lost_power, "{what:?}"),
            }
        })
        .expect("read");
    log.position = reader.position();
    assert_eq!(log.position, position.max(log.position));
    count
}
