//! Removing whole journals: drained to their END and old enough, or never written to.
//! At any moment of it a crash leaves something that can be removed by asking again.

use std::path::Path;

use crate::checkpoint;
use crate::disk::Disk;
use crate::error::{Error, Result, at};
use crate::frame::{Kind, Seal};
use crate::header::{HEADER_BYTES, JournalKind};
use crate::ids::{JournalId, Position};
use crate::layout::{aside_dir, segment_path, segments};
use crate::marks;
use crate::reader::any_header;
use crate::recover::lock;
use crate::scan::{Found, Window, walk};

/// Removes a journal's folder with all that is in it, if its checkpoint lies behind a final END and that was written
/// before `keep_from_ms` (by the journal's own stamp). `false`: it stays. Without it every start of a collector
/// would leave a folder for ever. What was kept aside goes too: look at it before.
pub fn forget(journal_dir: &Path, keep_from_ms: u64) -> Result<bool> {
    forget_on(&Disk::Real, journal_dir, keep_from_ms)
}

pub(crate) fn forget_on(disk: &Disk, dir: &Path, keep_from_ms: u64) -> Result<bool> {
    let Some(drained) = checkpoint::load_on(disk, dir)? else { return Ok(false) };
    let _lock = match lock(disk, dir) {
        Err(Error::Busy(_)) => return Ok(false),
        lock => lock?,
    };
    match ended(disk, dir)? {
        Some((end, time_ms)) if drained >= end && time_ms < keep_from_ms => {
            remove_folder(disk, dir)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Removes what a crash left while a journal was being created, or while it was being removed: no segment has more
/// than a header.
pub(crate) fn stillborn(disk: &Disk, dir: &Path) -> bool {
    let Ok(_lock) = lock(disk, dir) else { return false };
    let Ok(numbers) = segments(disk, dir) else { return false };
    let empty = |number: &u32| {
        let len = disk.open(&segment_path(dir, *number)).and_then(|file| file.len());
        len.is_ok_and(|len| len <= HEADER_BYTES as u64)
    };
    numbers.iter().all(empty) && remove_folder(disk, dir).is_ok()
}

/// Position behind the final END, and its time; `None` if the journal has none, or something follows it.
fn ended(disk: &Disk, dir: &Path) -> Result<Option<(Position, u64)>> {
    let numbers = segments(disk, dir)?;
    let name = dir.file_name().and_then(|name| name.to_str());
    let (Some(journal), Some(newest)) = (name.and_then(JournalId::parse), numbers.last().copied())
    else {
        return Ok(None);
    };
    let header = any_header(disk, dir, &numbers, journal)?;
    let path = segment_path(dir, newest);
    let file = disk.open(&path).map_err(at("open", &path))?;
    let mut window = Window::new(&file, file.len().map_err(at("read", &path))?);
    let seal = Seal::new(journal, newest, header.partitions);
    let mut time_ms = None;
    let offset = walk(&mut window, HEADER_BYTES as u64, seal, |_, found| {
        time_ms = match found {
            Found::Frame(frame) if frame.kind == Kind::End => marks::parse_end(frame.payload)
                .filter(|end| end.is_final() || header.kind == JournalKind::Import)
                .map(|end| end.time_ms),
            _ => None,
        };
    })
    .map_err(at("read", &path))?;
    Ok(time_ms.map(|time_ms| (Position { segment: newest, offset }, time_ms)))
}

/// Segments go first, the END last among them, so that what is left of it still says that it may go.
fn remove_folder(disk: &Disk, dir: &Path) -> Result<()> {
    let remove = |path: &Path| disk.remove_file(path).map_err(at("remove", path));
    for number in segments(disk, dir)? {
        remove(&segment_path(dir, number))?;
    }
    let aside = aside_dir(dir);
    for name in disk.list(&aside).map_err(at("list", &aside))? {
        remove(&aside.join(name))?;
    }
    for name in disk.list(dir).map_err(at("list", dir))? {
        let path = dir.join(&name);
        if path == aside {
            disk.remove_dir(&aside).map_err(at("remove", &aside))?;
        } else {
            remove(&path)?;
        }
    }
    disk.remove_dir(dir).map_err(at("remove", dir))?;
    let parent = dir.parent().unwrap_or(dir);
    disk.sync_dir(parent).map_err(at("sync", parent))
}
