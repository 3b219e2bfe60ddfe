//! The one place of this crate that reads a clock: for waiting out limits and for metrics. No rule,
//! no row and no decision takes its time from here; those come with the events.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, UTC.
pub(crate) fn now_ms() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the crate's one clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |past| past.as_millis() as u64)
}
