//! The private PostgreSQL of the data folder: made once with `initdb`, started, adopted when it survived, stopped.
//!
//! It runs as an unprivileged user whoever starts it, listens on loopback alone, and wants a password. It never touches
//! another cluster of the machine.

mod binaries;
mod cluster;
mod log;
mod owner;
mod place;
mod port;
mod running;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use self::cluster::Cluster;

/// How long a start may take: crash recovery of a large log included.
const START_LIMIT: Duration = Duration::from_secs(300);

/// Says to a start under way, on another thread, that it shall end what it has begun.
#[derive(Debug, Clone, Default)]
pub struct Halt(Arc<AtomicBool>);

impl Halt {
    /// Says it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was said.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not installed.
    #[error(
        "PostgreSQL {wanted} was not found: install it (Debian: apt-get install {package}), or give the URL of a \
         database in DATABASE_URL"
    )]
    NotInstalled {
        /// `15 or later`, or the very version of an existing cluster.
        wanted: String,
        /// The package to install.
        package: String,
    },
    /// No user to run it as.
    #[error(
        "PostgreSQL does not run as root and this machine has neither a user `postgres` nor `nobody`: start \
         tributary as another user, or give the URL of a database in DATABASE_URL"
    )]
    NoUser,
    /// A file or folder of it.
    #[error(
        "PostgreSQL's folder {0} can't be used ({1}): is the disk full, does it belong to another user?"
    )]
    Folder(PathBuf, #[source] io::Error),
    /// A program of it failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// `initdb` or `pg_ctl`.
        program: &'static str,
        /// Its last words, or those of the log.
        said: String,
    },
    /// No loopback port could be had.
    #[error("no free port for PostgreSQL on 127.0.0.1 ({0})")]
    Port(#[source] io::Error),
    /// The data folder says that it had a cluster.
    #[error(
        "the PostgreSQL of the data folder {data} is gone, it belongs in {folder}: bring it back, or begin anew with \
         another data folder, or with `tributary demo --reset`"
    )]
    Gone {
        /// Where it should be.
        folder: PathBuf,
        /// Whose it is.
        data: PathBuf,
    },
    /// The data folder is a copy of one that is still there.
    #[error(
        "this data folder is a copy of {data}, whose PostgreSQL lies outside of it in {folder}: remove one of both, or \
         make a new data folder and restore a dump into it"
    )]
    Copied {
        /// Where the cluster is.
        folder: PathBuf,
        /// The data folder it was last used with.
        data: PathBuf,
    },
    /// Told to stop while it started.
    #[error("stopped while PostgreSQL was starting")]
    Halted,
}
