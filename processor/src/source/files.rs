//! The journals below a folder: finds new ones, refuses what is not ours, and hands out what they say in
//! turns, so that none waits for another's backlog.

use journal::{Body, Entry, Error as JournalError, JournalRef, Position, Reader};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use crate::{
    error::Result,
    journals::Journals,
    said::{Of, Said},
    stores::{
        dead_letters::{DeadLetter, Flaw},
        journals::Known,
        owner::Move,
    },
};

use super::{Found, Unread, density::Density};

/// Entries of one journal in a row before the next one has its turn.
const TURN: usize = 8192;

/// Bytes around a record, about.
const FRAME_BYTES: usize = 32;
/// A record and its frame, until some were seen.
const RECORD_BYTES: u64 = 300;
/// What was read further back says nothing of what comes.
const REMEMBERED_BYTES: u64 = 16 << 20;

/// A journal being read.
struct Open {
    journal: u64,
    reader: Reader,
    density: Density,
    /// Up to here it is committed.
    committed: Position,
    /// Everything there is now was read.
    dry: bool,
}

/// A journal's turn.
pub(crate) struct Turn<'a> {
    open: &'a mut Open,
    left: usize,
}

impl Turn<'_> {
    pub(super) fn journal(&self) -> u64 {
        self.open.journal
    }

    pub(super) fn next(&mut self) -> Result<Option<Said<'_>>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let Open { reader, density, dry, .. } = &mut *self.open;
        match reader.next()? {
            Some(entry) => {
                if let Body::Record { payload, .. } = entry.body {
                    density.put((payload.len() + FRAME_BYTES) as u64, 1);
                }
                Ok(Some(said(entry)))
            }
            None => {
                *dry = true;
                Ok(None)
            }
        }
    }
}

fn said(entry: Entry<'_>) -> Said<'_> {
    match entry.body {
        Body::Record { topic, partition, seq, payload } => {
            Said::Record { topic: topic.0, partition: partition.0, seq, payload }
        }
        Body::Skip { topic, partition, from, to } => {
            Said::Skip { topic: topic.0, partition: partition.0, from, to }
        }
        Body::Heartbeat { time_ms, last } => Said::Heartbeat { time_ms, of: Of::Every(last) },
        Body::End(end) => Said::End {
            time_ms: end.time_ms,
            of: Of::Every(end.last),
            successor: end.successor.map(|(journal, _)| journal.0),
            reason: end.reason,
            is_final: end.is_final(),
        },
        Body::Corrupt(what) => Said::Corrupt { at: entry.at, what },
    }
}

/// All journals that are read.
pub(crate) struct Files {
    root: PathBuf,
    key: journal::Key,
    /// Where to go on, of journals not opened yet.
    positions: BTreeMap<u64, Position>,
    open: Vec<Open>,
    /// Who has the next turn.
    next: usize,
    /// Read to their very end: nothing is left but to trim them.
    ended: Vec<(JournalRef, Position)>,
    /// Looked at and refused: named once in the log.
    refused: BTreeSet<u64>,
}

impl Files {
    /// Reads the journals below `root` from these positions on.
    pub(crate) fn new(root: PathBuf, key: journal::Key, positions: Vec<(u64, Position)>) -> Self {
        let positions = positions.into_iter().collect();
        let (open, ended, refused) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { root, key, positions, open, next: 0, ended, refused }
    }

    /// Looks for journals that are not read yet, and at all of them again: there may be more in each. One that
    /// cannot be opened does not stop the others.
    pub(super) fn discover(&mut self, known: &Journals) -> Result<Found> {
        let mut found = Found::default();
        for place in journal::journals(&self.root)? {
            let id = place.journal.0;
            let over = known.get(id).is_some_and(|one| !one.is_live());
            if over {
                self.keep_ended(place);
                continue;
            }
            if self.open.iter().any(|open| open.journal == id) {
                continue;
            }
            self.open_one(&place, known.get(id).is_some(), &mut found);
        }
        self.open.sort_by_key(|open| open.reader.header().start_ms);
        self.open.iter_mut().for_each(|open| open.dry = false);
        Ok(found)
    }

    /// The next one that has anything to say.
    pub(super) fn turn(&mut self) -> Option<Turn<'_>> {
        let count = self.open.len();
        let ready = |n: &usize| !self.open[*n].dry && !self.waits(*n);
        let n = (0..count).map(|step| (self.next + step) % count).find(ready)?;
        self.next = n + 1;
        Some(Turn { open: &mut self.open[n], left: TURN })
    }

    /// Whether an older incarnation of the same slot has something left: a visitor's clicks are decided
    /// in the order they were made in, also across a collector's restart.
    fn waits(&self, n: usize) -> bool {
        let slot = &self.open[n].reader.place().slot;
        self.open[..n].iter().any(|older| !older.dry && older.reader.place().slot == *slot)
    }

    fn keep_ended(&mut self, place: JournalRef) {
        let known = self.ended.iter().any(|(ended, _)| *ended == place);
        if let (false, Some(position)) = (known, self.positions.get(&place.journal.0)) {
            self.ended.push((place, *position));
        }
    }

    fn open_one(&mut self, place: &JournalRef, known: bool, found: &mut Found) {
        let committed = self.positions.get(&place.journal.0).copied().unwrap_or(Position::START);
        match self.reader(place, committed) {
            Ok(reader) => {
                if !known {
                    found.fresh.push(Known::of(reader.header()));
                }
                let journal = place.journal.0;
                self.refused.remove(&journal);
                let density = Density::new(RECORD_BYTES, REMEMBERED_BYTES);
                self.open.push(Open { journal, reader, density, committed, dry: false });
            }
            // Being made just now: next time.
            Err(JournalError::NotFound(_) | JournalError::BadHeader(_)) => {}
            Err(JournalError::Forged(_)) => {
                if self.refused.insert(place.journal.0) {
                    tracing::error!(journal = %place.journal, "a journal that is not ours is not read");
                    found.forged.extend(self.forged(place));
                }
            }
            Err(error) => {
                if self.refused.insert(place.journal.0) {
                    tracing::error!(journal = %place.journal, %error, "a journal cannot be read");
                }
            }
        }
    }

    /// Reads on where it was committed. Where the segments from there on are gone (PostgreSQL restored
    /// from a backup older than they are kept) with the oldest there is: what is missing shows as a hole
    /// with the next heartbeat, and holds `as_of` until somebody declares it lost.
    fn reader(&self, place: &JournalRef, from: Position) -> journal::Result<Reader> {
        let open = |from| Reader::open(&place.root, &place.slot, place.journal, from, &self.key);
        match open(from) {
            Err(JournalError::Trimmed { wanted, oldest }) => {
                tracing::error!(journal = %place.journal, %wanted, oldest, "segments are gone before they were read");
                open(Position::START)
            }
            other => other,
        }
    }

    /// The header of a journal that was not made with our keys, for the dead letters.
    fn forged(&self, place: &JournalRef) -> Option<DeadLetter> {
        let reader =
            Reader::open_any(&place.root, &place.slot, place.journal, Position::START, &self.key)
                .ok()?;
        Some(DeadLetter {
            journal: place.journal.0,
            topic: 0,
            partition: 0,
            seq: 0,
            flaw: Flaw::Foreign,
            reason: format!(
                "journal {} in slot {} was not made with our keys",
                place.journal, place.slot
            ),
            bytes: reader.header().to_bytes().to_vec(),
            is_received: false,
        })
    }

    /// Whether a journal lies below the root, whoever may read it.
    pub(super) fn has_files(&self, journal: u64) -> Result<bool> {
        Ok(journal::journals(&self.root)?.iter().any(|place| place.journal.0 == journal))
    }

    /// The steps since the last commit.
    pub(super) fn moves(&self) -> Vec<Move> {
        let step = |open: &Open| Move {
            journal: open.journal,
            old: open.committed,
            new: open.reader.position(),
        };
        // A reader that had to begin anew has not moved before it has read something.
        let moved = |step: &Move| step.old != step.new && step.new != Position::START;
        self.open.iter().map(step).filter(moved).collect()
    }

    /// After a commit: journals read to their very end are closed.
    pub(super) fn settle(&mut self) {
        for open in &mut self.open {
            open.committed = open.reader.position();
        }
        self.open.retain(|open| {
            let over = open.reader.is_ended();
            if over {
                self.positions.insert(open.journal, open.committed);
            }
            !over
        });
    }

    /// What lies behind the readers. A journal whose files cannot be looked at says nothing.
    pub(super) fn unread(&self) -> Unread {
        let mut unread = Unread::default();
        for Open { reader, density, .. } in &self.open {
            let bytes = journal::backlog(&reader.place().dir(), reader.position()).unwrap_or(0);
            unread.bytes += bytes;
            unread.events += density.records(bytes);
        }
        unread
    }

    /// Deletes segments that are committed whole and older than `keep_from_ms`, and the folders of
    /// journals that ended before: visitors' addresses stand in them. One of which something is missing
    /// stays, for whoever looks for it. A failure costs disk and nothing else.
    pub(super) fn trim(&mut self, keep_from_ms: u64, journals: &Journals) {
        let open = self.open.iter().map(|open| (open.reader.place(), open.committed));
        let ended = self.ended.iter().map(|(place, position)| (place, *position));
        for (place, committed) in open.chain(ended) {
            if let Err(error) = journal::trim(&place.dir(), committed, keep_from_ms) {
                tracing::warn!(journal = %place.journal, %error, "a journal cannot be trimmed");
            }
        }
        self.ended.retain(|(place, _)| {
            if journals.get(place.journal.0).is_none_or(|one| one.holes() > 0) {
                return true;
            }
            match journal::forget(&place.dir(), keep_from_ms) {
                Ok(gone) => !gone,
                Err(error) => {
                    tracing::warn!(journal = %place.journal, %error, "a journal cannot be removed");
                    true
                }
            }
        });
    }
}
