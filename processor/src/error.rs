//! Everything that can stop the processor, in one enum. A refused event is no error: it is an
//! outcome, stored with its reason.

use std::path::PathBuf;

/// Why the processor, or one of its commands, could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL does not answer, or refuses.
    #[error("postgresql: {0}")]
    Postgres(#[from] sqlx::Error),
    /// ClickHouse does not answer, or refuses.
    #[error("clickhouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    /// A journal cannot be read.
    #[error("journal: {0}")]
    Journal(#[from] journal::Error),
    /// Another processor has taken over: this one committed nothing and must not try again.
    #[error("another processor has taken over")]
    Fenced,
    /// Kafka gave partitions to others, or to us.
    #[error("the partitions were shared out anew")]
    Rebalanced,
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// The PostgreSQL behind the connection is another one than at the start.
    #[error("the postgresql server was restarted or replaced")]
    OtherServer,
    /// A stored value that no version of this program writes.
    #[error("{what} in the database cannot be read")]
    Stored { what: &'static str },
    /// Uniqueness could not be judged; nothing of the batch is committed.
    #[error("{0}")]
    Claims(&'static str),
    /// A file the processor needs.
    #[error("cannot read {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// The database of countries or cities.
    #[error("{} is no database of countries or cities: {what}", path.display())]
    Geography { path: PathBuf, what: String },
    /// The keys file.
    #[error("keys: {0}")]
    Keys(#[from] schemas::keys::InvalidKeys),
    /// A setting that makes no sense.
    #[error("{0}")]
    Config(String),
    /// The operating system gave no random numbers, no socket, no thread.
    #[error("{what}: {source}")]
    System { what: &'static str, source: std::io::Error },
}

/// What fallible functions of this crate give.
pub type Result<T, E = Error> = std::result::Result<T, E>;
