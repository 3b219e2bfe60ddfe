//! Reading a journal in order, also while it is being written. Reads only: it sets nothing aside, moves no
//! checkpoint and decides nothing about what it finds.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result, at};
use crate::frame::{self, Frame, HEAD, Kind, Seal};
use crate::header::{Header, JournalKind};
use crate::holder;
use crate::ids::{JournalId, Key, Partition, Position, Seq, TopicId};
use crate::layout::{JournalRef, segment_path, segments};
use crate::marks::{self, End, Seqs};

mod fill;

pub(crate) use fill::{Use, any_header, usage, with_base};

/// How much `next` reads at a time.
const READ_BYTES: usize = 1 << 20;

/// One thing read, and the borders around it. `next` is where to go on after it was dealt with.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub at: Position,
    pub next: Position,
    pub body: Body<'a>,
}

#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    Record {
        topic: TopicId,
        partition: Partition,
        seq: Seq,
        payload: &'a [u8],
    },
    /// All seqs up to `last` are in the journal before this; no event to come is older than `time_ms`.
    Heartbeat {
        time_ms: u64,
        last: Seqs<'a>,
    },
    /// The seqs `from..=to` are no events.
    Skip {
        topic: TopicId,
        partition: Partition,
        from: Seq,
        to: Seq,
    },
    End(End<'a>),
    Corrupt(Corrupt),
}

/// A stretch of the journal that cannot be read. What was lost shows as seqs that never arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt {
    /// Length of the stretch; 0 where it is not known.
    pub bytes: u64,
    pub damage: Damage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Bytes that are no valid frames.
    Frames,
    /// The file is shorter than the next segment says it was.
    CutShort,
    /// Segments between this one and the next are gone.
    MissingSegments,
    /// A segment's header is unreadable; its frames are read nevertheless.
    Header,
    /// A segment's header is another segment's, or not made with the collectors' key; its frames are not read.
    Foreign,
}

/// Reads one journal from a position on.
pub struct Reader {
    disk: Disk,
    place: JournalRef,
    dir: PathBuf,
    key: Key,
    header: Header,
    current: Current,
    position: Position,
    buf: Vec<u8>,
    /// Offset in the file of `buf[0]`.
    buf_at: u64,
    /// Checked frames in `buf` not yet handed out.
    ready: Range<usize>,
    damage: Option<(Position, Corrupt)>,
    ended: bool,
}

struct Current {
    number: u32,
    file: DiskFile,
    seal: Seal,
    /// Where the segment ends for good, once a later one is in use.
    end: Option<u64>,
    /// (offset, length of the file) of a tail found without anything valid in it: not searched twice.
    hopeless: Option<(u64, u64)>,
}

impl Reader {
    /// Opens a journal to drain it. Refuses a copy ([`Error::Copy`]) and a journal whose header was not made with
    /// `key` ([`Error::Forged`]). `from` is a position an entry gave, or [`Position::START`].
    pub fn open(
        root: &Path,
        slot: &str,
        journal: JournalId,
        from: Position,
        key: &Key,
    ) -> Result<Self> {
        Self::open_on(Disk::Real, JournalRef::new(root, slot, journal), from, key)
    }

    pub(crate) fn open_on(
        disk: Disk,
        place: JournalRef,
        from: Position,
        key: &Key,
    ) -> Result<Self> {
        let dir = place.dir();
        let reader = Self::open_any_on(disk, place, from, key)?;
        if !reader.header.verify(key) {
            return Err(Error::Forged(dir));
        }
        holder::check(&reader.disk, &dir, key)?;
        Ok(reader)
    }

    /// Opens a journal whoever holds it and whoever made it: to look at it, or to write a forged one to the dead
    /// letters. Ask `header().verify`.
    pub fn open_any(
        root: &Path,
        slot: &str,
        journal: JournalId,
        from: Position,
        key: &Key,
    ) -> Result<Self> {
        Self::open_any_on(Disk::Real, JournalRef::new(root, slot, journal), from, key)
    }

    pub(crate) fn open_any_on(
        disk: Disk,
        place: JournalRef,
        from: Position,
        key: &Key,
    ) -> Result<Self> {
        let dir = place.dir();
        let numbers = segments(&disk, &dir)?;
        let Some(oldest) = numbers.first().copied() else { return Err(Error::NotFound(dir)) };
        let header = fill::any_header(&disk, &dir, &numbers, place.journal)?;
        let number = if from == Position::START { oldest } else { from.segment };
        if !numbers.contains(&number) {
            return Err(Error::Trimmed { wanted: from, oldest });
        }
        let path = segment_path(&dir, number);
        let file = disk.open(&path).map_err(at("open", &path))?;
        let seal = Seal::new(header.journal, number, header.partitions);
        let mut reader = Self {
            disk,
            place,
            dir,
            key: *key,
            header,
            current: Current { number, file, seal, end: None, hopeless: None },
            position: from,
            buf: Vec::new(),
            buf_at: 0,
            ready: 0..0,
            damage: None,
            ended: false,
        };
        reader.enter(from.offset)?;
        reader.look_back()?;
        Ok(reader)
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn place(&self) -> &JournalRef {
        &self.place
    }

    /// Behind the last entry handed out.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether an END was read behind which nothing can follow.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The next entry; `None` if there is none yet (or, after `is_ended`, ever).
    #[expect(
        clippy::should_implement_trait,
        reason = "the entry borrows from the reader: no Iterator can"
    )]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        loop {
            if self.damage.is_none() && self.ready.is_empty() && !self.fill(READ_BYTES)? {
                return Ok(None);
            }
            if let Some(entry) = self.take_damage() {
                return Ok(Some(entry));
            }
            let start = self.ready.start;
            let Some(frame) = frame::trusted(&self.buf[self.ready.clone()], self.current.seal)
            else {
                self.ready = 0..0;
                continue;
            };
            let (base, size, ends) = (frame.kind == Kind::Base, frame.size(), self.ends(&frame));
            self.ready.start += size;
            self.pass(self.ready.start, ends);
            // A base is not handed out; what follows it is read next.
            if !base {
                let frame = frame::trusted(&self.buf[start..], self.current.seal);
                return Ok(frame.map(|frame| self.entry(start, frame)));
            }
        }
    }

    /// Hands `take` the entries of about `max_bytes` (at least one, if there is any) and gives their number;
    /// 0: nothing new. Payloads are borrowed from the read buffer.
    pub fn read_batch(
        &mut self,
        max_bytes: usize,
        mut take: impl FnMut(Entry<'_>),
    ) -> Result<usize> {
        let mut count = 0;
        while count == 0 {
            if self.damage.is_none() && self.ready.is_empty() && !self.fill(max_bytes.max(HEAD))? {
                return Ok(0);
            }
            if let Some(entry) = self.take_damage() {
                take(entry);
                count += 1;
            }
            // Out of `self` while its frames are handed out: a panic in `take` costs the buffer, not a record.
            let buf = std::mem::take(&mut self.buf);
            let mut ready = std::mem::take(&mut self.ready);
            while let Some(frame) = frame::trusted(&buf[ready.clone()], self.current.seal) {
                let start = ready.start;
                ready.start += frame.size();
                self.pass(ready.start, self.ends(&frame));
                if frame.kind != Kind::Base {
                    take(self.entry(start, frame));
                    count += 1;
                }
            }
            self.buf = buf;
        }
        Ok(count)
    }

    fn take_damage(&mut self) -> Option<Entry<'static>> {
        let (next, corrupt) = self.damage.take()?;
        let at = std::mem::replace(&mut self.position, next);
        Some(Entry { at, next, body: Body::Corrupt(corrupt) })
    }

    /// Whether nothing can follow the frame.
    fn ends(&self, frame: &Frame<'_>) -> bool {
        frame.kind == Kind::End
            && marks::parse_end(frame.payload)
                .is_some_and(|end| end.is_final() || self.header.kind == JournalKind::Import)
    }

    fn pass(&mut self, until: usize, ends: bool) {
        self.position.offset = self.buf_at + until as u64;
        self.ended |= ends;
    }

    fn entry<'a>(&self, start: usize, frame: Frame<'a>) -> Entry<'a> {
        let segment = self.current.number;
        let at = Position { segment, offset: self.buf_at + start as u64 };
        let size = frame.size() as u64;
        let next = Position { segment, offset: at.offset + size };
        // A checksum that fits over a payload that does not: written by a later version, or by a bug.
        let unreadable = Body::Corrupt(Corrupt { bytes: size, damage: Damage::Frames });
        Entry { at, next, body: body(frame).unwrap_or(unreadable) }
    }
}

fn body(frame: Frame<'_>) -> Option<Body<'_>> {
    let Frame { topic, partition, seq, payload, .. } = frame;
    Some(match frame.kind {
        Kind::Record => Body::Record { topic, partition, seq, payload },
        Kind::Heartbeat => {
            let (time_ms, last) = marks::parse_heartbeat(payload)?;
            Body::Heartbeat { time_ms, last }
        }
        Kind::Skip => Body::Skip { topic, partition, from: seq, to: marks::parse_skip(payload)? },
        Kind::End => Body::End(marks::parse_end(payload)?),
        Kind::Base => return None,
    })
}
