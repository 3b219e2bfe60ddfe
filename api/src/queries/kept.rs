//! Since when ClickHouse's tables have all of their rows: what has expired is not answered as if it never was.

use chrono::{DateTime, NaiveDate, Utc};
use clickhouse::Row;
use schemas::retention::KEPT;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::bind;
use crate::{clock, params::range::Range, tenant::TenantCtx};

/// Nothing is kept for less.
const DAY_MS: i64 = 86_400_000;

/// So long an answer is as good as new. Whoever comes later gets it all the same, and it is asked for again behind them, …
const NEW_MS: i64 = 60_000;
/// … as long as it holds: what it says is there stays for an hour.
const HOLDS_MS: i64 = 30 * 60_000;

/// The last answer, for whoever asks next: a page asks for many reports, and should not wait for this one.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    known: Arc<RwLock<Option<(i64, Kept)>>>,
    /// One looks anew.
    looks: Arc<AtomicBool>,
}

impl Remembered {
    /// With its age in milliseconds.
    fn get(&self, now_ms: i64) -> Option<(i64, Kept)> {
        let known = self.known.read().ok()?;
        let (at_ms, kept) = known.as_ref()?;
        let age_ms = now_ms - at_ms;
        (0..HOLDS_MS).contains(&age_ms).then(|| (age_ms, kept.clone()))
    }

    fn put(&self, now_ms: i64, kept: Kept) {
        if let Ok(mut known) = self.known.write() {
            *known = Some((now_ms, kept));
        }
    }
}

/// By table, of those that do not have their rows for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept(BTreeMap<String, i64>);

#[derive(Row, Deserialize)]
struct Found {
    name: String,
    since_ms: i64,
}

impl Kept {
    /// What the tables say, where a span reaches back so far that it matters.
    pub(super) async fn ask(
        ctx: &TenantCtx,
        range: Range,
    ) -> Result<Self, clickhouse::error::Error> {
        if range.from_ms >= clock::now().timestamp_millis() - DAY_MS {
            return Ok(Self::default());
        }
        let now_ms = clock::now().timestamp_millis();
        match ctx.kept.get(now_ms) {
            Some((age_ms, kept)) => {
                if age_ms >= NEW_MS && !ctx.kept.looks.swap(true, Ordering::Relaxed) {
                    tokio::spawn(look_behind(ctx.clone()));
                }
                Ok(kept)
            }
            None => Self::look(ctx).await,
        }
    }

    async fn look(ctx: &TenantCtx) -> Result<Self, clickhouse::error::Error> {
        let now_ms = clock::now().timestamp_millis();
        let text = format!("SELECT name, since_ms FROM ({KEPT})");
        let asked = ctx.ch.query(&text);
        let found = bind::in_time(asked.fetch_all::<Found>()).await?;
        let begun = found.into_iter().filter(|kept| kept.since_ms > 0);
        let kept = Self::of(begun.map(|kept| (kept.name, kept.since_ms)));
        ctx.kept.put(now_ms, kept.clone());
        Ok(kept)
    }

    pub(super) fn of(tables: impl Iterator<Item = (String, i64)>) -> Self {
        Self(tables.collect())
    }

    /// From this millisecond on every row is there.
    pub(super) fn since_ms(&self, table: &str) -> i64 {
        self.0.get(table).copied().unwrap_or(0)
    }

    /// From this day on every row is there, in a table of days.
    pub(super) fn since_day(&self, table: &str) -> NaiveDate {
        DateTime::from_timestamp_millis(self.since_ms(table)).unwrap_or_default().date_naive()
    }
}

/// What nobody waits for: the next who asks tries again where it fails.
async fn look_behind(ctx: TenantCtx) {
    if let Err(error) = Kept::look(&ctx).await {
        tracing::debug!(%error, "clickhouse does not say since when it has its rows");
    }
    ctx.kept.looks.store(false, Ordering::Relaxed);
}

/// Sums that outlive everything else.
pub(super) const CLICKS: &str = "clicks_by_day_link";
pub(super) const CONVERSIONS: &str = "conversions_by_day_link";

/// Until when events of a span are left out because they have expired; `None` where the sums of such events say that
/// there were none.
pub(super) async fn left_out(
    ctx: &TenantCtx,
    range: Range,
    (sums, until_ms): (&'static str, i64),
) -> Result<Option<DateTime<Utc>>, clickhouse::error::Error> {
    if until_ms <= range.from_ms {
        return Ok(None);
    }
    // Dates of chrono, never text of a person.
    let (from, to) = (range.day(range.from_ms), range.day(until_ms - 1));
    let text = format!(
        "SELECT toUInt8(EXISTS (SELECT 1 FROM {sums} WHERE site = ? AND day BETWEEN '{from}' AND '{to}'))"
    );
    let any = bind::in_time(ctx.ch.query(&text).bind(ctx.site.get()).fetch_one::<u8>()).await?;
    Ok(DateTime::from_timestamp_millis(until_ms).filter(|_| any == 1))
}

/// The same of rows one by one, which only raw events give.
///
/// # Errors
/// When ClickHouse does not answer.
pub async fn rows_left_out(
    ctx: &TenantCtx,
    range: Range,
) -> Result<Option<DateTime<Utc>>, clickhouse::error::Error> {
    let since = Kept::ask(ctx, range).await?.since_ms("clicks");
    left_out(ctx, range, (CLICKS, since.min(range.to_ms))).await
}
