//! A generation: the claims of one day of event time, exact. In memory a hash table of 13 bytes a
//! place; what was too much for memory lies in sorted files.

use std::path::Path;

use hashbrown::HashTable;

use super::spill::Run;
use crate::error::Result;

/// Event time a generation covers.
pub(super) const GENERATION_MS: u64 = 86_400_000;
/// Tables of a generation: each grows by itself, so that the old half beside the new one is a sixteenth of all.
const TABLES: usize = 16;
/// Files of a generation before they are merged into one.
const MOST_RUNS: usize = 8;

/// A claim: fingerprint of (site, program, visitor key) and the claimant's event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) fingerprint: u64,
    pub(super) time_ms: u64,
}

/// An entry within its day, as small as it gets.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
struct Packed {
    fingerprint: u64,
    offset_ms: u32,
}

const EMPTY: [HashTable<Packed>; TABLES] = [const { HashTable::new() }; TABLES];

/// The claims of a day.
pub(super) struct Generation {
    begin_ms: u64,
    tables: [HashTable<Packed>; TABLES],
    runs: Vec<Run>,
}

impl Entry {
    pub(super) const fn new(fingerprint: u64, time_ms: u64) -> Self {
        Self { fingerprint, time_ms }
    }

    pub(super) const fn day(self) -> u64 {
        self.time_ms / GENERATION_MS
    }

    /// Milliseconds into its day.
    pub(super) const fn offset_ms(self) -> u32 {
        (self.time_ms % GENERATION_MS) as u32
    }
}

impl Generation {
    pub(super) const fn new(day: u64) -> Self {
        Self { begin_ms: day * GENERATION_MS, tables: EMPTY, runs: Vec::new() }
    }

    /// Whether a claim of the fingerprint lies less than `window_ms` from a time.
    pub(super) fn holds(&self, fingerprint: u64, time_ms: u64, window_ms: u64) -> Result<bool> {
        let near =
            |offset_ms: u32| (self.begin_ms + u64::from(offset_ms)).abs_diff(time_ms) < window_ms;
        let same = |held: &Packed| held.fingerprint == fingerprint && near(held.offset_ms);
        if self.tables[table(fingerprint)].find(fingerprint, same).is_some() {
            return Ok(true);
        }
        for run in &self.runs {
            if run.holds(fingerprint, near)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        let packed = Packed { fingerprint: entry.fingerprint, offset_ms: entry.offset_ms() };
        let table = &mut self.tables[table(entry.fingerprint)];
        table.insert_unique(entry.fingerprint, packed, |held| held.fingerprint);
    }

    /// Takes one claim back that was made since the last spill.
    pub(super) fn remove(&mut self, entry: Entry) {
        let same = |held: &Packed| {
            held.fingerprint == entry.fingerprint && held.offset_ms == entry.offset_ms()
        };
        let table = &mut self.tables[table(entry.fingerprint)];
        if let Ok(held) = table.find_entry(entry.fingerprint, same) {
            held.remove();
        }
    }

    pub(super) fn set_bytes(&self) -> usize {
        self.tables.iter().map(HashTable::allocation_size).sum()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.set_bytes() + self.runs.iter().map(Run::memory_bytes).sum::<usize>()
    }

    pub(super) fn count(&self) -> usize {
        self.tables.iter().map(HashTable::len).sum::<usize>()
            + self.runs.iter().map(Run::count).sum::<usize>()
    }

    /// Moves the set to a file in `folder`. Its filter may take `room_bytes`; a file whose filter
    /// does not fit has none, and is always read.
    pub(super) fn spill(&mut self, folder: &Path, room_bytes: usize) -> Result<()> {
        let held = self.tables.iter().flatten();
        let mut entries: Vec<(u64, u32)> =
            held.map(|held| (held.fingerprint, held.offset_ms)).collect();
        entries.sort_unstable();
        let freed: usize = self.runs.iter().map(Run::memory_bytes).sum();
        self.runs.push(Run::write(folder, entries.len(), room_bytes, entries.into_iter().map(Ok))?);
        self.tables = EMPTY;
        if self.runs.len() >= MOST_RUNS {
            let merged = Run::merge(folder, &self.runs, room_bytes + freed)?;
            self.runs = vec![merged];
        }
        Ok(())
    }
}

/// Whose table: by bits that a table itself does not look at, whatever its size.
const fn table(fingerprint: u64) -> usize {
    (fingerprint >> 48) as usize % TABLES
}
