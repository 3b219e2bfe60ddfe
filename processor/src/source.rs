//! Where events come from: the journals themselves, or Kafka. One pipeline reads either, in turns.
//!
//! Refuses to forget how far it was read before the pipeline says that everything up to there is
//! committed.

pub(crate) mod files;
pub(crate) mod group;
pub(crate) mod log;
mod density;

use crate::{
    error::Result,
    journals::Journals,
    said::Said,
    stores::{dead_letters::DeadLetter, journals::Known, owner::Moves},
};
use files::Files;
use log::Log;

/// Events, whichever way they come.
pub(crate) enum Source {
    /// Out of the journals' files.
    Files(Files),
    /// Out of Kafka.
    Log(Log),
}

/// What looking for journals found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Genuine, not known before.
    pub(crate) fresh: Vec<Known>,
    /// Headers that are not ours.
    pub(crate) forged: Vec<DeadLetter>,
}

/// What was not read yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Of journals.
    pub(crate) bytes: u64,
    /// Of Kafka's.
    pub(crate) messages: u64,
    /// Records in either, as far as can be told before they are read.
    pub(crate) events: u64,
}

/// What one journal says next, in a row.
pub(crate) enum Turn<'a> {
    /// Out of its files.
    Files(files::Turn<'a>),
    /// Out of a message.
    Log(log::Turn<'a>),
}

impl Source {
    /// Looks for journals that are not read yet.
    pub(crate) fn discover(&mut self, known: &Journals) -> Result<Found> {
        match self {
            Self::Files(files) => files.discover(known),
            // They introduce themselves.
            Self::Log(_) => Ok(Found::default()),
        }
    }

    /// Whose turn it is; `None` when everything there is was read.
    pub(crate) fn turn(&mut self) -> Result<Option<Turn<'_>>> {
        match self {
            Self::Files(files) => Ok(files.turn().map(Turn::Files)),
            Self::Log(log) => Ok(log.turn()?.map(Turn::Log)),
        }
    }

    /// The steps since the last commit.
    pub(crate) fn moves(&mut self) -> Moves {
        match self {
            Self::Files(files) => Moves { journals: files.moves(), ..Moves::default() },
            Self::Log(log) => Moves { offsets: log.moves(), ..Moves::default() },
        }
    }

    /// After a commit.
    pub(crate) fn settle(&mut self) {
        match self {
            Self::Files(files) => files.settle(),
            Self::Log(log) => log.settle(),
        }
    }

    /// Removes what is committed and older than `keep_from_ms`, where that is ours to do.
    pub(crate) fn trim(&mut self, keep_from_ms: u64, journals: &Journals) {
        match self {
            Self::Files(files) => files.trim(keep_from_ms, journals),
            // The collectors' to do, and Kafka's own.
            Self::Log(_) => {}
        }
    }

    /// Whether a journal's files are here, whoever may read them.
    pub(crate) fn has_files(&self, journal: u64) -> Result<bool> {
        match self {
            Self::Files(files) => files.has_files(journal),
            // They are where their collector is.
            Self::Log(_) => Ok(false),
        }
    }

    /// While there is no room for more.
    pub(crate) fn idle(&mut self) -> Result<()> {
        match self {
            Self::Files(_) => Ok(()),
            Self::Log(log) => log.idle(),
        }
    }

    /// What lies unread now.
    pub(crate) fn unread(&self) -> Unread {
        match self {
            Self::Files(files) => files.unread(),
            Self::Log(log) => log.unread(),
        }
    }

    /// What came and could not be read, for the dead letters.
    pub(crate) fn take_dead(&mut self) -> Vec<DeadLetter> {
        match self {
            Self::Files(_) => Vec::new(),
            Self::Log(log) => log.take_dead(),
        }
    }
}

impl Turn<'_> {
    /// The journal.
    pub(crate) fn journal(&self) -> u64 {
        match self {
            Self::Files(turn) => turn.journal(),
            Self::Log(turn) => turn.journal(),
        }
    }

    /// What it says next; `None` when its turn is over.
    pub(crate) fn next(&mut self) -> Result<Option<Said<'_>>> {
        match self {
            Self::Files(turn) => turn.next(),
            Self::Log(turn) => Ok(turn.next()),
        }
    }

    /// Whether a batch may end here: what was read so far has a position.
    pub(crate) fn may_stop(&self) -> bool {
        match self {
            Self::Files(_) => true,
            Self::Log(turn) => turn.may_stop(),
        }
    }

    /// The journal, where it says whose it is and that is ours.
    pub(crate) fn introduces(&self) -> Option<Known> {
        match self {
            // They were taken in when they were found.
            Self::Files(_) => None,
            Self::Log(turn) => turn.introduces(),
        }
    }

    /// Everything of a stranger's turn, as dead letters.
    pub(crate) fn bury(&mut self) -> Vec<DeadLetter> {
        match self {
            Self::Files(_) => Vec::new(),
            Self::Log(turn) => turn.bury(),
        }
    }
}
