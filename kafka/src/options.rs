//! Settings of librdkafka's own: TLS, passwords, sizes, under the names it gives them.
//!
//! Refuses those that decide whether an event is kept or counted twice: they are ours. Refuses a secret
//! on a command line, which everybody on the machine can read, and never prints a value.

use clap::Args;
use std::{fs, path::PathBuf, str::FromStr};

use crate::error::{Error, Result};

/// What is set besides our own settings.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
pub struct Options {
    /// A setting of the Kafka client's as librdkafka names it, such as security.protocol=SASL_SSL; may be given several
    /// times. What is secret belongs into the file.
    #[arg(long = "kafka-option", value_name = "NAME=VALUE", value_parser = not_secret)]
    pub(crate) kafka_option: Vec<Setting>,
    /// A file of such settings, one a line, # before a remark: for passwords, which nobody else should read.
    #[arg(long = "kafka-options", env = "TRIBUTARY_KAFKA_OPTIONS", value_name = "FILE")]
    pub(crate) kafka_options: Option<PathBuf>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Values stay out of logs.
impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=..", self.name)
    }
}

/// Names that are ours, and why. Each also under its other name.
const OURS: [(&str, &[&str]); 6] = [
    ("--kafka says where the brokers are", &["bootstrap.servers", "metadata.broker.list"]),
    ("--kafka-group names the group", &["group.id"]),
    (
        "an acknowledged event must not be lost",
        &[
            "acks",
            "request.required.acks",
            "delivery.timeout.ms",
            "enable.gapless.guarantee",
            "enable.idempotence",
            "max.in.flight",
            "max.in.flight.requests.per.connection",
            "message.max.bytes",
            "message.send.max.retries",
            "message.timeout.ms",
            "queuing.strategy",
            "retries",
            "transactional.id",
            "transaction.timeout.ms",
        ],
    ),
    (
        "where a partition is read on stands in PostgreSQL, and nothing is passed over",
        &[
            "auto.commit.enable",
            "auto.commit.interval.ms",
            "auto.offset.reset",
            "enable.auto.commit",
            "enable.auto.offset.store",
            "enable.partition.eof",
            "offset.store.method",
            "offset.store.path",
            "offset.store.sync.interval.ms",
        ],
    ),
    (
        "both topics of a partition belong to one processor",
        &["group.protocol", "group.remote.assignor", "partition.assignment.strategy"],
    ),
    (
        "an event's partition is part of its identity",
        &["allow.auto.create.topics", "partitioner", "sticky.partitioning.linger.ms"],
    ),
];

impl Setting {
    /// Whether its value is nobody's business.
    fn is_secret(name: &str) -> bool {
        let words =
            ["password", "passphrase", "secret", "private", "key.pem", "oauthbearer.config"];
        words.iter().any(|word| name.contains(word))
    }
}

impl FromStr for Setting {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let option = |name: &str, why: &str| Error::Option { name: name.into(), why: why.into() };
        let Some((name, value)) = text.split_once('=') else {
            // What it is instead may be a password.
            return Err(option("", "give it as NAME=VALUE"));
        };
        let (name, value) = (name.trim(), value.trim());
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(option("", "a name has only a-z 0-9 . - _"));
        }
        match OURS.iter().find(|(_, names)| names.contains(&name)) {
            Some((why, _)) => Err(option(name, &format!("is not to be set, {why}"))),
            None => Ok(Self { name: name.into(), value: value.into() }),
        }
    }
}

/// Of a command line.
fn not_secret(text: &str) -> Result<Setting> {
    let setting: Setting = text.parse()?;
    if Setting::is_secret(&setting.name) {
        let why = "is a secret, and a command line is none: put it into the file of TRIBUTARY_KAFKA_OPTIONS";
        return Err(Error::Option { name: setting.name, why: why.to_owned() });
    }
    Ok(setting)
}

impl Options {
    /// All of them, the file's first. The file is read anew for each client, so that a changed password is taken.
    ///
    /// # Errors
    /// A file that cannot be read, a line that is no setting, a setting that is ours.
    pub(crate) fn all(&self) -> Result<Vec<Setting>> {
        let mut all = Vec::new();
        if let Some(path) = &self.kafka_options {
            let unreadable = |why: String| Error::Options { path: path.clone(), why };
            let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
            for (n, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let setting = line.parse();
                all.push(setting.map_err(|error| unreadable(format!("line {}: {error}", n + 1)))?);
            }
        }
        all.extend(self.kafka_option.iter().cloned());
        Ok(all)
    }
}

/// What librdkafka says of a setting, without its value where that is a secret.
pub(crate) fn unfit(name: String, said: String) -> Error {
    let secret = Setting::is_secret(&name);
    let why = if secret { "librdkafka does not take its value".to_owned() } else { said };
    Error::Option { name, why }
}

#[cfg(test)]
mod tests;
