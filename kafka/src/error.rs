//! What can go wrong with Kafka, each with what to do about it.

use rdkafka::error::KafkaError;
use std::{io, path::PathBuf};

use crate::options;

/// The result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// See the variants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka itself says no, or does not answer.
    #[error("kafka: {0}")]
    Kafka(KafkaError),
    /// Nobody answers there.
    #[error("kafka does not answer at {servers}: {why}")]
    Away {
        /// Where it was asked.
        servers: String,
        /// What the client says of it.
        why: String,
    },
    /// It answers, and does not let us in; waiting does not heal that.
    #[error(
        "kafka at {servers} does not let us in: {why}; look at security.protocol, sasl.* and ssl.* of TRIBUTARY_KAFKA_OPTIONS (docs/scaling.md, \"Getting in\")"
    )]
    Refused {
        /// Where it was asked.
        servers: String,
        /// What the client says of it.
        why: String,
    },
    /// It lets us in, and not to a topic.
    #[error(
        "kafka does not let us use the topic {0}: give our user read, write and describe on it"
    )]
    Denied(String),
    /// An option of librdkafka's that it, or we, do not take.
    #[error("kafka option {name}: {why}")]
    Option {
        /// Its name; empty where it has none.
        name: String,
        /// What is wrong, without its value where that is a secret.
        why: String,
    },
    /// The file of options.
    #[error("{}: {why}", path.display())]
    Options {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Options that do not fit together, or name a file that is not there.
    #[error("kafka's options cannot be used: {0}")]
    Unfit(String),
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

impl From<KafkaError> for Error {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::ClientConfig(_, said, name, _) => options::unfit(name, said),
            KafkaError::ClientCreation(said) => Self::Unfit(said),
            other => Self::Kafka(other),
        }
    }
}
