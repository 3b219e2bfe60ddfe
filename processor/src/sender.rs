//! Sends blocks from the outbox into ClickHouse: the oldest first, each by one INSERT with its id as
//! deduplication token, the same bytes on every try; then deletes the id (`pipeline.md` §6).
//!
//! Connects, checks that the id is still there, writes on that connection, and never again: a sender
//! that slept between check and write finds its connection closed, so that no old block comes in
//! after ClickHouse has forgotten its token. Refuses to decide or to change a byte.

use sqlx::{PgConnection, PgPool};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

use crate::{
    engine::Engine,
    error::{Error, Result},
    metrics::{Metrics, stages::Stage},
    stores::{
        outbox::{self, Block, BlockId},
        server::{self, Lock},
    },
};

/// How often it looks without being told.
const LOOK: Duration = Duration::from_millis(500);
/// Wait after a failure; doubles up to the longest.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(2);

/// Commits that senders go ahead of a block that another one has. However long it is stuck, no more blocks than
/// those are inserted between two tries of it, which is far below what ClickHouse remembers.
const AHEAD: i64 = 16;

/// What a sender works with.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) pool: PgPool,
    pub(crate) engine: Engine,
    pub(crate) metrics: Metrics,
    /// Told after each commit.
    pub(crate) committed: Arc<Notify>,
    /// What the pipeline hears of it.
    pub(crate) sent: Arc<Sent>,
}

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Told after each block: there is room again.
    pub(crate) told: Notify,
    /// Microseconds that inserts took and nobody asked about yet.
    inserting_us: AtomicU64,
}

impl Sent {
    fn took(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.inserting_us.fetch_add(us, Ordering::Relaxed);
    }

    /// How long inserts took since this was asked before.
    pub(crate) fn inserting(&self) -> Duration {
        Duration::from_micros(self.inserting_us.swap(0, Ordering::Relaxed))
    }
}

impl Sender {
    /// Sends for ever. Gives an error only when PostgreSQL fails: the whole session then starts
    /// again, since it may be another server.
    pub(crate) async fn run(&self) -> Result<()> {
        let mut retry = FIRST_RETRY;
        loop {
            match self.send_oldest().await {
                Ok(true) => retry = FIRST_RETRY,
                Ok(false) => {
                    let told = tokio::time::timeout(LOOK, self.committed.notified());
                    // Either way it looks again.
                    let _ = told.await;
                }
                Err(Error::ClickHouse(error)) => {
                    self.metrics.inserts.with_label_values(&["failed"]).inc();
                    tracing::warn!(%error, "clickhouse does not take a block, trying again");
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(LONGEST_RETRY);
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// Sends the oldest block that no other sender has; false when there is none.
    pub(crate) async fn send_oldest(&self) -> Result<bool> {
        let mut db = self.pool.acquire().await?;
        let Some((id, is_held)) = self.pick(&mut db).await? else { return Ok(false) };
        let block = outbox::read(&mut *db, id).await?;
        // Who repairs or compares rollups holds this alone. A connection that fails gives it back.
        server::lock_shared(&mut db, Lock::Send).await?;
        let sent = match &block {
            Some(block) => self.send(&mut db, block).await,
            None => Ok(()),
        };
        server::unlock_shared(&mut db, Lock::Send).await?;
        if is_held {
            server::unlock_block(&mut db, id).await?;
        }
        sent?;
        self.sent.told.notify_one();
        Ok(true)
    }

    /// A block to send, and whether it is ours alone. That only spares ClickHouse the same block from all
    /// senders at once: one that is frozen has it for as long as it likes, so that after a while another one
    /// sends it too, and ClickHouse takes it once.
    async fn pick(&self, db: &mut PgConnection) -> Result<Option<(BlockId, bool)>> {
        let patience = self.engine.window().both();
        let queue = outbox::queue(&mut *db, patience, AHEAD).await?;
        for (id, is_old) in queue {
            let is_held = server::try_lock_block(db, id).await?;
            if is_held || is_old {
                return Ok(Some((id, is_held)));
            }
        }
        Ok(None)
    }

    async fn send(&self, db: &mut PgConnection, block: &Block) -> Result<()> {
        let begun = Instant::now();
        let connection = self.engine.connect().await?;
        if !outbox::is_open(&mut *db, block.id).await? {
            return Ok(());
        }
        connection.insert(block).await?;
        outbox::done(&mut *db, block.id).await?;
        self.sent.took(begun.elapsed());
        self.metrics.stages.took(Stage::Insert, begun.elapsed());
        self.metrics.inserts.with_label_values(&["done"]).inc();
        self.metrics.inserted_rows.inc_by(block.rows);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
