//! A client that asks, and hears why it gets no answer: a broker that is away looks to an asker like one
//! that refuses it, and only what the client says in between tells them apart.

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    metadata::Metadata,
    producer::{BaseProducer, Producer, ProducerContext},
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    config::Config,
    error::{Error, Result},
    log,
};

/// What the client said since a question was asked is at hand by then.
const SAID: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct Look {
    client: BaseProducer<Heard>,
    servers: String,
}

/// What the client said.
#[derive(Default)]
struct Heard(Mutex<Said>);

#[derive(Default)]
struct Said {
    refused: Option<String>,
    away: Option<String>,
}

impl ClientContext for Heard {
    /// A broker that hangs up is no error to the client, and only told here.
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == "FAIL" {
            let why = message.split_once("]: ").map_or(message, |(_, why)| why);
            // Before a word was said: what TLS makes of one who speaks without it.
            let advice = match why.contains("APIVERSION_QUERY") {
                true => "; one that wants TLS hangs up like that, see security.protocol",
                false => "",
            };
            self.with(|said| said.away = Some(format!("{why}{advice}")));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if log::is_refusal(&error) {
            self.with(|said| said.refused = Some(reason.to_owned()));
        } else if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.with(|said| said.away = Some(reason.to_owned()));
        }
    }
}

impl Heard {
    fn with<T>(&self, on: impl FnOnce(&mut Said) -> T) -> T {
        on(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

impl Look {
    /// Asks nothing yet.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let mut client = config.client("look", &[("log.connection.close", "true")])?;
        client.set_log_level(RDKafkaLogLevel::Info);
        let servers = config.servers.join(",");
        Ok(Self { client: client.create_with_context(Heard::default())?, servers })
    }

    /// What Kafka says of itself, and of a topic.
    pub(crate) fn metadata(&self, topic: Option<&str>, limit: Duration) -> Result<Metadata> {
        let asked = self.client.client().fetch_metadata(topic, limit);
        asked.map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &KafkaError) -> Error {
        self.client.poll(SAID);
        let servers = self.servers.clone();
        self.client.context().with(|said| match (&said.refused, &said.away) {
            (Some(why), _) => Error::Refused { servers, why: why.clone() },
            (None, Some(why)) => Error::Away { servers, why: why.clone() },
            (None, None) => Error::Away { servers, why: error.to_string() },
        })
    }
}
