//! Reads the journals below a folder: finds new ones, refuses what is not ours, and hands out
//! entries in turns, so that none waits for another's backlog.
//!
//! Refuses to move a checkpoint before the pipeline says that everything up to there is committed.

use journal::{Error as JournalError, JournalKind, JournalRef, Position, Reader};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use crate::{
    error::Result,
    journals::Journals,
    stores::{dead_letters::DeadLetter, journals::Known, owner::Move},
};

/// Records of one journal in a row before the next one has its turn.
pub(crate) const TURN: usize = 8192;

/// A journal being read.
pub(crate) struct Open {
    pub(crate) journal: u64,
    pub(crate) reader: Reader,
    /// Up to here it is committed.
    committed: Position,
    /// Everything there is now was read.
    pub(crate) dry: bool,
}

/// All journals that are read.
pub(crate) struct Source {
    root: PathBuf,
    key: journal::Key,
    /// Where to go on, of journals not opened yet.
    positions: BTreeMap<u64, Position>,
    pub(crate) open: Vec<Open>,
    /// Read to their very end: nothing is left but to trim them.
    ended: Vec<(JournalRef, Position)>,
    /// Looked at and refused: named once in the log.
    refused: BTreeSet<u64>,
}

/// What looking for journals found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Genuine, not known before.
    pub(crate) fresh: Vec<Known>,
    /// Headers that are not ours.
    pub(crate) forged: Vec<DeadLetter>,
}

impl Source {
    /// Reads the journals below `root` from these positions on.
    pub(crate) fn new(root: PathBuf, key: journal::Key, positions: Vec<(u64, Position)>) -> Self {
        let positions = positions.into_iter().collect();
        Self { root, key, positions, open: Vec::new(), ended: Vec::new(), refused: BTreeSet::new() }
    }

    /// Looks for journals that are not read yet. One that cannot be opened does not stop the others.
    pub(crate) fn discover(&mut self, known: &Journals) -> Result<Found> {
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
        Ok(found)
    }

    /// Whether an older incarnation of the same slot has something left: a visitor's clicks are decided
    /// in the order they were made in, also across a collector's restart.
    pub(crate) fn waits(&self, n: usize) -> bool {
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
                let header = reader.header();
                if !known {
                    found.fresh.push(Known {
                        journal: header.journal.0,
                        slot: header.slot.clone(),
                        import: header.kind == JournalKind::Import,
                        partitions: header.partitions,
                        start_ms: header.start_ms,
                        ended_ms: None,
                        heard_ms: None,
                    });
                }
                let journal = place.journal.0;
                self.refused.remove(&journal);
                self.open.push(Open { journal, reader, committed, dry: false });
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
            reason: format!(
                "journal {} in slot {} was not made with our keys",
                place.journal, place.slot
            ),
            bytes: reader.header().to_bytes().to_vec(),
        })
    }

    /// Whether a journal lies below the root, whoever may read it.
    pub(crate) fn has_files(&self, journal: u64) -> Result<bool> {
        Ok(journal::journals(&self.root)?.iter().any(|place| place.journal.0 == journal))
    }

    /// A new round of turns: there may be more in each.
    pub(crate) fn wet(&mut self) {
        self.open.iter_mut().for_each(|open| open.dry = false);
    }

    /// The steps since the last commit.
    pub(crate) fn moves(&self) -> Vec<Move> {
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
    pub(crate) fn settle(&mut self) {
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

    /// Deletes segments that are committed whole and older than `keep_from_ms`, and the folders of
    /// journals that ended before: visitors' addresses stand in them. One of which something is missing
    /// stays, for whoever looks for it. A failure costs disk and nothing else.
    pub(crate) fn trim(&mut self, keep_from_ms: u64, journals: &Journals) {
        let open = self.open.iter().map(|open| (open.reader.place(), open.committed));
        let ended = self.ended.iter().map(|(place, position)| (place, *position));
        for (place, committed) in open.chain(ended) {
            if let Err(error) = journal::trim(&place.dir(), committed, keep_from_ms) {
                tracing::warn!(journal = %place.journal, %error, "a journal cannot be trimmed");
            }
        }
        self.ended.retain(|(place, _)| {
            if journals.get(place.journal.0).is_none_or(|one| one.holes > 0) {
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
