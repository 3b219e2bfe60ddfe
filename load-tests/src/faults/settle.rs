//! Waits until nothing is under way any more; where it stays under way, says what, and what PostgreSQL is busy with.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::cast::Cast;

/// A log that is read to its end by then never will be.
const LIMIT: Duration = Duration::from_secs(240);
/// One killed before its first record may never be heard of.
const HEARD: Duration = Duration::from_secs(60);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(300);

/// What counts what is still under way.
const QUESTIONS: [(&str, &str); 5] = [
    (
        "journals have not ended",
        "SELECT count(*) FROM pipeline_journal WHERE state = 'live' AND journal NOT IN (SELECT journal FROM (SELECT DISTINCT ON (slot) journal FROM pipeline_journal ORDER BY slot, started_at DESC) newest)",
    ),
    (
        "ranges are announced and not in",
        "SELECT count(*) FROM pipeline_seqs WHERE NOT covered @> int8range(1, announced + 1)",
    ),
    ("conversions wait", "SELECT count(*) FROM pipeline_waiting"),
    ("blocks wait", "SELECT count(*) FROM outbox_block"),
    ("records are dead letters", "SELECT count(*) FROM pipeline_dead_letter"),
];
const UNHEARD: &str = "SELECT count(*) FROM unnest($1::int8[]) AS j (journal) WHERE NOT EXISTS (SELECT FROM pipeline_journal p WHERE p.journal = j.journal)";
/// Who does something in the database, and what it waits for.
const SESSIONS: &str = "SELECT concat_ws(' ', usename, state, wait_event_type, wait_event, date_trunc('second', now() - xact_start), left(query, 120)) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'tributary_processor'";
/// Who owns what, and how far they are.
const OWNERS: &str = "SELECT to_jsonb(p)::text FROM pipeline_position p ORDER BY 1";

/// Waits until every journal has ended, everything announced is in and decided, and ClickHouse has it; what does not
/// come about, otherwise.
///
/// # Errors
/// When PostgreSQL does not answer, or a processor can't be started.
pub(super) async fn settle(cast: &mut Cast) -> Result<Vec<String>> {
    // What nobody has heard of yet is in no table.
    let journals = cast.journals()?;
    let (deadline, heard) = (Instant::now() + LIMIT, Instant::now() + HEARD);
    // Twice in a row, so that nothing is between two tables.
    let (mut calm, mut ended) = (0, 0);
    loop {
        ended += cast.keep()?;
        let mut held = under_way(cast).await?;
        let count: i64 = sqlx::query_scalar(UNHEARD).bind(&journals).fetch_one(&cast.owner).await?;
        if count > 0 && Instant::now() < heard {
            held.push(format!("{count} journals were never heard of"));
        }
        calm = if held.is_empty() { calm + 1 } else { 0 };
        if calm == 2 {
            return Ok(Vec::new());
        }
        if Instant::now() > deadline {
            held.push(format!("processors ended by themselves: {ended}"));
            held.extend(busy(cast).await?);
            return Ok(held);
        }
        sleep(LOOK).await;
    }
}

async fn under_way(cast: &Cast) -> Result<Vec<String>> {
    let mut held = Vec::new();
    for (what, sql) in QUESTIONS {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&cast.owner).await?;
        if count > 0 {
            held.push(format!("{count} {what}"));
        }
    }
    Ok(held)
}

async fn busy(cast: &Cast) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (what, sql) in [("session", SESSIONS), ("position", OWNERS)] {
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&cast.owner).await?;
        all.extend(rows.into_iter().map(|row| format!("{what}: {row}")));
    }
    Ok(all)
}
