//! What is done with a journal nobody writes any more: its torn tail cut, damage kept aside, its END written.
//! A live incarnation is never opened for writing again; only an import goes on, in a new segment.

use std::path::{Path, PathBuf};

use crate::checkpoint;
use crate::disk::{Disk, DiskFile, Lock};
use crate::error::{Error, Result, at};
use crate::frame::{self, Frame, Kind, Seal};
use crate::header::{HEADER_BYTES, Header, JournalKind, MachineId};
use crate::holder;
use crate::ids::{JournalId, Key, Partition, Position, Seq, TopicId};
use crate::layout::{JournalRef, aside_dir, journals_of, segment_path, segments};
use crate::marks::{self, Counters};
use crate::reader::{Use, any_header, usage};
use crate::remove;
use crate::scan::{Found, Window, walk};
use crate::segment::{Place, Segment};

/// What sealing the older journals of a slot came to.
#[derive(Debug, Default)]
pub struct Recovered {
    pub sealed: Vec<Sealed>,
    /// Journals left as they are, and why: an alarm, not a reason not to start.
    pub refused: Vec<(JournalRef, Error)>,
}

/// A journal that was given its END.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub place: JournalRef,
    pub successor: Option<(JournalId, u64)>,
    pub repair: Repair,
    /// Last seq of each (topic, partition) that has any.
    pub last: Vec<(TopicId, Partition, Seq)>,
}

/// What recovery found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repair {
    /// Bytes of a torn tail, truncated.
    pub torn_bytes: u64,
    /// Stretches that are no valid frames, left in place and copied to `aside/`.
    pub corrupt: u64,
    pub corrupt_bytes: u64,
}

/// A journal's end as recovery left it.
pub(crate) struct Tail {
    pub(crate) header: Header,
    pub(crate) counters: Counters,
    pub(crate) stamp_ms: u64,
    pub(crate) end: Option<Ended>,
    pub(crate) position: Position,
    pub(crate) repair: Repair,
}

pub(crate) struct Ended {
    pub(crate) last: bool,
}

/// Ends every older journal of the slot with a record naming its successor. The caller holds the slot.
pub(crate) fn seal_previous(
    disk: &Disk,
    current: &JournalRef,
    start_ms: u64,
    key: &Key,
) -> Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut older = Vec::new();
    for place in journals_of(disk, &current.root, &current.slot)? {
        if place.journal == current.journal {
            continue;
        }
        match header_of(disk, &place) {
            Ok(header) if header.kind == JournalKind::Live => older.push((header.start_ms, place)),
            Ok(_) => {}
            Err(_) if remove::stillborn(disk, &place.dir()) => {}
            Err(e) => recovered.refused.push((place, e)),
        }
    }
    older.sort();
    for index in 0..older.len() {
        let next = older.get(index + 1).map(|(start, place)| (place.journal, *start));
        let place = &older[index].1;
        match seal(disk, place, key, &Why::Follows(next.unwrap_or((current.journal, start_ms)))) {
            Ok(sealed) => recovered.sealed.extend(sealed),
            Err(e) => recovered.refused.push((place.clone(), e)),
        }
    }
    Ok(recovered)
}

/// Ends a journal that no collector will follow up, saying why. Refused while a process writes it, and for a copy.
pub fn retire(
    root: &Path,
    slot: &str,
    journal: JournalId,
    key: &Key,
    reason: &str,
) -> Result<Sealed> {
    retire_on(&Disk::Real, &JournalRef::new(root, slot, journal), key, reason)
}

pub(crate) fn retire_on(
    disk: &Disk,
    place: &JournalRef,
    key: &Key,
    reason: &str,
) -> Result<Sealed> {
    holder::check_reason(reason)?;
    seal(disk, place, key, &Why::Retired(reason))?.ok_or(Error::Ended(place.journal))
}

enum Why<'a> {
    Follows((JournalId, u64)),
    Retired(&'a str),
}

/// `None`: it was sealed before.
fn seal(disk: &Disk, place: &JournalRef, key: &Key, why: &Why<'_>) -> Result<Option<Sealed>> {
    let dir = place.dir();
    let _lock = lock(disk, &dir)?;
    let tail = repair(disk, place, key)?;
    if tail.end.is_some_and(|end| end.last) {
        return Ok(None);
    }
    let (successor, reason) = match why {
        Why::Follows(next) => (Some(*next), ""),
        Why::Retired(reason) => (None, *reason),
    };
    let identity = tail.header.to_identity(MachineId::of_host());
    let at_place = Place { disk, dir: &dir, identity: &identity, key };
    // A segment of its own: what a crash or a failed sync left is not written to again, and a reader whose
    // position lies in what was lost still comes by the END.
    let mut segment = Segment::begin(&at_place, tail.position, tail.stamp_ms, &tail.counters)?;
    let mut payload = Vec::new();
    marks::end(&mut payload, successor, reason, tail.stamp_ms, &tail.counters);
    let mut batch = Vec::new();
    frame::push(&mut batch, &Frame::mark(Kind::End, &payload));
    segment.append(&mut batch)?;
    segment.release();
    segment.file.sync_all().map_err(at("sync", &dir))?;
    let last = tail.counters.last().collect();
    Ok(Some(Sealed { place: place.clone(), successor, repair: tail.repair, last }))
}

pub(crate) fn lock(disk: &Disk, dir: &Path) -> Result<Lock> {
    match disk.lock(dir) {
        Ok(lock) => lock.ok_or_else(|| Error::Busy(dir.to_path_buf())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::NotFound(dir.to_path_buf()))
        }
        Err(e) => Err(at("lock", dir)(e)),
    }
}

/// Whether anything was ever written: a journal, or what a crash at its creation left (which is removed).
pub(crate) fn exists(disk: &Disk, place: &JournalRef) -> Result<bool> {
    let dir = place.dir();
    if segments(disk, &dir)?.is_empty() {
        return Ok(false);
    }
    match header_of(disk, place) {
        Err(Error::BadHeader(_)) => Ok(!remove::stillborn(disk, &dir)),
        header => header.map(|_| true),
    }
}

pub(crate) fn header_of(disk: &Disk, place: &JournalRef) -> Result<Header> {
    let dir = place.dir();
    let numbers = segments(disk, &dir)?;
    if numbers.is_empty() {
        return Err(Error::NotFound(dir));
    }
    any_header(disk, &dir, &numbers, place.journal)
}

/// Repairs the journal and says how far it came. The caller holds its lock. A journal that is sealed for good is
/// only looked at.
pub(crate) fn repair(disk: &Disk, place: &JournalRef, key: &Key) -> Result<Tail> {
    let dir = place.dir();
    let header = header_of(disk, place)?;
    if !header.verify(key) {
        return Err(Error::Forged(dir));
    }
    holder::check(disk, &dir, key)?;
    let numbers = segments(disk, &dir)?;
    let Some(first) = numbers.first().copied() else { return Err(Error::NotFound(dir)) };
    let mut tail = Tail {
        counters: Counters::new(header.partitions),
        stamp_ms: header.start_ms,
        end: None,
        position: Position { segment: first, offset: HEADER_BYTES as u64 },
        repair: Repair::default(),
        header,
    };
    let mut scan = Scan { disk, dir: &dir, aside: Vec::new() };
    // From the newest backwards: of a journal that is sealed for good, and there may be many, only that is read.
    let mut later = Vec::new();
    for number in numbers.into_iter().rev() {
        let used = scan.look_at(number, &tail.header)?;
        let newest =
            matches!(used, Use::Used(_)) && !later.iter().any(|(_, u)| matches!(u, Use::Used(_)));
        if newest {
            scan.newest(number, &mut tail)?;
            if tail.end.as_ref().is_some_and(|end| end.last) {
                return Ok(tail);
            }
        }
        later.push((number, used));
    }
    later.reverse();
    scan.all_but_newest(&later, &mut tail)?;
    scan.keep_aside()?;
    Ok(tail)
}

struct Scan<'a> {
    disk: &'a Disk,
    dir: &'a Path,
    /// (segment, offset, bytes) to be kept aside.
    aside: Vec<(u32, u64, u64)>,
}

impl Scan<'_> {
    fn look_at(&self, number: u32, header: &Header) -> Result<Use> {
        let path = segment_path(self.dir, number);
        let file = self.disk.open(&path).map_err(at("open", &path))?;
        let seal = Seal::new(header.journal, number, header.partitions);
        usage(&file, seal).map_err(at("read", &path))
    }

    fn all_but_newest(&mut self, all: &[(u32, Use)], tail: &mut Tail) -> Result<()> {
        let newest = all.iter().rposition(|(_, used)| matches!(used, Use::Used(_)));
        let after = newest.map_or(0, |newest| newest + 1);
        for (number, _) in all[after..].iter().filter(|(_, used)| matches!(used, Use::Damaged)) {
            self.beyond(*number, tail)?;
        }
        // Older segments are searched only as far as they are not drained yet.
        let drained =
            checkpoint::load_on(self.disk, self.dir)?.map_or(0, |position| position.segment);
        for (index, (number, used)) in all.iter().enumerate().take(newest.unwrap_or(0)) {
            let next = all[index + 1..].iter().find_map(|(_, next)| match next {
                Use::Used(previous) => Some(*previous),
                _ => None,
            });
            let next = next.flatten();
            let void = next.is_some_and(|end| end.segment < *number) || matches!(used, Use::Unused);
            if !void {
                self.older(*number, next, *number < drained, tail)?;
            }
        }
        Ok(())
    }

    /// The newest segment in use: its torn tail is cut.
    fn newest(&mut self, number: u32, tail: &mut Tail) -> Result<()> {
        let path = segment_path(self.dir, number);
        let file = self.disk.open_write(&path).map_err(at("open", &path))?;
        let there = file.len().map_err(at("read", &path))?;
        let end = self.go_through(&file, (number, there), tail)?;
        tail.position = Position { segment: number, offset: end };
        if tail.end.as_ref().is_some_and(|end| end.last) {
            return Ok(());
        }
        // Also gives back room kept ahead. Then durable, whatever the page cache was about to do.
        file.set_len(end).map_err(at("truncate", &path))?;
        file.sync_all().map_err(at("sync", &path))
    }

    /// A segment behind the newest in use, with nothing valid in it: a crash at its creation, unless it holds what
    /// looks like whole frames.
    fn beyond(&mut self, number: u32, tail: &mut Tail) -> Result<()> {
        let (position, corrupt) = (tail.position, tail.repair.corrupt);
        self.newest(number, tail)?;
        if tail.repair.corrupt == corrupt {
            tail.position = position;
        }
        Ok(())
    }

    /// A segment before the newest: nothing is cut from it, and it is made durable as a whole.
    fn older(
        &mut self,
        number: u32,
        next: Option<Position>,
        drained: bool,
        tail: &mut Tail,
    ) -> Result<()> {
        let path = segment_path(self.dir, number);
        let file = self.disk.open(&path).map_err(at("open", &path))?;
        let there = file.len().map_err(at("read", &path))?;
        if !drained {
            let end =
                next.filter(|end| end.segment == number).map_or(there, |end| end.offset.min(there));
            let torn_before = tail.repair.torn_bytes;
            let stop = self.go_through(&file, (number, end), tail)?;
            let torn = std::mem::replace(&mut tail.repair.torn_bytes, torn_before) - torn_before;
            if torn > 0 {
                self.found_corrupt((number, stop, torn), tail);
            }
        }
        file.sync_all().map_err(at("sync", &path))
    }

    fn found_corrupt(&mut self, what: (u32, u64, u64), tail: &mut Tail) {
        tail.repair.corrupt += 1;
        tail.repair.corrupt_bytes += what.2;
        self.aside.push(what);
    }

    fn go_through(
        &mut self,
        file: &DiskFile,
        (number, end): (u32, u64),
        tail: &mut Tail,
    ) -> Result<u64> {
        let seal = Seal::new(tail.header.journal, number, tail.header.partitions);
        let mut window = Window::new(file, end);
        walk(&mut window, HEADER_BYTES as u64, seal, |offset, found| match found {
            Found::Frame(frame) => note(&frame, tail),
            Found::Corrupt { bytes } => self.found_corrupt((number, offset, bytes), tail),
            Found::Torn { bytes } => tail.repair.torn_bytes += bytes,
        })
        .map_err(at("read", &segment_path(self.dir, number)))
    }

    fn keep_aside(&self) -> Result<()> {
        for (number, offset, bytes) in &self.aside {
            let path = segment_path(self.dir, *number);
            let file = self.disk.open(&path).map_err(at("open", &path))?;
            keep_aside(self.disk, self.dir, &file, (*number, *offset, *bytes))?;
        }
        Ok(())
    }
}

/// Learns from a frame how far the journal had come.
fn note(frame: &Frame<'_>, tail: &mut Tail) {
    match frame.kind {
        Kind::Record => tail.counters.raise(frame.topic, frame.partition, frame.seq),
        Kind::Skip => {
            let last = marks::parse_skip(frame.payload).unwrap_or(frame.seq);
            tail.counters.raise(frame.topic, frame.partition, last);
        }
        Kind::Heartbeat => {
            if let Some((time_ms, last)) = marks::parse_heartbeat(frame.payload) {
                tail.stamp_ms = tail.stamp_ms.max(time_ms);
                tail.counters.set_last(last);
            }
        }
        Kind::Base => {
            if let Some(base) = marks::parse_base(frame.payload) {
                tail.stamp_ms = tail.stamp_ms.max(base.time_ms);
                tail.counters.set_last(base.last);
            }
        }
        Kind::End => {
            if let Some(end) = marks::parse_end(frame.payload) {
                let last = end.is_final() || tail.header.kind == JournalKind::Import;
                tail.end = Some(Ended { last });
                tail.stamp_ms = tail.stamp_ms.max(end.time_ms);
                tail.counters.set_last(end.last);
            }
        }
    }
}

/// Copies a stretch of a segment to `aside/`, once.
fn keep_aside(disk: &Disk, dir: &Path, from: &DiskFile, what: (u32, u64, u64)) -> Result<()> {
    let (number, offset, bytes) = what;
    let aside = aside_dir(dir);
    disk.create_dirs(&aside).map_err(at("create", &aside))?;
    let name = format!("{number:08}-{offset}.bad");
    let path: PathBuf = aside.join(&name);
    if disk.open(&path).is_ok() {
        return Ok(());
    }
    let mut copy = vec![0; bytes as usize];
    let got = from.read_full_at(&mut copy, offset).map_err(at("read", dir))?;
    holder::replace_file(disk, &aside, &name, &copy[..got])
}
