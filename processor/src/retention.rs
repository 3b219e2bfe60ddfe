//! How long ClickHouse keeps raw events, asked of the tables themselves. What may have expired is
//! compared with nothing, and rollups of days whose raw rows are going are not made again from them.

use chrono::{DateTime, Days, NaiveDate};
use clickhouse::Row;
use serde::Deserialize;

use crate::{engine::Engine, error::Result};

/// An event this much younger than the limit does not expire while somebody compares.
const MARGIN_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Since when every raw event is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// 0: for ever.
    since_ms: i64,
}

#[derive(Row, Deserialize)]
struct Kept {
    now_ms: i64,
    days: u32,
}

impl Retention {
    /// What the tables say now.
    pub(crate) async fn ask(engine: &Engine) -> Result<Self> {
        let kept: Vec<Kept> = engine
            .client()
            .query(
                "SELECT toUnixTimestamp64Milli(now64(3)) AS now_ms,
                     toUInt32OrZero(extract(engine_full, ' TTL toDateTime\\\\(time\\\\) \\\\+ toIntervalDay\\\\(([0-9]+)\\\\)')) AS days
                 FROM system.tables WHERE database = currentDatabase()
                     AND name IN ('clicks', 'conversions', 'clicks_local', 'conversions_local')",
            )
            .fetch_all()
            .await?;
        let since = |kept: &Kept| kept.now_ms - i64::from(kept.days) * DAY_MS + MARGIN_MS;
        let since_ms = kept.iter().filter(|kept| kept.days > 0).map(since).max();
        Ok(Self { since_ms: since_ms.unwrap_or(0).max(0) })
    }

    /// Events from this millisecond on are there.
    pub(crate) const fn since_ms(self) -> i64 {
        self.since_ms
    }

    /// The first day all of whose events are there, whatever zone it is a day of.
    pub(crate) fn first_day(self) -> NaiveDate {
        let day = DateTime::from_timestamp_millis(self.since_ms).unwrap_or_default().date_naive();
        if self.since_ms == 0 { day } else { day.checked_add_days(Days::new(2)).unwrap_or(day) }
    }
}
