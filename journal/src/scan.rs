//! Going through the frames of one segment: what is valid, what is corrupt, where the tail is torn.
//! Reads only. Whatever the bytes are, it comes to the end.

use std::io;

use crate::disk::DiskFile;
use crate::frame::{self, Checked, Frame, MAX_FRAME, Seal};

const CHUNK: usize = 2 * MAX_FRAME;

/// A part of a file in memory that slides forward.
pub(crate) struct Window<'f> {
    file: &'f DiskFile,
    /// Nothing from here on is looked at.
    end: u64,
    start: u64,
    buf: Vec<u8>,
    filled: usize,
}

impl<'f> Window<'f> {
    pub(crate) fn new(file: &'f DiskFile, end: u64) -> Self {
        Self { file, end, start: 0, buf: Vec::new(), filled: 0 }
    }

    /// The bytes from `offset` on: at least a largest frame, unless the end comes before.
    pub(crate) fn from(&mut self, offset: u64) -> io::Result<&[u8]> {
        let have = self.start..self.start + self.filled as u64;
        let complete = have.end >= self.end || have.end.saturating_sub(offset) >= MAX_FRAME as u64;
        if !have.contains(&offset) || !complete {
            let size = self.end.saturating_sub(offset).min(CHUNK as u64) as usize;
            if self.buf.len() < size {
                self.buf = vec![0; size];
            }
            self.filled = self.file.read_full_at(&mut self.buf[..size], offset)?;
            self.start = offset;
            if self.filled < size {
                self.end = offset + self.filled as u64;
            }
        }
        let skip = (offset - self.start) as usize;
        Ok(self.buf.get(skip..self.filled).unwrap_or_default())
    }
}

#[derive(Debug)]
pub(crate) enum Found<'a> {
    Frame(Frame<'a>),
    /// Bytes that are no valid frame, with something valid, or the look of a whole frame, behind or in them.
    Corrupt {
        bytes: u64,
    },
    /// The end of the file: a frame cut short, or zeros, and nothing valid behind it.
    Torn {
        bytes: u64,
    },
}

/// Where the next valid frame begins, at `from` or later.
pub(crate) fn next_valid(
    window: &mut Window<'_>,
    from: u64,
    seal: Seal,
) -> io::Result<Option<u64>> {
    let mut offset = from;
    loop {
        let end = window.end;
        let bytes = window.from(offset)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let last_chunk = offset + bytes.len() as u64 >= end;
        // Stay where a whole frame surely fits into the window, unless there is no more file.
        let starts = if last_chunk { bytes.len() } else { bytes.len() - MAX_FRAME + 1 };
        let valid =
            (0..starts).find(|at| matches!(frame::check(&bytes[*at..], seal), Checked::Valid(_)));
        if let Some(at) = valid {
            return Ok(Some(offset + at as u64));
        }
        if last_chunk {
            return Ok(None);
        }
        offset += starts as u64;
    }
}

/// The end of the damage that begins at `offset`: the next valid frame, if there is any. Looks first where the
/// damaged frame says it ends, since its payload may hold anything.
pub(crate) fn damage_end(
    window: &mut Window<'_>,
    offset: u64,
    seal: Seal,
) -> io::Result<Option<u64>> {
    if let Checked::Corrupt(size) = frame::check(window.from(offset)?, seal) {
        let behind = offset + size as u64;
        if let Checked::Valid(_) = frame::check(window.from(behind)?, seal) {
            return Ok(Some(behind));
        }
    }
    next_valid(window, offset + 1, seal)
}

/// Calls `visit` with every piece from `from` to the end of the window, in order, and gives the offset where a torn
/// tail begins, or the end.
pub(crate) fn walk(
    window: &mut Window<'_>,
    from: u64,
    seal: Seal,
    mut visit: impl FnMut(u64, Found<'_>),
) -> io::Result<u64> {
    let mut offset = from;
    loop {
        let bytes = window.from(offset)?;
        if bytes.is_empty() {
            return Ok(offset);
        }
        let corrupt = match frame::check(bytes, seal) {
            Checked::Valid(frame) => {
                visit(offset, Found::Frame(frame));
                offset += frame.size() as u64;
                continue;
            }
            Checked::Corrupt(size) => Some(size as u64),
            Checked::Short | Checked::Nonsense => None,
        };
        match (damage_end(window, offset, seal)?, corrupt) {
            (Some(valid), _) => {
                visit(offset, Found::Corrupt { bytes: valid - offset });
                offset = valid;
            }
            // Whole but wrong, at the very end: it is evidence, not a torn write.
            (None, Some(size)) => {
                visit(offset, Found::Corrupt { bytes: size });
                offset += size;
            }
            (None, None) => {
                visit(offset, Found::Torn { bytes: window.end - offset });
                return Ok(offset);
            }
        }
    }
}
