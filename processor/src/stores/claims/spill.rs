//! Sorted files of claims behind bloom filters.
//!
//! An entry is `fingerprint u64 | milliseconds into the day u32`, little endian, sorted; a page holds
//! `PAGE` of them, and the first fingerprint of each page stays in memory, so that a lookup the
//! filter lets through reads one page. Files have no name and die with the process.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    iter::Peekable,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use bloomfilter::Bloom;

use crate::error::{Error, Result};

/// Bytes of an entry.
const ENTRY: usize = 12;
/// Entries of a page, near the 4 KiB a disk reads.
const PAGE: usize = 341;
/// One lookup of a thousand that is not there reads the disk.
const FALSE_POSITIVES: f64 = 0.001;
/// Fingerprints are keyed hashes: whoever chooses visitors cannot choose what the filter sees.
const SEED: [u8; 32] = [0x5a; 32];

/// One sorted file.
pub(super) struct Run {
    folder: PathBuf,
    file: File,
    entries: usize,
    /// The first fingerprint of each page.
    fences: Vec<u64>,
    /// `None` where memory does not allow one: then every lookup reads the disk.
    filter: Option<Bloom<u64>>,
}

/// A file being read from its beginning.
type Stream<'a> = Peekable<Box<dyn Iterator<Item = Result<(u64, u32)>> + 'a>>;

impl Run {
    /// Writes `count` sorted entries; the filter and fences may take `memory_bytes`.
    pub(super) fn write(
        folder: &Path,
        count: usize,
        memory_bytes: usize,
        entries: impl Iterator<Item = Result<(u64, u32)>>,
    ) -> Result<Self> {
        let fault = |source| Error::File { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(fault)?;
        let mut file = BufWriter::new(tempfile::tempfile_in(folder).map_err(fault)?);
        let mut filter = new_filter(count, memory_bytes);
        let mut fences = Vec::with_capacity(count / PAGE + 1);
        let mut written = 0;
        for entry in entries {
            let (fingerprint, offset_ms) = entry?;
            if written % PAGE == 0 {
                fences.push(fingerprint);
            }
            if let Some(filter) = &mut filter {
                filter.set(&fingerprint);
            }
            file.write_all(&fingerprint.to_le_bytes()).map_err(fault)?;
            file.write_all(&offset_ms.to_le_bytes()).map_err(fault)?;
            written += 1;
        }
        let file = file.into_inner().map_err(|error| fault(error.into_error()))?;
        Ok(Self { folder: folder.to_owned(), file, entries: written, fences, filter })
    }

    /// One file of several.
    pub(super) fn merge(folder: &Path, runs: &[Self], memory_bytes: usize) -> Result<Self> {
        let count = runs.iter().map(Self::count).sum();
        let mut streams = Vec::with_capacity(runs.len());
        for run in runs {
            streams.push(run.stream()?);
        }
        let next = move || {
            let heads = streams.iter_mut().filter_map(|stream| {
                let head = stream.peek().map(|head| *head.as_ref().unwrap_or(&(0, 0)))?;
                Some((head, stream))
            });
            heads.min_by_key(|(head, _)| *head).and_then(|(_, stream)| stream.next())
        };
        Self::write(folder, count, memory_bytes, std::iter::from_fn(next))
    }

    /// Whether an entry of the fingerprint has an offset that `near` takes.
    pub(super) fn holds(&self, fingerprint: u64, near: impl Fn(u32) -> bool) -> Result<bool> {
        if self.filter.as_ref().is_some_and(|filter| !filter.check(&fingerprint)) {
            return Ok(false);
        }
        // Equal fingerprints may begin on the page before the first fence that reaches theirs.
        let first = self.fences.partition_point(|fence| *fence < fingerprint).saturating_sub(1);
        let mut bytes = [0; PAGE * ENTRY];
        for page in first..self.fences.len() {
            if self.fences[page] > fingerprint {
                break;
            }
            let size = (self.entries - page * PAGE).min(PAGE) * ENTRY;
            let place = (page * PAGE * ENTRY) as u64;
            self.file
                .read_exact_at(&mut bytes[..size], place)
                .map_err(|source| self.fault(source))?;
            let found = bytes[..size]
                .chunks_exact(ENTRY)
                .map(entry)
                .any(|(held, offset_ms)| held == fingerprint && near(offset_ms));
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, |filter| filter.as_slice().len());
        filter + self.fences.capacity() * size_of::<u64>()
    }

    pub(super) const fn count(&self) -> usize {
        self.entries
    }

    fn stream(&self) -> Result<Stream<'_>> {
        let mut file = self.file.try_clone().map_err(|source| self.fault(source))?;
        std::io::Seek::rewind(&mut file).map_err(|source| self.fault(source))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let entries = (0..self.entries).map(move |_| {
            let mut bytes = [0; ENTRY];
            reader.read_exact(&mut bytes).map_err(|source| self.fault(source))?;
            Ok(entry(&bytes))
        });
        let entries: Box<dyn Iterator<Item = Result<(u64, u32)>>> = Box::new(entries);
        Ok(entries.peekable())
    }

    fn fault(&self, source: std::io::Error) -> Error {
        Error::File { path: self.folder.clone(), source }
    }
}

fn entry(bytes: &[u8]) -> (u64, u32) {
    let (mut fingerprint, mut offset_ms) = ([0; 8], [0; 4]);
    fingerprint.copy_from_slice(&bytes[..8]);
    offset_ms.copy_from_slice(&bytes[8..]);
    (u64::from_le_bytes(fingerprint), u32::from_le_bytes(offset_ms))
}

/// A filter for so many entries, if it fits.
fn new_filter(count: usize, memory_bytes: usize) -> Option<Bloom<u64>> {
    let bytes = Bloom::<u64>::compute_bitmap_size(count.max(1), FALSE_POSITIVES);
    let fences = count.div_ceil(PAGE) * size_of::<u64>();
    if bytes + fences > memory_bytes {
        return None;
    }
    Bloom::new_with_seed(bytes, count.max(1), &SEED).ok()
}
