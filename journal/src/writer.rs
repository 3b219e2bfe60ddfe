//! Writing a journal: number, stage, commit a whole batch with one write, or nothing of it.
//! Single writer, synchronous, no clock and no random of its own: times and ids are arguments.

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::disk::{Disk, Lock};
use crate::error::{Error, Result, at};
use crate::frame::{self, Frame, HEAD, Kind, Seal};
use crate::header::{Identity, JournalKind, MachineId};
use crate::ids::{
    CommitMark, JournalId, Key, MAX_PAYLOAD, Partition, Seq, TopicId, check_partitions, check_slot,
};
use crate::layout::JournalRef;
use crate::marks::{self, Counters};
use crate::recover::Repair;
use crate::segment::{Place, Segment};
use crate::sync::{SyncHandle, SyncStats, Syncing};

mod open;

pub use open::{Import, Sealer};

/// Largest staged batch in bytes; what one event-loop tick accepts is far below.
pub const MAX_BATCH: usize = 16 << 20;

/// What a writer needs to know. `new` gives the defaults; the fields are there to change them.
#[derive(Clone)]
pub struct WriterConfig {
    pub root: PathBuf,
    pub slot: String,
    pub partitions: u16,
    pub key: Key,
    pub machine: MachineId,
    /// A segment is closed before it grows beyond this (64 MiB; a single larger batch gets a segment of its own).
    pub segment_bytes: u64,
    /// A segment is closed when it is older than this by the journal's own stamps (a day), so that a quiet journal
    /// is trimmed by age too.
    pub segment_ms: u64,
    /// A new incarnation is refused when an older one began more than this after now (an hour).
    pub most_behind_ms: u64,
    pub syncing: Syncing,
}

impl WriterConfig {
    pub fn new(root: impl Into<PathBuf>, slot: &str, partitions: u16, key: Key) -> Self {
        Self {
            root: root.into(),
            slot: slot.to_owned(),
            partitions,
            key,
            machine: MachineId::of_host(),
            segment_bytes: 64 << 20,
            segment_ms: 86_400_000,
            most_behind_ms: 3_600_000,
            // With 1-4 ms for the sync itself, power loss costs less than 50 ms.
            syncing: Syncing::Every(Duration::from_millis(40)),
        }
    }

    fn check(&self) -> Result<()> {
        check_slot(&self.slot)?;
        check_partitions(self.partitions)
    }
}

/// Counters for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterStats {
    pub commits: u64,
    pub failed_commits: u64,
    pub bytes: u64,
    pub segments: u64,
    pub sync: SyncStats,
}

/// The one writer of one journal. Dropped without [`Writer::end`] it leaves the journal as a crash would, but synced.
pub struct Writer {
    disk: Disk,
    config: WriterConfig,
    identity: Identity,
    dir: PathBuf,
    segment: Segment,
    batch: Vec<u8>,
    scratch: Vec<u8>,
    counters: Counters,
    /// The stamp the segment began with.
    begun_ms: u64,
    stamp_ms: u64,
    sync: SyncHandle,
    thread: Option<JoinHandle<()>>,
    stats: WriterStats,
    repaired: Repair,
    _locks: [Lock; 2],
}

impl Writer {
    pub fn journal(&self) -> JournalId {
        self.identity.journal
    }

    /// Where this journal lies.
    pub fn place(&self) -> JournalRef {
        JournalRef::new(&self.config.root, &self.config.slot, self.identity.journal)
    }

    pub fn kind(&self) -> JournalKind {
        self.identity.kind
    }

    pub fn partitions(&self) -> u16 {
        self.identity.partitions
    }

    pub fn start_ms(&self) -> u64 {
        self.identity.start_ms
    }

    /// The last heartbeat's stamp (the start before the first): an event stamped earlier would be late by the
    /// journal's own word, so stamp at least this, whatever the clock does.
    pub fn stamp_ms(&self) -> u64 {
        self.stamp_ms
    }

    /// The seq the next record of this topic and partition will carry; 0 if the journal has no such partition.
    pub fn next_seq(&mut self, topic: TopicId, partition: Partition) -> Seq {
        self.counters.next(topic, partition).map_or(0, |next| *next)
    }

    /// Bytes staged and not yet committed.
    pub fn staged_len(&self) -> usize {
        self.batch.len()
    }

    /// Appends a record to the batch in memory and gives its seq. Nothing is durable or visible before `commit`.
    pub fn stage(&mut self, topic: TopicId, partition: Partition, payload: &[u8]) -> Result<Seq> {
        check_room(self.batch.len(), payload.len())?;
        let next =
            self.counters.next(topic, partition).ok_or(Error::NoSuchPartition(topic, partition))?;
        let seq = *next;
        *next += 1;
        frame::push(
            &mut self.batch,
            &Frame { topic, partition, seq, ..Frame::mark(Kind::Record, payload) },
        );
        Ok(seq)
    }

    /// As `stage`, for a payload that contains its own seq (a click id does): `encode` appends it to an empty buffer.
    pub fn stage_with(
        &mut self,
        topic: TopicId,
        partition: Partition,
        encode: impl FnOnce(Seq, &mut Vec<u8>),
    ) -> Result<Seq> {
        let next =
            self.counters.next(topic, partition).ok_or(Error::NoSuchPartition(topic, partition))?;
        let seq = *next;
        // A buffer of its own: whatever `encode` does to it, or if it panics, the batch stays whole and the seq is
        // not used. The copy costs some 10 ns.
        self.scratch.clear();
        encode(seq, &mut self.scratch);
        check_room(self.batch.len(), self.scratch.len())?;
        *next += 1;
        let frame = Frame { topic, partition, seq, ..Frame::mark(Kind::Record, &self.scratch) };
        frame::push(&mut self.batch, &frame);
        Ok(seq)
    }

    /// Stages "I am alive, and have appended up to these seqs". `oldest_unappended_ms` is the time of the oldest
    /// event stamped and not yet staged, or now if there is none. The stamp never decreases.
    pub fn heartbeat(&mut self, oldest_unappended_ms: u64) -> Result<()> {
        self.stamp_ms = self.stamp_ms.max(oldest_unappended_ms);
        let mut payload = Vec::new();
        marks::heartbeat(&mut payload, self.stamp_ms, &self.counters);
        self.stage_mark(Kind::Heartbeat, &payload)
    }

    /// Declares that the seqs from the next one to `next_seq - 1` are no events, and goes on with `next_seq`.
    pub fn skip_to(&mut self, topic: TopicId, partition: Partition, next_seq: Seq) -> Result<()> {
        check_room(self.batch.len(), 8)?;
        let next =
            self.counters.next(topic, partition).ok_or(Error::NoSuchPartition(topic, partition))?;
        let from = *next;
        if next_seq < from {
            return Err(Error::SkipBack { next: from, to: next_seq });
        }
        if next_seq > from {
            *next = next_seq;
            let last = (next_seq - 1).to_le_bytes();
            let frame = Frame { topic, partition, seq: from, ..Frame::mark(Kind::Skip, &last) };
            frame::push(&mut self.batch, &frame);
        }
        Ok(())
    }

    /// Writes the staged batch with one write. When it fails, nothing of the batch is in the journal, its seqs are
    /// given out again, and the batch is empty; the next commit may succeed. An empty batch commits nothing.
    pub fn commit(&mut self) -> Result<CommitMark> {
        if self.batch.is_empty() {
            return Ok(CommitMark(self.segment.position()));
        }
        let written = self.write_batch();
        match &written {
            Ok(_) => {
                self.stats.commits += 1;
                self.stats.bytes += self.batch.len() as u64;
            }
            Err(_) => {
                self.stats.failed_commits += 1;
                self.counters = self.committed_counters();
            }
        }
        self.batch.clear();
        written
    }

    /// Asks when a commit is durable (acknowledge mode `fsync`).
    pub fn sync_handle(&self) -> SyncHandle {
        self.sync.clone()
    }

    /// What going on with an import had to repair; a `corrupt` above 0 means that lines are missing.
    pub fn repaired(&self) -> Repair {
        self.repaired
    }

    pub fn stats(&self) -> WriterStats {
        WriterStats { sync: self.sync.stats(), ..self.stats }
    }

    /// Commits what is staged, then the END record, and makes all of it durable. With no successor: a graceful stop
    /// (the slot's next start names itself in a further END) or the end of an import.
    pub fn end(mut self, successor: Option<(JournalId, u64)>) -> Result<()> {
        self.commit()?;
        let mut payload = Vec::new();
        marks::end(&mut payload, successor, "", self.stamp_ms, &self.counters);
        self.stage_mark(Kind::End, &payload)?;
        self.commit()?;
        self.segment.release();
        self.sync.sync_now().map_err(|e| at("sync", &self.dir)(std::io::Error::other(e)))
    }

    fn stage_mark(&mut self, kind: Kind, payload: &[u8]) -> Result<()> {
        check_room(self.batch.len(), payload.len())?;
        frame::push(&mut self.batch, &Frame::mark(kind, payload));
        Ok(())
    }

    fn write_batch(&mut self) -> Result<CommitMark> {
        let full = self.segment.len + self.batch.len() as u64 > self.config.segment_bytes;
        let used = self.segment.len > self.segment.begins_at;
        if self.segment.broken || self.sync.has_failed(self.segment.number) || (full && used) {
            self.rotate()?;
        } else if used && self.stamp_ms - self.begun_ms >= self.config.segment_ms {
            // Where there is no room for a new one, the old one goes on: nothing is lost by its age.
            let _ = self.rotate();
        }
        self.segment.append(&mut self.batch)?;
        self.sync.wrote(self.segment.len);
        Ok(CommitMark(self.segment.position()))
    }

    /// Counters without the staged batch.
    fn committed_counters(&self) -> Counters {
        let mut counters = self.counters.clone();
        let seal = Seal::new(self.identity.journal, 0, self.identity.partitions);
        let mut staged = Vec::new();
        let mut at = 0;
        while let Some(frame) = frame::trusted(&self.batch[at..], seal) {
            at += frame.size();
            staged.push(frame);
        }
        // Backwards, so that the earliest staged of each has the last word.
        for frame in staged.iter().rev().filter(|f| matches!(f.kind, Kind::Record | Kind::Skip)) {
            if let Some(next) = counters.next(frame.topic, frame.partition) {
                *next = frame.seq;
            }
        }
        counters
    }

    /// Closes the current segment and begins the next one, which says where this one ended.
    fn rotate(&mut self) -> Result<()> {
        let counters = self.committed_counters();
        let place = Place {
            disk: &self.disk,
            dir: &self.dir,
            identity: &self.identity,
            key: &self.config.key,
        };
        let next = Segment::begin(&place, self.segment.position(), self.stamp_ms, &counters)?;
        self.segment.release();
        self.sync.opened(next.number, next.file.clone(), next.len);
        self.segment = next;
        self.begun_ms = self.stamp_ms;
        self.stats.segments += 1;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sync.stop(self.thread.take());
    }
}

fn check_room(staged: usize, payload: usize) -> Result<()> {
    if payload > MAX_PAYLOAD {
        return Err(Error::TooLarge(payload));
    }
    if staged + HEAD + payload > MAX_BATCH {
        return Err(Error::BatchFull);
    }
    Ok(())
}
