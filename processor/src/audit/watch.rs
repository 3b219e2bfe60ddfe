//! The audit that is always on: the loss ledger every few seconds, recent events every few minutes, every day
//! once it is over. One processor makes the audits, and every one shows what they found.

use chrono::{DateTime, NaiveTime, Utc};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

use super::{Extent, Report, stores};
use crate::{
    clock,
    config::Config,
    engine::Engine,
    error::Result,
    metrics::Metrics,
    retention::Retention,
    stores::{
        block_sums,
        losses::{self, Totals},
        millis,
        server::{self, Lock},
        timestamp, unsigned,
    },
};

/// Between two looks at the loss ledger.
const LOOK: Duration = Duration::from_secs(5);
/// Events compared before the last audit began: what is younger may still have been on its way then.
const OVERLAP_MS: u64 = 3_600_000;
/// Most that a regular audit reaches back, as after an outage; the whole day is compared at its end.
const REACH_MS: u64 = 26 * 3_600_000;
const DAY_MS: u64 = 86_400_000;
/// A day is compared so long after its end.
const AFTER_MIDNIGHT_MS: u64 = 1_800_000;

/// Watches until the process ends. A store that is away is waited for.
pub(crate) async fn run(config: &Config, metrics: &Metrics) {
    let mut told = Told::default();
    loop {
        if let Err(error) = watch(config, metrics, &mut told).await {
            tracing::debug!(%error, "the audit waits for the stores");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What was said, so that it is said once.
#[derive(Default)]
struct Told {
    unexplained: i64,
}

/// Until a store fails.
async fn watch(config: &Config, metrics: &Metrics, told: &mut Told) -> Result<()> {
    let (pool, _) = server::connect(&config.stores.database_url).await?;
    let engine = Engine::new(&config.stores, &config.window)?;
    loop {
        let mut db = pool.acquire().await?;
        let totals = losses::totals(&mut db).await?;
        metrics.losses.show(&totals);
        told.tell(&totals);
        for extent in due(&mut db, config.audit_minutes, clock::now_ms()).await? {
            audit(&pool, &engine, &extent).await?;
        }
        let summed = block_sums::collapse(&mut db, config.backup_days).await?;
        if summed > 0 {
            tracing::info!(lanes = summed, "blocks older than any backup are put together");
        }
        if let Some(last) = losses::last(&mut db).await? {
            metrics.losses.discrepancies.set(last.discrepancies.into());
            metrics.losses.audited.set(last.begun_at.timestamp());
        }
        drop(db);
        tokio::time::sleep(LOOK).await;
    }
}

impl Told {
    fn tell(&mut self, totals: &Totals) {
        if totals.unexplained > 0 && totals.unexplained != self.unexplained {
            tracing::error!(
                records = totals.unexplained,
                "records that one stage counted and the next one did not: `tributary audit` names them"
            );
        }
        self.unexplained = totals.unexplained;
    }
}

/// What is to be compared now.
async fn due(db: &mut PgConnection, minutes: u64, now_ms: u64) -> Result<Vec<Extent>> {
    if minutes == 0 {
        return Ok(Vec::new());
    }
    let last = losses::last(db).await?.map(|made| millis(made.begun_at));
    let mut due: Vec<Extent> = recent(last, minutes, now_ms).into_iter().collect();
    let day = day_before(now_ms);
    if !losses::was_made(db, &day).await? {
        due.push(day);
    }
    Ok(due)
}

/// Events since a little before the last audit, once that is long enough ago.
fn recent(last_ms: Option<u64>, minutes: u64, now_ms: u64) -> Option<Extent> {
    let reach = now_ms.saturating_sub(REACH_MS);
    let since = match last_ms {
        Some(last) if now_ms.saturating_sub(last) < minutes * 60_000 => return None,
        Some(last) => last.saturating_sub(OVERLAP_MS).max(reach),
        None => reach,
    };
    Some(Extent::Between(since..now_ms))
}

/// The last day that was over for long enough.
fn day_before(now_ms: u64) -> Extent {
    let today = timestamp(now_ms.saturating_sub(AFTER_MIDNIGHT_MS)).date_naive();
    let midnight =
        millis(DateTime::<Utc>::from_naive_utc_and_offset(today.and_time(NaiveTime::MIN), Utc));
    Extent::Between(midnight.saturating_sub(DAY_MS)..midnight)
}

/// Makes an audit and keeps it, unless another processor is at it.
async fn audit(pool: &PgPool, engine: &Engine, extent: &Extent) -> Result<()> {
    let mut db = pool.acquire().await?;
    if !server::try_lock(&mut db, Lock::Audit).await? {
        return Ok(());
    }
    let begun = timestamp(clock::now_ms());
    let made = stores(pool, engine, &unexpired(engine, extent).await?).await;
    let kept = match &made {
        Ok(report) => {
            tell(report);
            losses::keep(&mut db, begun, extent, report).await
        }
        Err(_) => Ok(()),
    };
    let unlocked = server::unlock(&mut db, Lock::Audit).await;
    made?;
    kept?;
    unlocked
}

/// What of an extent is still there to be compared.
async fn unexpired(engine: &Engine, extent: &Extent) -> Result<Extent> {
    let since = unsigned(Retention::ask(engine).await?.since_ms());
    Ok(match extent {
        Extent::Between(ms) => Extent::Between(ms.start.max(since)..ms.end.max(since)),
        Extent::Whole => Extent::Whole,
    })
}

fn tell(report: &Report) {
    for found in report.discrepancies.iter().take(10) {
        tracing::error!(
            what = found.what,
            range = found.range,
            "the audit found what does not agree"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_events_are_compared_again_after_the_minutes_and_never_for_more_than_a_day() {
        const NOW: u64 = 1_763_640_000_000;
        let minute = 60_000;
        for (last, expected) in [
            (None, Some(NOW - REACH_MS)),
            (Some(NOW - 9 * minute), None),
            (Some(NOW - 10 * minute), Some(NOW - 70 * minute)),
            (Some(NOW - 30 * DAY_MS), Some(NOW - REACH_MS)),
            // A clock that was set back.
            (Some(NOW + minute), None),
        ] {
            let expected = expected.map(|since| Extent::Between(since..NOW));
            assert_eq!(recent(last, 10, NOW), expected, "{last:?}");
        }
    }

    #[test]
    fn a_day_is_compared_half_an_hour_after_its_end() {
        const MIDNIGHT: u64 = 1_763_596_800_000;
        let yesterday = Extent::Between(MIDNIGHT - DAY_MS..MIDNIGHT);
        let before = Extent::Between(MIDNIGHT - 2 * DAY_MS..MIDNIGHT - DAY_MS);
        for (now, expected) in [
            (MIDNIGHT, &before),
            (MIDNIGHT + AFTER_MIDNIGHT_MS - 1, &before),
            (MIDNIGHT + AFTER_MIDNIGHT_MS, &yesterday),
            (MIDNIGHT + DAY_MS, &yesterday),
        ] {
            assert_eq!(day_before(now), *expected, "{now}");
        }
    }
}
