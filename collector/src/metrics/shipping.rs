//! What the way to Kafka tells: messages, what waits, and what was begun anew.

use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use schemas::topic::Topic;

use super::{register, seconds};

/// See the module.
#[derive(Debug)]
pub struct ShipMetrics {
    /// Messages handed over, by topic; those sent again count again.
    pub messages: IntCounterVec,
    /// Bytes of them, before compression.
    pub bytes: IntCounter,
    /// Bytes handed over and not acknowledged.
    pub under_way: IntGauge,
    /// Bytes of the journals not acknowledged.
    pub backlog: IntGauge,
    /// Most bytes that may be.
    pub backlog_limit: IntGauge,
    /// Times shipping began: at a start, and after each failure.
    pub sessions: IntCounter,
    /// From handing a message over to Kafka's word that it has it.
    pub ack_seconds: Histogram,
    /// Age of the moment up to which Kafka has everything.
    pub lag: Gauge,
    /// Stretches of journals that could not be read.
    pub corrupt: IntCounter,
}

impl ShipMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauge = |name: &str, help: &str| register(registry, IntGauge::new(name, help));
        let counter = |name: &str, help: &str| register(registry, IntCounter::new(name, help));
        let messages = IntCounterVec::new(
            Opts::new(
                "tributary_collector_ship_messages_total",
                "Messages handed to Kafka, by topic.",
            ),
            &["topic"],
        );
        let messages = register(registry, messages);
        Topic::ALL.iter().for_each(|topic| drop(messages.with_label_values(&[topic.name()])));
        let ack = seconds(
            "tributary_collector_ship_ack_seconds",
            "Time from handing a message to Kafka until it is acknowledged.",
        );
        let lag = Gauge::new(
            "tributary_collector_ship_lag_seconds",
            "Age of the moment up to which Kafka has everything these journals hold.",
        );
        Self {
            messages,
            ack_seconds: register(registry, Histogram::with_opts(ack)),
            lag: register(registry, lag),
            corrupt: counter(
                "tributary_collector_ship_corrupt_stretches_total",
                "Stretches of journals that could not be read, and are not shipped.",
            ),
            bytes: counter(
                "tributary_collector_ship_bytes_total",
                "Bytes of messages handed to Kafka, before compression.",
            ),
            under_way: gauge(
                "tributary_collector_ship_under_way_bytes",
                "Bytes handed to Kafka and not acknowledged.",
            ),
            backlog: gauge(
                "tributary_collector_ship_backlog_bytes",
                "Bytes of the journals that Kafka has not acknowledged.",
            ),
            backlog_limit: gauge(
                "tributary_collector_ship_backlog_limit_bytes",
                "Most bytes that may wait for Kafka; half of it is an alarm.",
            ),
            sessions: counter(
                "tributary_collector_ship_sessions_total",
                "Times shipping to Kafka began: at a start, and anew after each failure.",
            ),
        }
    }
}
