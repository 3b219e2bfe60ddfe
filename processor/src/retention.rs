//! How long ClickHouse keeps raw events and their sums, asked of the tables themselves. What may have expired is
//! compared with nothing, and rollups of days whose raw rows are going are not made again from them.

use chrono::{DateTime, Days, NaiveDate};
use clickhouse::Row;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

use crate::{engine::Engine, error::Result};

/// Raw events, which rollups are the sums of.
const RAW: [&str; 2] = ["clicks", "conversions"];

/// Conversions beside their clicks, which may be gone before they are.
const BESIDE: &str = "conversions_by_click";

/// The first millisecond from which on the clicks of all conversions are there.
const CLICKS_OF_ALL: &str = "SELECT toInt64(toUnixTimestamp64Milli(max(time))) + 1 FROM conversions
     WHERE click_time > toDateTime64(0, 3, 'UTC') AND click_time < fromUnixTimestamp64Milli(?)";

/// Since when what is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Retention {
    /// Of raw events, every one; 0: ever since.
    since_ms: i64,
    /// Of clicks of conversions, all of them.
    clicks_of_all_ms: i64,
    /// Of every table that does not keep its rows for ever.
    tables: BTreeMap<String, Kept>,
}

/// How long one table keeps its rows.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct Kept {
    /// The table.
    #[serde(rename = "name")]
    pub table: String,
    /// At least so many days; 0: for ever.
    pub days: u32,
    /// Every row from this millisecond since 1970 on is there; 0: ever since.
    pub since_ms: i64,
}

impl Retention {
    /// What the tables say now. An event that is not expired by it does not expire while somebody compares.
    pub(crate) async fn ask(engine: &Engine) -> Result<Self> {
        let all: Vec<Kept> = engine.client().query(schemas::retention::KEPT).fetch_all().await?;
        let mut kept = Self::of(all);
        let clicks = kept.tables.get("clicks").map_or(0, |clicks| clicks.since_ms);
        if clicks > 0 {
            let asked = engine.client().query(CLICKS_OF_ALL).bind(clicks);
            kept.clicks_of_all_ms = asked.fetch_one().await?;
        }
        Ok(kept)
    }

    fn of(all: Vec<Kept>) -> Self {
        let going = all.into_iter().filter(|kept| kept.days > 0);
        let tables: BTreeMap<String, Kept> = going.map(|kept| (kept.table.clone(), kept)).collect();
        let raw = RAW.iter().filter_map(|table| Some(tables.get(*table)?.since_ms));
        Self { since_ms: raw.max().unwrap_or(0).max(0), clicks_of_all_ms: 0, tables }
    }

    /// Events from this millisecond on are there.
    pub(crate) const fn since_ms(&self) -> i64 {
        self.since_ms
    }

    /// The first day all of whose events are there, whatever zone it is a day of.
    pub(crate) fn first_day(&self) -> NaiveDate {
        whole_day_from(self.since_ms)
    }

    /// The first day of which both a rollup and its raw events are there.
    pub(crate) fn first_day_of(&self, rollup: &str) -> NaiveDate {
        let name = rollup.strip_suffix("_local").unwrap_or(rollup);
        let since = self.tables.get(name).map_or(0, |kept| kept.since_ms).max(self.since_ms);
        whole_day_from(if name == BESIDE { since.max(self.clicks_of_all_ms) } else { since })
    }

    /// Tables whose rows go.
    pub(crate) fn tables(&self) -> Vec<Kept> {
        self.tables.values().cloned().collect()
    }
}

fn whole_day_from(since_ms: i64) -> NaiveDate {
    let day = DateTime::from_timestamp_millis(since_ms).unwrap_or_default().date_naive();
    if since_ms == 0 { day } else { day.checked_add_days(Days::new(2)).unwrap_or(day) }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = DateTime::from_timestamp_millis(self.since_ms).unwrap_or_default();
        let since = since.format("%Y-%m-%d %H:%M UTC");
        write!(f, "{} for {} days, now since {since}", self.table, self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollup_is_compared_from_where_both_it_and_its_rows_are_there() {
        const DAY_MS: i64 = 86_400_000;
        let kept = |table: &str, days, since| Kept {
            table: table.to_owned(),
            days,
            since_ms: since * DAY_MS,
        };
        let retention = Retention::of(vec![
            kept("clicks", 40, 100),
            kept("conversions", 50, 90),
            kept("clicks_by_hour_link", 10, 130),
            kept("clicks_by_day_link", 0, 0),
        ]);
        assert_eq!(retention.since_ms(), 100 * DAY_MS);
        let day = |n: u64| NaiveDate::default() + Days::new(n);
        assert_eq!(retention.first_day(), day(102));
        assert_eq!(retention.first_day_of("clicks_by_hour_link"), day(132));
        assert_eq!(retention.first_day_of("clicks_by_hour_link_local"), day(132));
        assert_eq!(retention.first_day_of("clicks_by_day_link"), day(102));
        // Clicks of the last conversions that lost theirs went with the first ones.
        let retention = Retention { clicks_of_all_ms: 120 * DAY_MS, ..retention };
        assert_eq!(retention.first_day_of("conversions_by_click"), day(122));
        assert_eq!(retention.first_day_of("conversions_by_day_link"), day(102));
        assert_eq!(Retention::of(Vec::new()).first_day(), day(0));
        assert_eq!(retention.tables().len(), 3);
    }
}
