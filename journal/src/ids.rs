//! The words a journal counts in: who wrote, which topic and partition, which number, where in the file.
//! Plain values; nothing here touches a disk.

use std::fmt;

use crate::error::{Error, Result};

/// Number of a record within its (journal, topic, partition): contiguous, the first is 1, 0 means "none yet".
pub type Seq = u64;

/// Key of the collectors' MAC over a journal's header.
pub type Key = [u8; 32];

/// Topics a journal can number (`TopicId` 0 to 7).
pub const MAX_TOPICS: u8 = 8;

/// Most partitions a journal can have: keeps a heartbeat that names all of them inside one frame.
pub const MAX_PARTITIONS: u16 = 4096;

/// Largest payload of a record, in bytes. Admission should refuse far earlier.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// One incarnation of a journal: random at each process start; for an import the hash of file and options.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId(pub u64);

impl JournalId {
    /// Reads the 16 hexadecimal digits that [`fmt::Display`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JournalId({self})")
    }
}

/// A topic by its number, 0 to [`MAX_TOPICS`] - 1. What the number means is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u8);

/// A partition, 0 to the header's partition count - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

/// A border between two frames: segment number (from 1) and byte offset in its file.
/// Ordered as the journal was written. Only the reader and the writer make new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub segment: u32,
    pub offset: u64,
}

impl Position {
    /// Before everything: the reader begins at the oldest segment kept.
    pub const START: Self = Self { segment: 0, offset: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment, self.offset)
    }
}

/// The end of a committed batch. It is durable once `SyncHandle` says so of this mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitMark(pub Position);

/// A slot is a folder name: 1 to 64 of `a-z 0-9 . _ -`, not beginning with a dot.
pub(crate) fn check_slot(slot: &str) -> Result<()> {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    if (1..=64).contains(&slot.len()) && slot.bytes().all(allowed) && !slot.starts_with('.') {
        return Ok(());
    }
    Err(Error::SlotName(slot.to_owned()))
}

pub(crate) fn check_partitions(partitions: u16) -> Result<()> {
    if (1..=MAX_PARTITIONS).contains(&partitions) {
        return Ok(());
    }
    Err(Error::Partitions(partitions))
}
