//! The tables of both stores, and the way there: forward only, from SQL files embedded at build time.
//!
//! An applied file is recorded with its checksum; a file changed afterwards, a file that comes in
//! before one already applied, and a store written by a newer version are refused with a sentence
//! that says what to do. Refuses to undo anything: a mistake is mended by a further file.
//!
//! PostgreSQL files run in a transaction each, under an advisory lock. ClickHouse has neither, so
//! every statement there is written to be repeatable (`IF NOT EXISTS`): a migration cut short, or run
//! by two at once, is simply run again.

pub mod postgres;
pub mod clickhouse;
pub mod testing;

use sqlx::migrate::Migration;
use std::collections::BTreeMap;

/// Why a store could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is applied there reads differently now.
    #[error(
        "{store}: migration {version:04} was applied and its file has changed since; put the file back as it was and write the change as a new file"
    )]
    Changed {
        /// `postgres` or `clickhouse`.
        store: &'static str,
        /// The number in the file's name.
        version: i64,
    },
    /// The store has seen a later version of Tributary.
    #[error(
        "{store}: migration {version:04} was applied by a newer version of tributary; start that version, nothing was changed"
    )]
    Newer {
        /// `postgres` or `clickhouse`.
        store: &'static str,
        /// The number in the file's name.
        version: i64,
    },
    /// A file came in whose number is lower than one already applied.
    #[error(
        "{store}: migration {version:04} comes before {latest:04}, which is applied already; give it a higher number"
    )]
    OutOfOrder {
        /// `postgres` or `clickhouse`.
        store: &'static str,
        /// The number of the file that came too late.
        version: i64,
        /// The highest number applied.
        latest: i64,
    },
    /// A statement of a file failed.
    #[error("{store}: migration {version:04} failed: {reason}")]
    Failed {
        /// `postgres` or `clickhouse`.
        store: &'static str,
        /// The number in the file's name.
        version: i64,
        /// What the store said.
        reason: String,
    },
    /// PostgreSQL could not be asked.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// sqlx's migrator failed for another reason than the ones above.
    #[error("postgres: {0}")]
    Migrator(#[from] sqlx::migrate::MigrateError),
    /// ClickHouse could not be asked.
    #[error("clickhouse: {0}")]
    Clickhouse(#[from] ::clickhouse::error::Error),
    /// The address of the server is no URL.
    #[error("postgres: the address is not of the form postgres://role@host:port/database")]
    Server,
    /// The address of ClickHouse is not `http://user:password@host:port/`.
    #[error("clickhouse: the address is not of the form http://user:password@host:port/")]
    Address,
    /// A file that a cluster's servers would not all get.
    #[error(
        "clickhouse: migration {version:04} has a statement that is not for a cluster yet: {head}; teach migrations/src/clickhouse/cluster.rs what it means there"
    )]
    NotForCluster {
        /// The number in the file's name.
        version: i64,
        /// The statement's first line.
        head: String,
    },
    /// Sums would be made while somebody sends.
    #[error(
        "clickhouse: migration {version:04} makes sums of events that are stored already: give --database-url too, so that sending pauses meanwhile"
    )]
    NotPaused {
        /// The number in the file's name.
        version: i64,
    },
    /// Sums of a cluster's events are made on each of its shards, which the migrator does not do.
    #[error(
        "clickhouse: migration {version:04} makes sums of events that are stored already, which is not done for a cluster yet; nothing was changed (docs/scaling.md)"
    )]
    SumsOfCluster {
        /// The number in the file's name.
        version: i64,
    },
    /// A database made without a cluster.
    #[error(
        "clickhouse: this database was made for one server; a cluster begins with a database of its own (docs/scaling.md)"
    )]
    OneServer,
    /// A database made for a cluster.
    #[error("clickhouse: this database is a cluster's: give --clickhouse-cluster")]
    OfCluster,
    /// A cluster's name that would need quoting.
    #[error("clickhouse: a cluster's name has 1 to 63 of A-Z a-z 0-9 _ - . and may be {{cluster}}")]
    ClusterName,
    /// Something would be kept for fewer days than until now.
    #[error(
        "clickhouse: {}: what is older would go, and nothing brings it back; give the days of before ({}), or say --shorten-retention once",
        listed(.0),
        variables(.0)
    )]
    Shorter(Vec<clickhouse::Kept>),
    /// A database name that would need quoting.
    #[error("clickhouse: a database name has 1 to 63 of a-z 0-9 _")]
    DatabaseName,
}

fn listed(kept: &[clickhouse::Kept]) -> String {
    kept.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn variables(kept: &[clickhouse::Kept]) -> String {
    let mut names: Vec<&str> = kept.iter().map(|kept| kept.kind.variable()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// A file that is to be applied, or just was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The number in the file's name.
    pub version: i64,
    /// The rest of the file's name: `create accounts`.
    pub name: String,
}

/// What is left to do, given what the store says is done.
fn pending<'a>(
    store: &'static str,
    files: impl Iterator<Item = &'a Migration>,
    applied: &BTreeMap<i64, Vec<u8>>,
) -> Result<Vec<&'a Migration>, Error> {
    let files: BTreeMap<i64, &Migration> = files.map(|file| (file.version, file)).collect();
    for (&version, checksum) in applied {
        match files.get(&version) {
            None => return Err(Error::Newer { store, version }),
            Some(file) if *file.checksum != **checksum => {
                return Err(Error::Changed { store, version });
            }
            Some(_) => {}
        }
    }
    let left: Vec<&Migration> =
        files.into_values().filter(|file| !applied.contains_key(&file.version)).collect();
    match (left.first(), applied.last_key_value()) {
        (Some(first), Some((&latest, _))) if first.version < latest => {
            Err(Error::OutOfOrder { store, version: first.version, latest })
        }
        _ => Ok(left),
    }
}

fn steps(files: &[&Migration]) -> Vec<Step> {
    files
        .iter()
        .map(|file| Step { version: file.version, name: file.description.to_string() })
        .collect()
}
