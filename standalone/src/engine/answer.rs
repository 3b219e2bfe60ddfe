//! What the engine answers: rows and counts, the class of a statement, why it would not start.

use std::path::PathBuf;

/// What a statement does, as ClickHouse's own parser says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `SELECT`, `SHOW`, `DESCRIBE`, …: leaves no trace.
    ReadOnly,
    /// Changes a database.
    Mutating,
    /// Changes something outside the databases: functions, users, named collections.
    Global,
    /// Session state, `SYSTEM`, `BACKUP`, `INTO OUTFILE`.
    Control,
    /// Did not parse, or is not known.
    Unknown,
}

/// The class of a text and how many statements it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Analysis {
    /// Its most restricted statement's class.
    pub(super) class: Class,
    /// Executable statements in it; zero when it did not parse.
    pub(super) statements: u32,
}

/// What a statement answered.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// The rows, in the format asked for.
    pub(super) body: Vec<u8>,
    /// Seconds inside the engine.
    pub(super) elapsed_s: f64,
    /// Rows read.
    pub(super) rows_read: u64,
    /// Bytes read, uncompressed.
    pub(super) bytes_read: u64,
    /// Rows written, those of materialized views included.
    pub(super) rows_written: u64,
    /// Bytes written, those of materialized views included.
    pub(super) bytes_written: u64,
}

/// Why the library could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is missing, damaged, or for another machine.
    #[error("{path} can't be loaded as the ClickHouse engine ({reason})")]
    Load {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// The machine gave no thread.
    #[error("no thread for the ClickHouse engine ({0})")]
    Thread(String),
    /// The engine refused its folder: in use by another process, not writable, or damaged.
    #[error("the ClickHouse engine can't open {0}: is another process using it, is it writable?")]
    Connect(PathBuf),
    /// The database over the file system could not be taken away.
    #[error("the ClickHouse engine can't be kept from the file system ({0})")]
    Wall(String),
}
