//! What can go wrong with Kafka, each with what to do about it.

use std::{io, path::PathBuf};

/// The result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// See the variants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka itself says no, or does not answer.
    #[error("kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// A topic is not there.
    #[error("kafka has no topic {0}: run `migrate --kafka …`, which makes it")]
    NoTopic(String),
    /// A topic has another number of partitions than the journals.
    #[error(
        "kafka's topic {topic} has {found} partitions and TRIBUTARY_PARTITIONS says {wanted}: an event's partition is part of its identity, so both must agree (docs/scaling.md)"
    )]
    Partitions {
        /// Its name.
        topic: String,
        /// What it has.
        found: usize,
        /// What is set.
        wanted: u16,
    },
    /// A topic could not be made.
    #[error("kafka does not make the topic {topic}: {reason}")]
    NotMade {
        /// Its name.
        topic: String,
        /// What Kafka says.
        reason: String,
    },
    /// The local broker's files are not there.
    #[error("no broker in {0}: run deploy/fetch-kafka.sh")]
    NoJars(PathBuf),
    /// The local broker's folder or process.
    #[error("the local broker: {what}: {source}")]
    Local {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The local broker ended, or did not get ready.
    #[error("the local broker {what}; its log is {log}")]
    NotReady {
        /// What it did.
        what: String,
        /// Where to read why.
        log: PathBuf,
    },
}
