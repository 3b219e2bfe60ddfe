//! One segment file being written: made durable before use, room kept ahead, each batch one write or nothing.
//! It knows nothing of numbering; the writer says what goes in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::error::{Result, at};
use crate::frame::{self, Frame, Kind, Seal};
use crate::header::{HEADER_BYTES, Header, Identity};
use crate::ids::{Key, Position};
use crate::layout::{segment_path, segments};
use crate::marks::{self, Counters};

/// Room is asked for in steps of this many bytes, so that a full disk is met between batches and not inside one.
const STEP: u64 = 4 << 20;

pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) file: Arc<DiskFile>,
    /// End of the last batch written.
    pub(crate) len: u64,
    /// End of its base: a segment is used once it is longer.
    pub(crate) begins_at: u64,
    /// Nothing more may be written here: a write or a sync failed, or what it left could not be removed.
    pub(crate) broken: bool,
    path: PathBuf,
    seal: Seal,
    /// Bytes the file system has promised; `None` where it makes no promises.
    room: Option<u64>,
}

/// Where segments of a journal are made, and in whose name.
pub(crate) struct Place<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) dir: &'a Path,
    pub(crate) identity: &'a Identity,
    pub(crate) key: &'a Key,
}

impl Segment {
    /// Begins the next segment: file and folder durable, and a base that says where the journal ended before and how
    /// far each seq had come. Leaves nothing behind when it fails. The number is above all there are.
    pub(crate) fn begin(
        place: &Place<'_>,
        previous: Position,
        stamp_ms: u64,
        counters: &Counters,
    ) -> Result<Self> {
        let number = segments(place.disk, place.dir)?.last().map_or(1, |last| last + 1);
        let path = segment_path(place.dir, number);
        let file = place.disk.create_new(&path).map_err(at("create", &path))?;
        let begun = put_header(&file, place, number).map_err(at("begin", &path)).and_then(|()| {
            let mut segment = Self::empty(place, number, &path, file);
            let mut payload = Vec::new();
            marks::base(&mut payload, previous, stamp_ms, counters);
            let mut batch = Vec::new();
            frame::push(&mut batch, &Frame::mark(Kind::Base, &payload));
            segment.append(&mut batch)?;
            segment.begins_at = segment.len;
            Ok(segment)
        });
        if begun.is_err() {
            // The error that matters is the first one; a file that stays is one nobody has used.
            let _ = place.disk.remove_file(&path);
        }
        begun
    }

    fn empty(place: &Place<'_>, number: u32, path: &Path, file: DiskFile) -> Self {
        Self {
            number,
            file: Arc::new(file),
            len: HEADER_BYTES as u64,
            begins_at: HEADER_BYTES as u64,
            broken: false,
            path: path.to_path_buf(),
            seal: Seal::new(place.identity.journal, number, place.identity.partitions),
            room: Some(HEADER_BYTES as u64),
        }
    }

    pub(crate) fn position(&self) -> Position {
        Position { segment: self.number, offset: self.len }
    }

    /// Writes one batch at the end, or nothing. After a failed write the segment is broken: its space is never
    /// written twice, so that a reader in the middle of it cannot see one batch end in another.
    pub(crate) fn append(&mut self, batch: &mut [u8]) -> Result<()> {
        self.keep_room(batch.len() as u64).map_err(at("allocate", &self.path))?;
        frame::close_batch(batch, self.seal);
        if let Err(e) = self.file.write_all_at(batch, self.len) {
            self.broken = true;
            // Whether it works or not, the next segment says where this one ends.
            let _ = self.file.set_len(self.len);
            return Err(at("append to", &self.path)(e));
        }
        self.len += batch.len() as u64;
        Ok(())
    }

    /// Gives back the room kept behind the last batch.
    pub(crate) fn release(&self) {
        if self.room.is_some_and(|room| room > self.len) {
            // Only space is at stake.
            let _ = self.file.set_len(self.len);
        }
    }

    fn keep_room(&mut self, bytes: u64) -> io::Result<()> {
        let Some(room) = self.room else { return Ok(()) };
        let needed = self.len + bytes;
        if needed <= room {
            return Ok(());
        }
        let wanted = needed.max(room + STEP);
        let got = match self.file.allocate(room, wanted - room) {
            Ok(()) => wanted,
            Err(e) if e.kind() == io::ErrorKind::StorageFull => {
                self.file.allocate(room, needed - room)?;
                needed
            }
            Err(e) if no_promises(&e) => {
                self.room = None;
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        self.room = Some(got);
        Ok(())
    }
}

fn no_promises(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

fn put_header(file: &DiskFile, place: &Place<'_>, number: u32) -> io::Result<()> {
    let header = Header::sign(place.identity, number, file.identity()?, place.key);
    file.write_all_at(&header.to_bytes(), 0)?;
    file.sync_all()?;
    place.disk.sync_dir(place.dir)
}
