//! What is decided together and committed together.

use schemas::{event::Conversion, topic::Topic};
use std::collections::BTreeMap;

use crate::{
    outcome::ConversionOutcome,
    stores::{
        claim_blobs::Old,
        dead_letters::DeadLetter,
        journals::{Ended, Known},
        labels::Labels,
        lost::Answered,
        owner::Moves,
        seqs::Key,
        waiting::Parked,
    },
};

/// One decoded record with its identity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record<E> {
    /// The journal's full 64-bit id.
    pub journal: u64,
    /// Its partition among the journal's own N.
    pub partition: u16,
    /// Its number in (journal, topic, partition).
    pub seq: u64,
    /// What happened.
    pub event: E,
}

/// A conversion with its decision, ready for the store.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) record: Record<Conversion>,
    pub(crate) outcome: ConversionOutcome,
    /// The click's journal, where it is known.
    pub(crate) click_journal: Option<u64>,
}

/// A wait that ended without its click.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry {
    pub(crate) key: Key,
    pub(crate) seq: u64,
    pub(crate) expires_ms: u64,
    /// How far both topics were read to their end.
    pub(crate) watermark_ms: u64,
}

/// What became of a wish that a dead letter be decided.
#[derive(Debug, Clone)]
pub(crate) struct Resent {
    pub(crate) request: i64,
    /// The dead letter, where it was decided now.
    pub(crate) letter: Option<i64>,
    /// Whose record it is.
    pub(crate) key: Key,
    pub(crate) seq: u64,
    pub(crate) answer: String,
}

/// Which records of a journal a block holds: what the audit names when one is missing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    first: u64,
    last: u64,
    rows: u64,
    /// Of each record's place: one lost and one doubled do not add up to it.
    checksum: u64,
    oldest_ms: u64,
    newest_ms: u64,
}

impl Held {
    /// One more row.
    pub(crate) fn add(&mut self, seq: u64, shard: u32, time_ms: u64) {
        self.first = if self.rows == 0 { seq } else { self.first.min(seq) };
        self.oldest_ms = if self.rows == 0 { time_ms } else { self.oldest_ms.min(time_ms) };
        self.newest_ms = self.newest_ms.max(time_ms);
        self.last = self.last.max(seq);
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(mixed(seq, shard));
    }

    /// How many.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }
}

/// What ClickHouse computes as `intHash64(bitXor(seq, bitShiftLeft(toUInt64(shard), 40)))`.
const fn mixed(seq: u64, shard: u32) -> u64 {
    let mut x = seq ^ ((shard as u16 as u64) << 40) ^ 0x4cf2_d2ba_ae6d_a887;
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// The records of one block, by (journal, topic, partition).
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest(BTreeMap<Key, Held>);

impl Manifest {
    /// All of a lane.
    pub(crate) fn put(&mut self, key: Key, held: Held) {
        self.0.insert(key, held);
    }

    /// One more row.
    pub(crate) fn add(&mut self, key: Key, (seq, shard, time_ms): (u64, u32, u64)) {
        self.0.entry(key).or_default().add(seq, shard, time_ms);
    }

    /// The time of the oldest record.
    pub(crate) fn oldest_ms(&self) -> u64 {
        self.0.values().map(|held| held.oldest_ms).min().unwrap_or(0)
    }

    /// The time of the newest record.
    pub(crate) fn newest_ms(&self) -> u64 {
        self.0.values().map(|held| held.newest_ms).max().unwrap_or(0)
    }

    /// As stored: `[[journal hex, topic, partition, first, last, rows, checksum], …]`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let rows = self.0.iter().map(|(key, held)| {
            let journal = format!("{:016x}", key.journal);
            serde_json::json!([
                journal,
                key.topic.id(),
                key.partition,
                held.first,
                held.last,
                held.rows,
                held.checksum
            ])
        });
        rows.collect()
    }
}

/// What is dropped with a commit, since no window reaches it any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prune {
    pub(crate) claims: Old,
    pub(crate) labels_before_ms: u64,
    /// Days that raw records of dead letters are kept.
    pub(crate) address_days: u16,
}

/// Everything one transaction writes, besides the sets themselves.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) moves: Moves,
    /// Genuine journals met for the first time.
    pub(crate) registered: Vec<Known>,
    /// (journal, time): everything of the journal up to there is in.
    pub(crate) heard: BTreeMap<u64, u64>,
    pub(crate) ended: Vec<Ended>,
    pub(crate) labels: BTreeMap<(u64, u16), Labels>,
    pub(crate) dead: Vec<DeadLetter>,
    /// Conversions read in this batch, not decided yet.
    pub(crate) arrived: Vec<Record<Conversion>>,
    pub(crate) parked: Vec<Parked>,
    /// Conversions that waited and wait no longer.
    pub(crate) woken: Vec<(Key, u64)>,
    pub(crate) expired: Vec<Expiry>,
    pub(crate) decided: Vec<Decided>,
    pub(crate) clicks: Manifest,
    /// Records read, whatever became of them; a conversion counts as many.
    pub(crate) records: usize,
    /// Answers to wishes that a dead letter be decided.
    pub(crate) resent: Vec<Resent>,
    /// Answers to wishes that records be lost.
    pub(crate) lost: Vec<Answered>,
    pub(crate) prune: Option<Prune>,
}

impl Batch {
    /// Whether there is anything to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.moves.is_empty()
            && self.registered.is_empty()
            && self.dead.is_empty()
            && self.decided.is_empty()
            && self.woken.is_empty()
            && self.resent.is_empty()
            && self.lost.is_empty()
    }
}

impl Key {
    /// The set of a journal's conversions.
    pub(crate) const fn conversions(journal: u64, partition: u16) -> Self {
        Self { journal, topic: Topic::Conversions, partition }
    }
}
