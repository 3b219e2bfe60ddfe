//! What librdkafka says goes into our log.

use rdkafka::config::RDKafkaLogLevel;

/// A line of a client's: warnings and worse as warnings, the rest for whoever debugs.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    if level as i32 <= RDKafkaLogLevel::Warning as i32 {
        tracing::warn!(facility, "kafka: {message}");
    } else {
        tracing::debug!(facility, "kafka: {message}");
    }
}
