//! The audit: whether every event announced was received, every one received decided, every decision
//! stored once in ClickHouse, and whether rollups, conversions and ledger agree (`pipeline.md` §6).
//!
//! Runs on live data: it takes the state as of one commit from PostgreSQL in one snapshot, waits
//! until ClickHouse has all blocks up to that commit, and asks for no row beyond it. Changes nothing.

mod extent;
mod postgres;
mod engine;
mod files;
mod ledger;
mod report;
pub(crate) mod watch;

pub use crate::retention::Kept;
pub use extent::{Extent, InvalidExtent};
pub use report::{Discrepancy, Lane, Report};

use sqlx::PgPool;
use std::time::Duration;

use crate::{
    config::Config,
    engine::Engine,
    error::{Error, Result},
    repair,
    retention::Retention,
    stores::{
        bigint, outbox,
        seqs::Key,
        server::{self, Lock},
        timestamp, unsigned,
    },
};
use postgres::Snapshot;
use schemas::keys::Keys;

/// How long blocks may take into ClickHouse before the audit says that they do not arrive.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

/// Times the rollups are compared while senders go on, before they have to wait: what is half way in is no
/// difference the next time.
const UNHELD: usize = 4;

/// Audits the whole pipeline of these settings.
///
/// # Errors
/// A store that does not answer. What is wrong with the data is no error: it is in the report.
pub async fn run(config: &Config) -> Result<Report> {
    run_over(config, &Extent::Whole).await
}

/// Audits the events of an extent; of some days' events by what both stores keep, without the journals' files.
///
/// # Errors
/// As `run`, and `Config` where raw events of the extent have expired.
pub async fn run_over(config: &Config, extent: &Extent) -> Result<Report> {
    let (pool, _) = server::connect(&config.stores.database_url).await?;
    let engine = Engine::new(&config.stores, &config.window)?;
    let mut report = stores(&pool, &engine, extent).await?;
    if *extent == Extent::Whole {
        files(config, &pool, &mut report).await?;
    }
    Ok(report)
}

/// What the stores say, of themselves and of one another.
async fn stores(pool: &PgPool, engine: &Engine, extent: &Extent) -> Result<Report> {
    let kept = Retention::ask(engine).await?;
    refuse_expired(extent, &kept)?;
    let snapshot = postgres::snapshot(pool, &kept, extent).await?;
    let mut report = Report::new(snapshot.commit, extent);
    report.kept = kept.tables();
    lanes(&snapshot, &mut report);
    report.discrepancies.extend(snapshot.wrong.iter().cloned());
    if wait_for_blocks(pool, snapshot.commit, PATIENCE).await? {
        engine::compare(engine, pool, &snapshot, &mut report).await?;
    } else {
        report.say(
            "outbox",
            format!("blocks up to commit {} do not arrive in clickhouse", snapshot.commit),
        );
    }
    rollups(pool, engine, &kept, extent, &mut report).await?;
    Ok(report)
}

/// Nothing can be said of rows that are gone.
fn refuse_expired(extent: &Extent, kept: &Retention) -> Result<()> {
    match extent.bounds() {
        Some(ms) if bigint(ms.start) < kept.since_ms() => Err(Error::Config(format!(
            "raw events before {} have expired: ask for days from {} on",
            timestamp(unsigned(kept.since_ms())).format("%Y-%m-%d %H:%M UTC"),
            kept.first_day(),
        ))),
        _ => Ok(()),
    }
}

/// The journals' files against the sets.
async fn files(config: &Config, pool: &PgPool, report: &mut Report) -> Result<()> {
    let path = &config.source.keys;
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::File { path: path.clone(), source })?;
    let (root, key) = (config.source.journal.clone(), Keys::parse(&text)?.journal());
    let sets = postgres::sets(pool).await?;
    let found = tokio::task::spawn_blocking(move || files::compare(&root, &key, &sets))
        .await
        .map_err(|_| Error::Config("the journals could not be read to their end".to_owned()))?;
    report.records_in_files = found.records;
    report.discrepancies.extend(found.wrong);
    Ok(())
}

/// What the sets say of themselves: announced = in, in = decided + dead + waiting.
fn lanes(snapshot: &Snapshot, report: &mut Report) {
    for (key, seqs) in &snapshot.seqs {
        let count = |of: &std::collections::BTreeMap<Key, u64>| of.get(key).copied().unwrap_or(0);
        let (dead, waiting) = (count(&snapshot.dead), count(&snapshot.waiting));
        let (stored, on_the_way) = (count(&snapshot.stored), count(&snapshot.on_the_way));
        for (first, last) in seqs.covered.holes(seqs.announced) {
            report.say("announced and never received", range(*key, first, last));
        }
        let known = seqs.received + seqs.skipped + seqs.lost;
        if seqs.covered.count() != known {
            report.say(
                "received",
                format!("{}: {} are in, {known} were counted", name(*key), seqs.covered.count()),
            );
        }
        if seqs.received != seqs.decided + dead + waiting {
            report.say(
                "decided",
                format!(
                    "{}: received {} is not decided {} + dead letters {dead} + waiting {waiting}",
                    name(*key),
                    seqs.received,
                    seqs.decided
                ),
            );
        }
        if seqs.decided != stored + on_the_way {
            report.say(
                "sent",
                format!(
                    "{}: decided {} is not stored {stored} + on the way {on_the_way}",
                    name(*key),
                    seqs.decided
                ),
            );
        }
        report.lanes.push(Lane {
            journal: format!("{:016x}", key.journal),
            slot: snapshot
                .journals
                .get(&key.journal)
                .map(|known| known.slot.clone())
                .unwrap_or_default(),
            topic: key.topic.name(),
            partition: key.partition,
            announced: seqs.announced,
            received: seqs.received,
            skipped: seqs.skipped,
            lost: seqs.lost,
            repeated: seqs.repeated,
            decided: seqs.decided,
            waiting,
            dead_letters: dead,
            stored,
        });
    }
}

/// A lane as a person reads it.
fn name(key: Key) -> String {
    format!("journal {:016x} {} partition {}", key.journal, key.topic.name(), key.partition)
}

fn range(key: Key, first: u64, last: u64) -> String {
    format!("{} seq {first} to {last}", name(key))
}

/// Whether ClickHouse has every block up to a commit.
pub(crate) async fn wait_for_blocks(
    pool: &PgPool,
    commit: i64,
    patience: Duration,
) -> Result<bool> {
    let begun = std::time::Instant::now();
    loop {
        match outbox::load(pool).await?.1 {
            Some(oldest) if oldest <= commit => {}
            _ => return Ok(true),
        }
        if begun.elapsed() >= patience {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Rollups against raw rows: as they are, and where that does not agree, as they are while nobody sends.
async fn rollups(
    pool: &PgPool,
    engine: &Engine,
    kept: &Retention,
    extent: &Extent,
    report: &mut Report,
) -> Result<()> {
    for rollup in repair::rollups(engine).await? {
        report.rollups += 1;
        let mut differences = rollup.compare(engine, kept, extent.days()).await?;
        for _ in 1..UNHELD {
            if differences.is_empty() {
                break;
            }
            differences = rollup.compare(engine, kept, extent.days()).await?;
        }
        if !differences.is_empty() {
            differences = held(pool, rollup.compare(engine, kept, extent.days())).await?;
        }
        for difference in differences {
            report.say(
                "rollup",
                format!(
                    "{} on {}: {} rows are not the sums of {} (repair rollup {})",
                    rollup.table, difference.day, difference.rows, rollup.source, difference.day
                ),
            );
        }
    }
    Ok(())
}

/// Does something while nobody sends.
async fn held<T>(pool: &PgPool, doing: impl Future<Output = Result<T>>) -> Result<T> {
    let mut db = pool.acquire().await?;
    server::lock(&mut db, Lock::Send).await?;
    let done = doing.await;
    let unlocked = server::unlock(&mut db, Lock::Send).await;
    let done = done?;
    unlocked?;
    Ok(done)
}
