//! Statements on PostgreSQL, one module a table or two, executor first. No rule is in here, and no
//! statement of the processor is anywhere else.

pub(crate) mod owner;
pub(crate) mod journals;
pub(crate) mod seqs;
pub(crate) mod labels;
pub(crate) mod claim_blobs;
pub mod claims;
pub(crate) mod waiting;
pub(crate) mod dead_letters;
pub(crate) mod lost;
pub(crate) mod conversions;
pub(crate) mod ledger;
pub(crate) mod outbox;
pub(crate) mod block_sums;
pub(crate) mod losses;
pub(crate) mod forgets;
pub(crate) mod server;
pub(crate) mod touched;

use chrono::{DateTime, Utc};

/// A 64-bit journal id as PostgreSQL keeps it: the same bits.
pub(crate) const fn signed(journal: u64) -> i64 {
    journal.cast_signed()
}

/// Milliseconds since 1970 as a timestamp.
pub(crate) fn timestamp(ms: u64) -> DateTime<Utc> {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A timestamp as milliseconds since 1970; before that, 0.
pub(crate) fn millis(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp_millis()).unwrap_or(0)
}

/// A sequence number, count or size as a `bigint`.
pub(crate) fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A `bigint` that is never negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
