//! The producer: settings that lose nothing, and acknowledgements as numbers through a channel.

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};
use std::{
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use super::pack::Packed;
use crate::error::{Error, Result};

/// Longest wait for Kafka's word on its topics.
const ASK: Duration = Duration::from_secs(3);

/// What became of a message.
#[derive(Debug)]
pub(super) struct Delivery {
    /// As given to `send`.
    pub(super) number: usize,
    pub(super) outcome: std::result::Result<(), KafkaError>,
}

/// Hands deliveries over to the shipper's thread.
struct Context(Sender<Delivery>);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        kafka::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        kafka::error(&error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone());
        // A shipper that is gone ships from its checkpoint when it is back.
        let _ = self.0.send(Delivery { number, outcome });
    }
}

/// A producer and what it says.
pub(super) struct Producer {
    inner: ThreadedProducer<Context>,
    deliveries: Receiver<Delivery>,
    config: kafka::Config,
}

impl Producer {
    /// Connects by itself whenever Kafka is there.
    ///
    /// # Errors
    /// Settings that librdkafka does not take.
    pub(super) fn new(config: &kafka::Config) -> Result<Self> {
        let (told, deliveries) = mpsc::channel();
        let more = [
            // Duplicates of retries are Kafka's to drop; those of restarts the processor's.
            ("enable.idempotence", "true"),
            ("acks", "all"),
            // For ever: the default gives messages up after an outage of five minutes.
            ("message.timeout.ms", "0"),
            // A broker pays by request, not by click: at 10,000 clicks a second 0.6 of what it pays at 5.
            ("linger.ms", "20"),
            ("compression.type", "lz4"),
            ("message.max.bytes", "2000000"),
            ("queue.buffering.max.kbytes", "65536"),
            ("queue.buffering.max.messages", "1000000"),
        ];
        let mut client = config.client("collector", &more)?;
        client.set_log_level(RDKafkaLogLevel::Info);
        let inner = client.create_with_context(Context(told)).map_err(kafka::Error::from)?;
        Ok(Self { inner, deliveries, config: config.clone() })
    }

    /// Whether the topics are as they must be.
    ///
    /// # Errors
    /// They are not, or Kafka does not answer.
    pub(super) fn check(&self, partitions: u16) -> Result<()> {
        Ok(kafka::check_found(self.inner.client(), &self.config, partitions, ASK)?)
    }

    /// How many partitions both topics have.
    ///
    /// # Errors
    /// Kafka does not answer, or has no such topics.
    pub(super) fn partitions(&self) -> Result<u16> {
        Ok(kafka::partitions(self.inner.client(), &self.config, ASK)?)
    }

    /// Hands a message over; false where there is no room for it now.
    ///
    /// # Errors
    /// Whatever makes the session begin anew.
    pub(super) fn send(&self, message: &Packed, number: usize) -> Result<bool> {
        let topic = self.config.topic(message.topic);
        let record: BaseRecord<'_, (), [u8], usize> = BaseRecord::with_opaque_to(&topic, number)
            .partition(i32::from(message.partition))
            .payload(&message.payload);
        match self.inner.send(record) {
            Ok(()) => Ok(true),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(false),
            Err((error, _)) => Err(kafka::Error::from(error).into()),
        }
    }

    /// The next delivery, waited for at most so long.
    ///
    /// # Errors
    /// A message that Kafka does not take, whatever the reason.
    pub(super) fn delivered(&self, limit: Duration) -> Result<Option<usize>> {
        match self.deliveries.recv_timeout(limit) {
            Ok(Delivery { number, outcome: Ok(()) }) => Ok(Some(number)),
            Ok(Delivery { outcome: Err(error), .. }) => Err(kafka::Error::from(error).into()),
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(None),
            // The context lives as long as the producer.
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Error::Panicked(0)),
        }
    }
}
