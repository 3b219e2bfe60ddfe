//! Looking at a journal as a person would want to: what it is, how far it came, what is wrong with it.
//! Reads only, needs no hold on the journal, and shows no payload: what visitors sent stays inside.

use std::collections::BTreeMap;
use std::path::Path;

use crate::checkpoint;
use crate::disk::Disk;
use crate::error::{Error, Result, at};
use crate::frame::Seal;
use crate::header::Header;
use crate::holder;
use crate::ids::{JournalId, Key, Partition, Position, Seq, TopicId};
use crate::layout::{JournalRef, aside_dir, segment_path, segments};
use crate::marks::End;
use crate::reader::{Body, Corrupt, Entry, Reader, with_base};

mod print;
mod verify;

pub(crate) use verify::verify_on;
pub use verify::{Problem, Verification};

const READ_BYTES: usize = 4 << 20;

/// Most gaps and damaged stretches kept one by one; the rest is only counted.
const MAX_LISTED: usize = 100;

/// Everything worth knowing about one journal. Its `Display` is what `tributary journal inspect` prints.
#[derive(Debug)]
pub struct Inspection {
    pub place: JournalRef,
    pub header: Header,
    /// Whether the header was made with the collectors' key.
    pub genuine: bool,
    /// Whether this machine holds the original files, or an adopted copy.
    pub held: bool,
    pub segments: Vec<SegmentInfo>,
    /// By topic, then partition.
    pub streams: Vec<Stream>,
    pub heartbeats: Heartbeats,
    pub end: Option<EndInfo>,
    pub checkpoint: Option<Position>,
    pub damage: Vec<(Position, Corrupt)>,
    pub damaged: u64,
    /// Bytes behind the last whole batch: being written, or torn by a crash and not yet recovered.
    pub tail_bytes: u64,
    /// Behind the last whole batch.
    pub position: Position,
    /// Copies of damaged stretches that recovery kept.
    pub aside_files: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    pub number: u32,
    pub bytes: u64,
    /// The journal's stamp when it was begun; `None` for one not in use, or whose base is damaged.
    pub begun_ms: Option<u64>,
}

/// One (topic, partition).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    pub topic: TopicId,
    pub partition: Partition,
    /// First and last seq in the segments kept; 0 and 0 if none.
    pub first: Seq,
    pub last: Seq,
    pub records: u64,
    pub payload_bytes: u64,
    /// Seqs declared to be no events.
    pub skipped: u64,
    /// The latest seq a heartbeat or END announced.
    pub announced: Seq,
    /// Seqs that should be there and are not, as (from, to); at most the first hundred.
    pub gaps: Vec<(Seq, Seq)>,
    pub missing: u64,
    /// Records whose seq was not above the one before.
    pub repeated: u64,
    next: Seq,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heartbeats {
    pub count: u64,
    pub first_ms: u64,
    pub last_ms: u64,
    /// Longest silence between two.
    pub longest_ms: u64,
    /// Stamps lower than one before: never, if the writer is ours.
    pub backwards: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndInfo {
    pub successor: Option<(JournalId, u64)>,
    pub reason: String,
    pub time_ms: u64,
}

/// One record, without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordInfo {
    pub at: Position,
    pub topic: TopicId,
    pub partition: Partition,
    pub seq: Seq,
    pub payload_bytes: usize,
}

/// Reads the whole journal and tells what is in it.
pub fn inspect(root: &Path, slot: &str, journal: JournalId, key: &Key) -> Result<Inspection> {
    inspect_on(&Disk::Real, &JournalRef::new(root, slot, journal), key)
}

/// As [`inspect`], with everything that should not be listed as problems.
pub fn verify(root: &Path, slot: &str, journal: JournalId, key: &Key) -> Result<Verification> {
    verify_on(&Disk::Real, &JournalRef::new(root, slot, journal), key)
}

/// The records number `skip` to `skip + limit`, counted over the whole journal in its own order.
pub fn list_records(
    place: &JournalRef,
    key: &Key,
    skip: u64,
    limit: usize,
) -> Result<Vec<RecordInfo>> {
    let JournalRef { root, slot, journal } = place;
    let mut reader = Reader::open_any(root, slot, *journal, Position::START, key)?;
    let mut records = Vec::new();
    let mut seen = 0;
    while records.len() < limit {
        let read = reader.read_batch(READ_BYTES, |entry| {
            let Body::Record { topic, partition, seq, payload } = entry.body else { return };
            if seen >= skip && records.len() < limit {
                let payload_bytes = payload.len();
                records.push(RecordInfo { at: entry.at, topic, partition, seq, payload_bytes });
            }
            seen += 1;
        })?;
        if read == 0 {
            break;
        }
    }
    Ok(records)
}

pub(crate) fn inspect_on(disk: &Disk, place: &JournalRef, key: &Key) -> Result<Inspection> {
    let dir = place.dir();
    let mut reader = Reader::open_any_on(disk.clone(), place.clone(), Position::START, key)?;
    let mut found = Inspection {
        place: place.clone(),
        header: reader.header().clone(),
        genuine: reader.header().verify(key),
        held: match holder::check(disk, &dir, key) {
            Ok(()) => true,
            Err(Error::Copy(_)) => false,
            Err(e) => return Err(e),
        },
        segments: Vec::new(),
        streams: Vec::new(),
        heartbeats: Heartbeats::default(),
        end: None,
        checkpoint: checkpoint::load_on(disk, &dir)?,
        damage: Vec::new(),
        damaged: 0,
        tail_bytes: 0,
        position: Position::START,
        aside_files: disk.list(&aside_dir(&dir)).map_err(at("list", &dir))?.len(),
    };
    let mut streams = Streams::default();
    found.look_at_segments(disk, &dir, &mut streams)?;
    while reader.read_batch(READ_BYTES, |entry| found.note(&entry, &mut streams))? > 0 {}
    found.position = reader.position();
    let last = found.segments.iter().find(|s| s.number == found.position.segment);
    found.tail_bytes = last.map_or(0, |s| s.bytes.saturating_sub(found.position.offset));
    found.streams = streams.finish();
    Ok(found)
}

impl Inspection {
    fn look_at_segments(&mut self, disk: &Disk, dir: &Path, streams: &mut Streams) -> Result<()> {
        for number in segments(disk, dir)? {
            let path = segment_path(dir, number);
            let file = match disk.open(&path) {
                // Trimmed since it was listed.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                file => file.map_err(at("open", &path))?,
            };
            let bytes = file.len().map_err(at("read", &path))?;
            let seal = Seal::new(self.header.journal, number, self.header.partitions);
            let oldest = self.segments.is_empty();
            let begun_ms = with_base(&file, seal, |base| {
                // What was trimmed before the oldest segment is not missing.
                for (topic, partition, seq) in base.last.iter().filter(|_| oldest) {
                    streams.get(topic, partition).next = seq.saturating_add(1);
                }
                base.time_ms
            });
            self.segments.push(SegmentInfo {
                number,
                bytes,
                begun_ms: begun_ms.map_err(at("read", &path))?,
            });
        }
        Ok(())
    }

    fn note(&mut self, entry: &Entry<'_>, streams: &mut Streams) {
        match entry.body {
            Body::Record { topic, partition, seq, payload } => {
                let stream = streams.get(topic, partition);
                stream.records += 1;
                stream.payload_bytes += payload.len() as u64;
                stream.arrive(seq, seq);
            }
            Body::Skip { topic, partition, from, to } => {
                let stream = streams.get(topic, partition);
                let skipped = to.saturating_sub(from).saturating_add(1);
                stream.skipped = stream.skipped.saturating_add(skipped);
                stream.arrive(from, to);
            }
            Body::Heartbeat { time_ms, last } => {
                self.heartbeats.note(time_ms);
                last.iter().for_each(|(t, p, seq)| streams.get(t, p).announce(seq));
            }
            Body::End(End { successor, reason, time_ms, last }) => {
                self.end = Some(EndInfo { successor, reason: reason.to_owned(), time_ms });
                last.iter().for_each(|(t, p, seq)| streams.get(t, p).announce(seq));
            }
            Body::Corrupt(corrupt) => {
                self.damaged += 1;
                if self.damage.len() < MAX_LISTED {
                    self.damage.push((entry.at, corrupt));
                }
            }
        }
    }
}

impl Heartbeats {
    fn note(&mut self, time_ms: u64) {
        if self.count == 0 {
            self.first_ms = time_ms;
        } else {
            self.longest_ms = self.longest_ms.max(time_ms.saturating_sub(self.last_ms));
        }
        self.backwards += u64::from(time_ms < self.last_ms);
        self.count += 1;
        self.last_ms = self.last_ms.max(time_ms);
    }
}

#[derive(Default)]
struct Streams(BTreeMap<(TopicId, Partition), Stream>);

impl Streams {
    fn get(&mut self, topic: TopicId, partition: Partition) -> &mut Stream {
        self.0.entry((topic, partition)).or_insert_with(|| Stream {
            topic,
            partition,
            first: 0,
            last: 0,
            records: 0,
            payload_bytes: 0,
            skipped: 0,
            announced: 0,
            gaps: Vec::new(),
            missing: 0,
            repeated: 0,
            next: 1,
        })
    }

    /// What was announced last and never came is missing too.
    fn finish(mut self) -> Vec<Stream> {
        for stream in self.0.values_mut().filter(|s| s.announced >= s.next) {
            let (from, to) = (stream.next, stream.announced);
            stream.miss(from, to);
        }
        self.0.into_values().collect()
    }
}

impl Stream {
    fn arrive(&mut self, from: Seq, to: Seq) {
        if from < self.next {
            self.repeated += 1;
        } else if from > self.next {
            self.miss(self.next, from - 1);
        }
        if self.first == 0 {
            self.first = from;
        }
        self.last = self.last.max(to);
        self.next = self.next.max(to.saturating_add(1));
    }

    fn announce(&mut self, seq: Seq) {
        self.announced = self.announced.max(seq);
    }

    fn miss(&mut self, from: Seq, to: Seq) {
        self.missing = self.missing.saturating_add((to - from).saturating_add(1));
        if self.gaps.len() < MAX_LISTED {
            self.gaps.push((from, to));
        }
    }
}
