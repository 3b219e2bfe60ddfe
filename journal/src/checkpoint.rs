//! How far a journal was drained, durably; and deleting what lies before that and is old enough.

use std::path::Path;

use crate::disk::Disk;
use crate::error::{Error, Result, at};
use crate::frame::{Seal, u64_at};
use crate::holder::replace_file;
use crate::ids::{JournalId, Position};
use crate::layout::{segment_path, segments};
use crate::reader::{any_header, with_base};

const NAME: &str = "checkpoint";
const MAGIC: &[u8; 8] = b"TRIBCHK1";
const BYTES: usize = 40;

/// What a trim deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trimmed {
    pub segments: u32,
    pub bytes: u64,
}

/// The position up to which the journal was drained. `None` if there is none, or none that can be read: resending
/// from the start does no harm, since repeated seqs are dropped.
pub fn load(journal_dir: &Path) -> Result<Option<Position>> {
    load_on(&Disk::Real, journal_dir)
}

/// Stores the position durably: written beside, synced, renamed, folder synced. Call it only for what the next
/// store has made durable.
pub fn store(journal_dir: &Path, position: Position) -> Result<()> {
    store_on(&Disk::Real, journal_dir, position)
}

/// Makes the checkpoint durable, then deletes the segments that lie entirely before it and end before
/// `keep_from_ms` (by the journal's own stamps). Never the newest one.
pub fn trim(journal_dir: &Path, checkpoint: Position, keep_from_ms: u64) -> Result<Trimmed> {
    trim_on(&Disk::Real, journal_dir, checkpoint, keep_from_ms)
}

/// Bytes of a journal behind a position: what is still to be drained.
pub fn backlog(journal_dir: &Path, from: Position) -> Result<u64> {
    backlog_on(&Disk::Real, journal_dir, from)
}

pub(crate) fn backlog_on(disk: &Disk, dir: &Path, from: Position) -> Result<u64> {
    let mut bytes = 0;
    for number in segments(disk, dir)?.into_iter().filter(|number| *number >= from.segment) {
        let path = segment_path(dir, number);
        let length = disk.open(&path).and_then(|file| file.len()).map_err(at("read", &path))?;
        let drained = if number == from.segment { from.offset } else { 0 };
        bytes += length.saturating_sub(drained);
    }
    Ok(bytes)
}

pub(crate) fn load_on(disk: &Disk, dir: &Path) -> Result<Option<Position>> {
    let path = dir.join(NAME);
    let file = match disk.open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(at("open", &path))?,
    };
    let mut b = [0; BYTES];
    let got = file.read_full_at(&mut b, 0).map_err(at("read", &path))?;
    let crc = u32::from_le_bytes([b[36], b[37], b[38], b[39]]);
    let whole = got == BYTES && &b[..8] == MAGIC && crc32c::crc32c(&b[..36]) == crc;
    if !whole || journal_of(dir) != Some(JournalId(u64_at(&b, 8))) {
        return Ok(None);
    }
    let segment = u32::from_le_bytes([b[16], b[17], b[18], b[19]]);
    Ok(Some(Position { segment, offset: u64_at(&b, 20) }))
}

pub(crate) fn store_on(disk: &Disk, dir: &Path, position: Position) -> Result<()> {
    let journal = journal_of(dir).ok_or_else(|| Error::NotFound(dir.to_path_buf()))?;
    let mut b = [0; BYTES];
    b[..8].copy_from_slice(MAGIC);
    b[8..16].copy_from_slice(&journal.0.to_le_bytes());
    b[16..20].copy_from_slice(&position.segment.to_le_bytes());
    b[20..28].copy_from_slice(&position.offset.to_le_bytes());
    let crc = crc32c::crc32c(&b[..36]);
    b[36..].copy_from_slice(&crc.to_le_bytes());
    replace_file(disk, dir, NAME, &b)
}

fn journal_of(dir: &Path) -> Option<JournalId> {
    JournalId::parse(dir.file_name()?.to_str()?)
}

pub(crate) fn trim_on(
    disk: &Disk,
    dir: &Path,
    checkpoint: Position,
    keep_from_ms: u64,
) -> Result<Trimmed> {
    if load_on(disk, dir)? != Some(checkpoint) {
        store_on(disk, dir, checkpoint)?;
    }
    let numbers = segments(disk, dir)?;
    let journal = journal_of(dir).ok_or_else(|| Error::NotFound(dir.to_path_buf()))?;
    let partitions = any_header(disk, dir, &numbers, journal)?.partitions;
    let mut trimmed = Trimmed::default();
    for (index, this) in numbers.iter().copied().enumerate() {
        let before_ms = begun_ms(disk, dir, journal, (&numbers[index + 1..], partitions))?;
        if this >= checkpoint.segment || before_ms.is_none_or(|ms| ms >= keep_from_ms) {
            break;
        }
        let path = segment_path(dir, this);
        let bytes = disk.open(&path).and_then(|f| f.len()).map_err(at("read", &path))?;
        disk.remove_file(&path).map_err(at("remove", &path))?;
        trimmed.segments += 1;
        trimmed.bytes += bytes;
    }
    if trimmed.segments > 0 {
        disk.sync_dir(dir).map_err(at("sync", dir))?;
    }
    Ok(trimmed)
}

/// The stamp at which the first of the segments with a readable base was begun: what lies before it is older.
fn begun_ms(disk: &Disk, dir: &Path, journal: JournalId, of: (&[u32], u16)) -> Result<Option<u64>> {
    for number in of.0 {
        let path = segment_path(dir, *number);
        let file = disk.open(&path).map_err(at("open", &path))?;
        let seal = Seal::new(journal, *number, of.1);
        let begun = with_base(&file, seal, |base| base.time_ms).map_err(at("read", &path))?;
        if begun.is_some() {
            return Ok(begun);
        }
    }
    Ok(None)
}
