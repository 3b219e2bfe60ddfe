//! Everything that keeps a collector from starting or a batch from being kept, in one enum.

use std::{io, path::PathBuf};

/// Of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keys file can't be read.
    #[error("cannot read the keys at {}: {source}", path.display())]
    ReadKeys { path: PathBuf, source: io::Error },
    /// The keys file holds none.
    #[error("{}: {source}", path.display())]
    Keys { path: PathBuf, source: schemas::keys::InvalidKeys },
    /// An address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}; is another collector running there?")]
    Listen { address: std::net::SocketAddr, source: io::Error },
    /// The kernel gave no event loop or thread.
    #[error("cannot start an event loop: {0}")]
    Runtime(#[source] io::Error),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The copy of the links.
    #[error("the copy of the links at {}: {source}", path.display())]
    Copy { path: PathBuf, source: io::Error },
    /// The country database.
    #[error("cannot read the country database at {}: {source}", path.display())]
    Geo { path: PathBuf, source: maxminddb::MaxMindDbError },
    /// Settings that contradict each other.
    #[error("{0}")]
    Config(&'static str),
    /// Not all of a range is in the files.
    #[error("the files hold {count} of the {wanted} records: nothing was sent")]
    NotWhole { count: u64, wanted: u64 },
    /// Kafka did not say that it has a message.
    #[error("kafka has not acknowledged everything: send it again, what arrived is dropped")]
    NotAcknowledged,
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// PostgreSQL.
    #[error("postgresql: {0}")]
    Database(#[from] sqlx::Error),
    /// The database role may do more than a service should.
    #[error("postgresql: {0}")]
    Role(String),
    /// No random numbers from the system.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// A core's thread ended by a panic.
    #[error("core {0} ended by a panic")]
    Panicked(usize),
}
