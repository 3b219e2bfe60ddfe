//! The audit: whether every event announced was received, every one received decided, every decision
//! stored once in ClickHouse, and whether rollups, conversions and ledger agree (`pipeline.md` §6).
//!
//! Runs on live data: it takes the state as of one commit from PostgreSQL in one snapshot, waits
//! until ClickHouse has all blocks up to that commit, and asks for no row beyond it. Changes nothing.

mod postgres;
mod engine;
mod files;
mod report;

pub use report::{Discrepancy, Lane, Report};

use std::time::Duration;

use crate::{
    config::Config,
    engine::Engine,
    error::{Error, Result},
    repair,
    retention::Retention,
    stores::{
        outbox,
        seqs::Key,
        server::{self, Lock},
    },
};
use postgres::Snapshot;
use schemas::keys::Keys;

/// How long blocks may take into ClickHouse before the audit says that they do not arrive.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

/// Audits the whole pipeline of these settings.
///
/// # Errors
/// A store that does not answer. What is wrong with the data is no error: it is in the report.
pub async fn run(config: &Config) -> Result<Report> {
    let engine = Engine::new(&config.stores, &config.window)?;
    let (pool, _) = server::connect(&config.stores.database_url).await?;
    let kept = Retention::ask(&engine).await?;
    let snapshot = postgres::snapshot(&pool, kept).await?;
    let mut report = Report::new(snapshot.commit);
    lanes(&snapshot, &mut report);
    report.discrepancies.extend(snapshot.wrong.iter().cloned());
    if wait_for_blocks(&pool, snapshot.commit).await? {
        engine::compare(&engine, &snapshot, &mut report).await?;
    } else {
        report.say(
            "outbox",
            format!("blocks up to commit {} do not arrive in clickhouse", snapshot.commit),
        );
    }
    rollups(&pool, &engine, kept, &mut report).await?;
    let path = &config.source.keys;
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::File { path: path.clone(), source })?;
    let (root, key) = (config.source.journal.clone(), Keys::parse(&text)?.journal());
    let found =
        tokio::task::spawn_blocking(move || files::compare(&root, &key, &snapshot))
            .await
            .map_err(|_| Error::Config("the journals could not be read to their end".to_owned()))?;
    report.records_in_files = found.records;
    report.discrepancies.extend(found.wrong);
    Ok(report)
}

/// What the sets say of themselves: announced = in, in = decided + dead + waiting.
fn lanes(snapshot: &Snapshot, report: &mut Report) {
    for (key, seqs) in &snapshot.seqs {
        let count = |of: &std::collections::BTreeMap<Key, u64>| of.get(key).copied().unwrap_or(0);
        let (dead, waiting) = (count(&snapshot.dead), count(&snapshot.waiting));
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
            stored: 0,
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
async fn wait_for_blocks(pool: &sqlx::PgPool, commit: i64) -> Result<bool> {
    let begun = std::time::Instant::now();
    while begun.elapsed() < PATIENCE {
        match outbox::load(pool).await?.1 {
            Some(oldest) if oldest <= commit => tokio::time::sleep(LOOK).await,
            _ => return Ok(true),
        }
    }
    Ok(false)
}

/// Rollups against raw rows, both as they are while nobody sends.
async fn rollups(
    pool: &sqlx::PgPool,
    engine: &Engine,
    kept: Retention,
    report: &mut Report,
) -> Result<()> {
    let mut db = pool.acquire().await?;
    server::lock(&mut db, Lock::Send).await?;
    let compared = compare_rollups(engine, kept, report).await;
    let unlocked = server::unlock(&mut db, Lock::Send).await;
    compared?;
    unlocked
}

async fn compare_rollups(engine: &Engine, kept: Retention, report: &mut Report) -> Result<()> {
    for rollup in repair::rollups(engine).await? {
        for difference in rollup.compare(engine, kept).await? {
            report.say(
                "rollup",
                format!(
                    "{} on {}: {} rows are not the sums of {} (repair rollup {})",
                    rollup.table, difference.day, difference.rows, rollup.source, difference.day
                ),
            );
        }
        report.rollups += 1;
    }
    Ok(())
}
