//! What librdkafka says goes into our log.

use rdkafka::{
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};

/// A line of a client's: warnings and worse as warnings, the rest for whoever debugs.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    if level as i32 <= RDKafkaLogLevel::Warning as i32 {
        tracing::warn!(facility, "kafka: {message}");
    } else {
        tracing::debug!(facility, "kafka: {message}");
    }
}

/// What goes wrong with a client while it runs; it goes on trying by itself.
pub fn error(error: &KafkaError, reason: &str) {
    if is_refusal(error) {
        tracing::error!(%error, "kafka does not let us in: {reason}");
    } else {
        tracing::warn!(%error, "kafka: {reason}");
    }
}

/// Whether Kafka is there and does not let us in: nothing that waiting heals.
pub(crate) fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SSL
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::UnsupportedSASLMechanism
                | RDKafkaErrorCode::IllegalSASLState
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
        )
    )
}
