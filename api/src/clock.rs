//! The one place that reads the clock; everything else takes the time as an argument.

use chrono::{DateTime, Utc};

/// Now.
#[expect(clippy::disallowed_methods, reason = "this is the border where the clock is read")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
