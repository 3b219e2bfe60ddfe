//! The bytes of one frame: `length | crc32c | kind | topic | partition | seq | payload`, little endian.
//! Pure functions over slices; whatever the bytes are, they answer and never panic.
//!
//! `length` (u32) counts everything behind the checksum. The checksum (u32) is crc32c of that, begun from
//! `seed ^ length`, where `seed` is the crc32c of journal id and segment number: a frame of another journal, of a
//! segment copied to another number, or with an altered length does not pass. The highest bit of `kind` says "last
//! of its batch": the reader hands out a batch only when its last frame is there, so that a write cut short and
//! rolled back was never seen by anyone.

use crate::ids::{JournalId, MAX_PAYLOAD, MAX_TOPICS, Partition, Seq, TopicId};

/// Bytes before the payload.
pub(crate) const HEAD: usize = 20;
pub(crate) const MAX_FRAME: usize = HEAD + MAX_PAYLOAD;

/// What `length` counts besides the payload: kind, topic, partition, seq.
const COUNTED: usize = HEAD - 8;
const LAST_OF_BATCH: u8 = 0x80;
const KIND_AT: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Record = 1,
    Heartbeat = 2,
    Skip = 3,
    End = 4,
    /// First frame of every segment: where the one before it ended and how far each seq had come.
    Base = 5,
}

impl Kind {
    fn parse(byte: u8) -> Option<Self> {
        match byte & !LAST_OF_BATCH {
            1 => Some(Self::Record),
            2 => Some(Self::Heartbeat),
            3 => Some(Self::Skip),
            4 => Some(Self::End),
            5 => Some(Self::Base),
            _ => None,
        }
    }
}

/// What makes the frames of one segment different from all others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal {
    seed: u32,
    partitions: u16,
}

impl Seal {
    pub(crate) fn new(journal: JournalId, segment: u32, partitions: u16) -> Self {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&journal.0.to_le_bytes());
        bytes[8..].copy_from_slice(&segment.to_le_bytes());
        Self { seed: crc32c::crc32c(&bytes), partitions }
    }

    fn checksum(self, length: u32, counted: &[u8]) -> u32 {
        crc32c::crc32c_append(self.seed ^ length, counted)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) last_of_batch: bool,
    pub(crate) topic: TopicId,
    pub(crate) partition: Partition,
    pub(crate) seq: Seq,
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A frame that is about the journal and not about one partition.
    pub(crate) fn mark(kind: Kind, payload: &'a [u8]) -> Self {
        Self {
            kind,
            last_of_batch: false,
            topic: TopicId(0),
            partition: Partition(0),
            seq: 0,
            payload,
        }
    }

    /// Bytes the frame takes in the file.
    pub(crate) fn size(&self) -> usize {
        HEAD + self.payload.len()
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Checked<'a> {
    Valid(Frame<'a>),
    /// Could be the beginning of a frame whose end is not there.
    Short,
    /// Looks like a frame of this many bytes, all there, but its checksum is wrong.
    Corrupt(usize),
    /// No frame begins like this.
    Nonsense,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// The frame at the beginning of `bytes`, without its checksum being looked at; `None` if none can begin so.
/// `Some(Err(()))`: it may be one, but `bytes` end too early.
fn shape(bytes: &[u8], partitions: u16) -> Option<Result<Frame<'_>, ()>> {
    if bytes.len() < HEAD {
        return Some(Err(()));
    }
    let length = u32_at(bytes, 0) as usize;
    if !(COUNTED..=COUNTED + MAX_PAYLOAD).contains(&length) {
        return None;
    }
    let kind = Kind::parse(bytes[KIND_AT])?;
    let topic = TopicId(bytes[KIND_AT + 1]);
    let partition = Partition(u16::from_le_bytes([bytes[KIND_AT + 2], bytes[KIND_AT + 3]]));
    if topic.0 >= MAX_TOPICS || partition.0 >= partitions {
        return None;
    }
    let Some(payload) = bytes.get(HEAD..length + 8) else { return Some(Err(())) };
    let last_of_batch = bytes[KIND_AT] & LAST_OF_BATCH != 0;
    Some(Ok(Frame { kind, last_of_batch, topic, partition, seq: u64_at(bytes, 12), payload }))
}

/// Judges what stands at the beginning of `bytes`.
pub(crate) fn check(bytes: &[u8], seal: Seal) -> Checked<'_> {
    match shape(bytes, seal.partitions) {
        None => Checked::Nonsense,
        Some(Err(())) => Checked::Short,
        Some(Ok(frame)) => {
            let size = frame.size();
            if seal.checksum(u32_at(bytes, 0), &bytes[8..size]) == u32_at(bytes, 4) {
                Checked::Valid(frame)
            } else {
                Checked::Corrupt(size)
            }
        }
    }
}

/// The frame at the beginning of bytes that were checked, or staged by ourselves.
pub(crate) fn trusted(bytes: &[u8], seal: Seal) -> Option<Frame<'_>> {
    shape(bytes, seal.partitions)?.ok()
}

/// Appends a frame without checksum: [`close_batch`] puts those when it is known which segment it goes to.
pub(crate) fn push(batch: &mut Vec<u8>, frame: &Frame<'_>) {
    let length = (COUNTED + frame.payload.len()) as u32;
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[KIND_AT] = frame.kind as u8;
    head[KIND_AT + 1] = frame.topic.0;
    head[KIND_AT + 2..KIND_AT + 4].copy_from_slice(&frame.partition.0.to_le_bytes());
    head[12..].copy_from_slice(&frame.seq.to_le_bytes());
    batch.extend_from_slice(&head);
    batch.extend_from_slice(frame.payload);
}

/// Marks the last frame and puts every checksum.
pub(crate) fn close_batch(batch: &mut [u8], seal: Seal) {
    let mut at = 0;
    while at < batch.len() {
        let length = u32_at(batch, at);
        let end = at + 8 + length as usize;
        if end == batch.len() {
            batch[at + KIND_AT] |= LAST_OF_BATCH;
        }
        let sum = seal.checksum(length, &batch[at + 8..end]);
        batch[at + 4..at + 8].copy_from_slice(&sum.to_le_bytes());
        at = end;
    }
}
