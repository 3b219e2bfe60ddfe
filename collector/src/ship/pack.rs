//! Entries of a journal become messages: consecutive records of one (topic, partition) in one
//! `EventBatch`, marks of the journal behind them. Pure.
//!
//! Refuses to bring a partition's entries out of their order.

use journal::{Body, End, HEADER_BYTES, Seqs};
use schemas::{
    event::{self, EventBatch, Message},
    topic::Topic,
};
use std::collections::HashMap;

use crate::wire;

/// A message is closed when it is this large; the largest record alone is twice that.
const ENOUGH_BYTES: usize = 512 << 10;

/// Marks of a journal until it says again who it is: a minute of heartbeats. Kafka may have removed what it said at
/// first when somebody needs to know.
const AGAIN: u32 = 60;

/// A message, whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) topic: Topic,
    pub(super) partition: u16,
    /// An `EventBatch`.
    pub(super) payload: Vec<u8>,
}

/// Packs one journal.
pub(super) struct Packer {
    journal: u64,
    header: [u8; HEADER_BYTES],
    partitions: u16,
    lanes: HashMap<(Topic, u16), Lane>,
    whole: Vec<Packed>,
    /// Records of topics this version does not know: they stay in the journal.
    pub(super) unknown: u64,
}

/// A (topic, partition): its message under way.
#[derive(Default)]
struct Lane {
    payload: Vec<u8>,
    /// The number that may follow in this message.
    next: u64,
    /// Marks since it was told whose journal this is.
    introduced: Option<u32>,
}

impl Lane {
    /// Whether this mark tells it.
    fn introduces(&mut self) -> bool {
        let now = self.introduced.is_none_or(|marks| marks + 1 >= AGAIN);
        self.introduced = if now { Some(0) } else { self.introduced.map(|marks| marks + 1) };
        now
    }
}

impl Packer {
    /// Of the journal with this header.
    pub(super) fn new(header: &journal::Header) -> Self {
        Self {
            journal: header.journal.0,
            header: header.to_bytes(),
            partitions: header.partitions,
            lanes: HashMap::new(),
            whole: Vec::new(),
            unknown: 0,
        }
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, body: Body<'_>) {
        match body {
            Body::Record { topic, partition, seq, payload } => match Topic::from_id(topic.0) {
                Some(topic) => self.record((topic, partition.0), seq, payload),
                None => self.unknown += 1,
            },
            Body::Heartbeat { time_ms, last } => self.mark(last, |last_seq| EventBatch {
                heartbeat: Some(event::Heartbeat { time_ms, last_seq }),
                ..EventBatch::default()
            }),
            Body::End(end) => self.end(&end),
            Body::Skip { topic, partition, from, to } => {
                if let Some(topic) = Topic::from_id(topic.0) {
                    let skip = event::Skip { first_seq: from, last_seq: to };
                    let batch = EventBatch { skip: Some(skip), ..EventBatch::default() };
                    self.put((topic, partition.0), batch);
                }
            }
            // What is missing shows as numbers announced that never come.
            Body::Corrupt(_) => {}
        }
    }

    /// Every message, those under way included.
    pub(super) fn finish(&mut self) -> Vec<Packed> {
        // By name, so that the same entries make the same messages.
        let mut under_way: Vec<(Topic, u16)> = self.lanes.keys().copied().collect();
        under_way.sort_unstable();
        under_way.into_iter().for_each(|lane| self.close(lane));
        std::mem::take(&mut self.whole)
    }

    fn record(&mut self, of: (Topic, u16), seq: u64, payload: &[u8]) {
        let journal = self.journal;
        let lane = self.lanes.entry(of).or_default();
        let fits = lane.payload.len() + payload.len() <= ENOUGH_BYTES && lane.next == seq;
        if !lane.payload.is_empty() && !fits {
            self.close(of);
        }
        let lane = self.lanes.entry(of).or_default();
        if lane.payload.is_empty() {
            wire::fixed(&mut lane.payload, 1, journal);
            wire::number(&mut lane.payload, 2, seq);
            if lane.introduced.is_none() {
                lane.introduced = Some(0);
                wire::text(&mut lane.payload, 4, &self.header);
            }
        }
        wire::item(&mut lane.payload, 3, payload);
        lane.next = seq + 1;
    }

    fn close(&mut self, of: (Topic, u16)) {
        let Some(lane) = self.lanes.get_mut(&of) else { return };
        if !lane.payload.is_empty() {
            let payload = std::mem::take(&mut lane.payload);
            self.whole.push(Packed { topic: of.0, partition: of.1, payload });
        }
    }

    fn end(&mut self, end: &End<'_>) {
        let (successor, successor_start_ms) =
            end.successor.map_or((0, 0), |(journal, start_ms)| (journal.0, start_ms));
        self.mark(end.last, |last_seq| EventBatch {
            end: Some(event::End {
                time_ms: end.time_ms,
                last_seq,
                successor,
                successor_start_ms,
                reason: end.reason.to_owned(),
            }),
            ..EventBatch::default()
        });
    }

    /// What a journal says of itself is said in every partition, behind what it speaks of: each has an owner
    /// of its own.
    fn mark(&mut self, last: Seqs<'_>, batch: impl Fn(u64) -> EventBatch) {
        let last: HashMap<(u8, u16), u64> =
            last.iter().map(|(topic, partition, seq)| ((topic.0, partition.0), seq)).collect();
        for topic in Topic::ALL {
            for partition in 0..self.partitions {
                let last_seq = last.get(&(topic.id(), partition)).copied().unwrap_or(0);
                self.put((topic, partition), batch(last_seq));
            }
        }
    }

    /// A message of its own behind the lane's records.
    fn put(&mut self, of: (Topic, u16), mut batch: EventBatch) {
        self.close(of);
        batch.journal = self.journal;
        let lane = self.lanes.entry(of).or_default();
        if lane.introduces() {
            batch.header = self.header.to_vec();
        }
        let payload = batch.encode_to_vec();
        self.whole.push(Packed { topic: of.0, partition: of.1, payload });
    }
}

#[cfg(test)]
mod tests;
