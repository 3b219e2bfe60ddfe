//! Everything that can go wrong with a journal, in one enum.

use std::io;
use std::path::{Path, PathBuf};

use crate::ids::{JournalId, MAX_PARTITIONS, MAX_PAYLOAD, Partition, Position, Seq, TopicId};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No room for the batch or for a new segment. The batch was rolled back; the same commit may succeed once
    /// there is room again, without opening anything anew.
    #[error("disk is full at {}", .0.display())]
    DiskFull(PathBuf),
    #[error("cannot {what} {}: {source}", .path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("payload of {0} bytes is over the limit of {MAX_PAYLOAD}")]
    TooLarge(usize),
    /// The staged batch has reached its limit: commit, then stage again.
    #[error("the staged batch is full")]
    BatchFull,
    #[error("journal has no topic {} with partition {}", .0.0, .1.0)]
    NoSuchPartition(TopicId, Partition),
    #[error("cannot skip back to seq {to}: the next one is {next}")]
    SkipBack { next: Seq, to: Seq },
    #[error(
        "slot name {0:?} must be 1 to 64 of a-z, 0-9, dot, dash and underscore, and not begin with a dot"
    )]
    SlotName(String),
    #[error("{0} partitions: a journal has between 1 and {MAX_PARTITIONS}")]
    Partitions(u16),
    #[error("journal {0} exists already")]
    Exists(JournalId),
    #[error("no journal at {}", .0.display())]
    NotFound(PathBuf),
    /// Another process holds the slot or the journal.
    #[error("{} is in use by a running process", .0.display())]
    Busy(PathBuf),
    /// The files were copied or restored: machine id, device or inode differ from the header.
    #[error("{} is a copy, its original may still be drained elsewhere: run `journal adopt` if it is not", .0.display())]
    Copy(PathBuf),
    #[error("{} is held by the machine that wrote it: there is nothing to adopt", .0.display())]
    NothingToAdopt(PathBuf),
    #[error("header of {} was not made with the collectors' key", .0.display())]
    Forged(PathBuf),
    #[error("no readable header in {}", .0.display())]
    BadHeader(PathBuf),
    #[error("journal {0} has ended")]
    Ended(JournalId),
    #[error(
        "import {journal} was begun with {was} partitions, not {now}: its options belong into its id"
    )]
    OtherImport { journal: JournalId, was: u16, now: u16 },
    /// A new incarnation must not begin before an earlier one did; waiting so long would hold every stamp still.
    #[error(
        "the clock says {now_ms} ms since 1970 and {} began at {start_ms}, {} minutes later: set the clock right; if it was wrong then, have the journal drained and move its folder away",
        .journal.display(), (start_ms - now_ms) / 60_000
    )]
    ClockBehind { journal: PathBuf, start_ms: u64, now_ms: u64 },
    /// The position lies before the oldest segment kept.
    #[error("position {wanted} was trimmed, the oldest segment kept is {oldest}")]
    Trimmed { wanted: Position, oldest: u32 },
    #[error("a reason is needed, of at most {} bytes", crate::marks::MAX_REASON)]
    Reason,
}

/// Why a commit mark will never be reported durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// `fdatasync` failed on the mark's segment. It is never tried again: the bytes may or may not be on the disk.
    #[error("the segment could not be made durable")]
    Failed,
    /// More marks are waited for than the journal keeps; treat the event as not acknowledged.
    #[error("too many events wait to be durable")]
    TooMany,
    #[error("the journal was closed before the mark was durable")]
    Closed,
}

impl Error {
    /// Whether the disk is full: answer `503` and go on, it heals by itself.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull(_))
    }
}

/// Names the deed and the file of an I/O error, and tells a full disk (or quota) from the rest.
pub(crate) fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull(path),
        _ => Error::Io { what, path, source },
    }
}
