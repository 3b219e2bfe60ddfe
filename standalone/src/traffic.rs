//! Real traffic: reads a web server's log, gives it programs and links, imports it and plays it.
//!
//! A library: progress comes back by callback, and nothing here prints.

pub mod log;
pub mod seed;
pub mod import;
pub mod play;

/// What can go wrong between a log and the pipeline.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log, or a file beside it, can't be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// PostgreSQL did not take it.
    #[error("postgresql: {0}")]
    Sql(#[from] sqlx::Error),
    /// The programs to play for are not those of `log::PROGRAMS`, in that order.
    #[error("the log's programs and links are not there: add --create-links to make them first")]
    Programs,
    /// The import's journal could not be opened or written.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The file beside an import's journal is of another version.
    #[error("{0} was written by another version of tributary: import with that one")]
    Beginning(std::path::PathBuf),
    /// The collector did not come back.
    #[error("nobody listens at {0}: is the collector running?")]
    Unreachable(String),
    /// The log holds what no HTTP request can say.
    #[error("line {0} makes no HTTP request")]
    Message(u64),
}

/// Of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;
