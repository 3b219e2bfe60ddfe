//! What the way to Kafka tells: messages, what waits, and what was begun anew.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::register;

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
        Self {
            messages: register(registry, messages),
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
