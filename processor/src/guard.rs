//! PostgreSQL restored or failed over behind ClickHouse (`pipeline.md` §6): before anything is
//! committed or sent on a server other than the one last known, ClickHouse is brought back to what
//! that server knows.

use chrono::NaiveDate;
use clickhouse::Row;
use serde::Deserialize;
use sqlx::{PgConnection, PgPool};
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use crate::{
    engine::Engine,
    error::{Error, Result},
    native::frames::Frames,
    repair,
    retention::Retention,
    stores::{
        block_sums,
        outbox::{self, BlockId},
        owner,
        server::{self, Lock, Pair},
        touched,
    },
};

mod unframe;

/// Raw tables whose rows carry their block.
const TABLES: [&str; 2] = ["clicks", "conversions"];

/// Block ids in one statement.
const IDS: usize = 500;

#[derive(Row, Deserialize)]
struct Stored {
    block: String,
    first_day: String,
    last_day: String,
}

/// Compares this server with the stored pair, and reconciles when it is another one. Nothing may be
/// committed or sent before this has succeeded.
pub(crate) async fn check(pool: &PgPool, here: Pair, engine: &Engine) -> Result<()> {
    let mut db = pool.acquire().await?;
    if server::stored(&mut db).await? == Some(here) {
        return Ok(());
    }
    server::lock(&mut db, Lock::Reconcile).await?;
    let done = reconcile(&mut db, here, engine).await;
    let unlocked = server::unlock(&mut db, Lock::Reconcile).await;
    done?;
    unlocked
}

async fn reconcile(db: &mut PgConnection, here: Pair, engine: &Engine) -> Result<()> {
    // Somebody else may have been first.
    let before = server::stored(db).await?;
    if before == Some(here) {
        return Ok(());
    }
    if before.is_some() {
        tracing::warn!("another postgresql server than before: comparing clickhouse with it");
    }
    // Whoever committed on the server before does not commit on this one.
    owner::fence_all(db).await?;
    if before.is_some() || !is_empty(engine).await? {
        let uptime = server::uptime(db).await?;
        tokio::time::sleep(rest(before, here, uptime, engine.window().both())).await;
    }
    let open = outbox::open_ids(&mut *db).await?;
    remove_uncommitted(db, engine, &open).await?;
    // Also those of a run before this one that removed rows and got no further.
    let days = touched::all(&mut *db).await?;
    let kept = Retention::ask(engine).await?;
    for rollup in repair::rollups(engine).await? {
        // Of days whose raw rows are expiring the sums are all there is: they stay as they are.
        let first = kept.first_day_of(&rollup.table);
        let days: Vec<NaiveDate> = days.iter().copied().filter(|day| *day >= first).collect();
        if !days.is_empty() {
            rollup.rebuild(engine, &days).await?;
        }
    }
    rename_all(db, &open, here).await
}

/// A fresh installation: nothing was ever sent, so nothing can be on its way.
async fn is_empty(engine: &Engine) -> Result<bool> {
    for table in TABLES {
        let sql = format!("SELECT count() FROM {table}");
        if engine.client().query(&sql).fetch_one::<u64>().await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How much longer an insert that was begun on the server before may go on. After a restart of the
/// same server every check of an id was made before it; after a failover nobody knows when.
fn rest(before: Option<Pair>, here: Pair, uptime: Duration, window: Duration) -> Duration {
    let restarted = before.is_some_and(|before| {
        before.system_identifier == here.system_identifier
            && before.timeline == here.timeline
            && before.started_at < here.started_at
    });
    if restarted { window.saturating_sub(uptime) } else { window }
}

/// Removes every row whose block this server does not know as committed, or still has to send. The
/// days touched are stored before, since afterwards nothing tells them any more.
async fn remove_uncommitted(
    db: &mut PgConnection,
    engine: &Engine,
    open: &[BlockId],
) -> Result<()> {
    let open: HashSet<BlockId> = open.iter().copied().collect();
    // What this server put together it has committed: what it has not, has a later commit.
    let summed = block_sums::stretches(&mut *db).await?.last;
    for table in TABLES {
        let sql = format!(
            "SELECT block, toString(min(day)) AS first_day, toString(max(day)) AS last_day FROM {table}
             WHERE commit > {summed} GROUP BY block"
        );
        let stored: Vec<Stored> = engine.client().query(&sql).fetch_all().await?;
        let mut wrong = Vec::new();
        for chunk in stored.chunks(IDS) {
            let ids: Vec<BlockId> =
                chunk.iter().filter_map(|row| BlockId::parse(&row.block)).collect();
            let known: HashSet<BlockId> =
                outbox::committed(&mut *db, &ids).await?.into_iter().collect();
            let gone = |row: &&Stored| {
                BlockId::parse(&row.block)
                    .is_none_or(|id| !known.contains(&id) || open.contains(&id))
            };
            wrong.extend(chunk.iter().filter(gone));
        }
        let mut days = BTreeSet::new();
        for row in &wrong {
            put_days(&mut days, row);
        }
        touched::put(&mut *db, &days).await?;
        for chunk in wrong.chunks(IDS) {
            let list: Vec<String> = chunk.iter().map(|row| format!("'{}'", row.block)).collect();
            tracing::warn!(
                table,
                blocks = chunk.len(),
                "removing blocks that this postgresql did not commit"
            );
            let sql = format!("ALTER TABLE {table} DELETE WHERE block IN ({})", list.join(", "));
            engine.client().query(&sql).with_setting("mutations_sync", "2").execute().await?;
        }
    }
    Ok(())
}

fn put_days(days: &mut BTreeSet<NaiveDate>, row: &Stored) {
    let day = |text: &str| text.parse::<NaiveDate>().ok();
    if let (Some(first), Some(last)) = (day(&row.first_day), day(&row.last_day)) {
        days.extend(first.iter_days().take_while(|day| *day <= last));
    }
}

/// Gives the blocks still to be sent new ids, so that no token ClickHouse remembers drops them, and
/// stores the pair, the touched days being done: in one transaction.
async fn rename_all(db: &mut PgConnection, open: &[BlockId], here: Pair) -> Result<()> {
    use sqlx::Connection;
    let mut tx = db.begin().await?;
    for &old in open {
        let Some(bytes) = outbox::get(&mut *tx, old).await? else { continue };
        let new = BlockId::random()?;
        let bytes = rename(&bytes, old, new)?;
        outbox::rename(&mut tx, old, new, &bytes).await?;
    }
    touched::clear(&mut tx).await?;
    server::store(&mut tx, here).await?;
    tx.commit().await?;
    Ok(())
}

/// The same block with another id in its rows.
fn rename(bytes: &[u8], old: BlockId, new: BlockId) -> Result<Vec<u8>> {
    let mut raw = unframe::unframe(bytes).ok_or(Error::Stored { what: "a block" })?;
    let (old, new) = (old.to_string(), new.to_string());
    // 128 random bits stand once in a block: in the dictionary of its column.
    let at = raw
        .windows(old.len())
        .position(|window| window == old.as_bytes())
        .ok_or(Error::Stored { what: "a block" })?;
    raw[at..at + new.len()].copy_from_slice(new.as_bytes());
    let mut frames = Frames::default();
    frames.put(&raw);
    Ok(frames.take().0)
}

#[cfg(test)]
mod tests;
