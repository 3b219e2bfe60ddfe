//! Payloads of the frames that are no events: heartbeat, skip, end, and the base of a segment.
//! Little endian, written and read here and nowhere else; reading arbitrary bytes gives `None`, never a panic.

use crate::frame::u64_at;
use crate::ids::{JournalId, Partition, Position, Seq, TopicId};

/// Longest reason of an END, in bytes.
pub const MAX_REASON: usize = 500;

const SEQ_BYTES: usize = 11;

/// Last seq of each (topic, partition) that has any, borrowed from the frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seqs<'a>(&'a [u8]);

impl<'a> Seqs<'a> {
    /// In order of topic, then partition.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (TopicId, Partition, Seq)> + use<'a> {
        self.0
            .chunks_exact(SEQ_BYTES)
            .map(|b| (TopicId(b[0]), Partition(u16::from_le_bytes([b[1], b[2]])), u64_at(b, 3)))
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        bytes.len().is_multiple_of(SEQ_BYTES).then_some(Self(bytes))
    }
}

impl std::fmt::Debug for Seqs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|(t, p, seq)| (t.0, p.0, seq))).finish()
    }
}

/// Why a journal ended, and what follows it in its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// The next incarnation of the slot and its start in milliseconds; `None` after a graceful stop (the next
    /// start names it in a further END), at the end of an import, and for a retired journal.
    pub successor: Option<(JournalId, u64)>,
    /// Given by the person who retired it; empty otherwise.
    pub reason: &'a str,
    /// Last stamp of the journal, in milliseconds.
    pub time_ms: u64,
    /// What the journal had announced when it ended.
    pub last: Seqs<'a>,
}

impl End<'_> {
    /// Whether nothing can follow in a journal of a live collector: a successor is named, or a person retired it.
    pub fn is_final(&self) -> bool {
        self.successor.is_some() || !self.reason.is_empty()
    }
}

/// What a segment begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base<'a> {
    /// Where the previous segment ended (0:0 for the first): bytes behind it are no events.
    pub(crate) previous: Position,
    pub(crate) time_ms: u64,
    pub(crate) last: Seqs<'a>,
}

/// Next seq of each (topic, partition), as the writer counts.
#[derive(Clone)]
pub(crate) struct Counters {
    partitions: usize,
    next: Vec<Seq>,
}

impl Counters {
    pub(crate) fn new(partitions: u16) -> Self {
        let partitions = usize::from(partitions);
        Self { partitions, next: vec![1; partitions * usize::from(crate::ids::MAX_TOPICS)] }
    }

    /// The next seq, to read or to move; `None` for a topic or partition the journal does not have.
    pub(crate) fn next(&mut self, topic: TopicId, partition: Partition) -> Option<&mut Seq> {
        let partition = usize::from(partition.0);
        if partition >= self.partitions {
            return None;
        }
        self.next.get_mut(usize::from(topic.0) * self.partitions + partition)
    }

    pub(crate) fn set_last(&mut self, last: Seqs<'_>) {
        for (topic, partition, seq) in last.iter() {
            self.raise(topic, partition, seq);
        }
    }

    pub(crate) fn raise(&mut self, topic: TopicId, partition: Partition, last: Seq) {
        if let Some(next) = self.next(topic, partition) {
            *next = (*next).max(last.saturating_add(1));
        }
    }

    /// Last seq of each that has any, in order of topic and partition.
    pub(crate) fn last(&self) -> impl Iterator<Item = (TopicId, Partition, Seq)> {
        self.next.iter().enumerate().filter(|(_, next)| **next > 1).map(|(index, next)| {
            let (topic, partition) = (index / self.partitions, index % self.partitions);
            (TopicId(topic as u8), Partition(partition as u16), next - 1)
        })
    }

    fn put_last(&self, to: &mut Vec<u8>) {
        for (topic, partition, last) in self.last() {
            to.push(topic.0);
            to.extend_from_slice(&partition.0.to_le_bytes());
            to.extend_from_slice(&last.to_le_bytes());
        }
    }
}

pub(crate) fn heartbeat(to: &mut Vec<u8>, time_ms: u64, counters: &Counters) {
    to.extend_from_slice(&time_ms.to_le_bytes());
    counters.put_last(to);
}

pub(crate) fn parse_heartbeat(bytes: &[u8]) -> Option<(u64, Seqs<'_>)> {
    let (time, last) = bytes.split_at_checked(8)?;
    Some((u64_at(time, 0), Seqs::parse(last)?))
}

/// A skip's frame carries the first seq skipped; its payload the last one.
pub(crate) fn parse_skip(bytes: &[u8]) -> Option<Seq> {
    (bytes.len() == 8).then(|| u64_at(bytes, 0))
}

pub(crate) fn end(
    to: &mut Vec<u8>,
    successor: Option<(JournalId, u64)>,
    reason: &str,
    time_ms: u64,
    counters: &Counters,
) {
    to.push(u8::from(successor.is_some()));
    let (journal, start_ms) = successor.unwrap_or((JournalId(0), 0));
    to.extend_from_slice(&journal.0.to_le_bytes());
    to.extend_from_slice(&start_ms.to_le_bytes());
    to.extend_from_slice(&time_ms.to_le_bytes());
    to.extend_from_slice(&(reason.len() as u16).to_le_bytes());
    to.extend_from_slice(reason.as_bytes());
    counters.put_last(to);
}

pub(crate) fn parse_end(bytes: &[u8]) -> Option<End<'_>> {
    let (head, rest) = bytes.split_at_checked(27)?;
    let length = usize::from(u16::from_le_bytes([head[25], head[26]]));
    let (reason, last) = rest.split_at_checked(length)?;
    Some(End {
        successor: (head[0] != 0).then(|| (JournalId(u64_at(head, 1)), u64_at(head, 9))),
        time_ms: u64_at(head, 17),
        reason: std::str::from_utf8(reason).ok()?,
        last: Seqs::parse(last)?,
    })
}

pub(crate) fn base(to: &mut Vec<u8>, previous: Position, time_ms: u64, counters: &Counters) {
    to.extend_from_slice(&previous.segment.to_le_bytes());
    to.extend_from_slice(&previous.offset.to_le_bytes());
    to.extend_from_slice(&time_ms.to_le_bytes());
    counters.put_last(to);
}

pub(crate) fn parse_base(bytes: &[u8]) -> Option<Base<'_>> {
    let (head, last) = bytes.split_at_checked(20)?;
    let segment = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    Some(Base {
        previous: Position { segment, offset: u64_at(head, 4) },
        time_ms: u64_at(head, 12),
        last: Seqs::parse(last)?,
    })
}
