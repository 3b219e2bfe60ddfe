//! Blocks on their way to ClickHouse, and the ids of all that were ever committed.

use sqlx::{PgConnection, PgExecutor};
use std::time::Duration;

use super::bigint;
use crate::{batch::Manifest, error::Result};

/// A block's 128 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BlockId(pub(crate) [u8; 16]);

impl BlockId {
    /// A new one from the operating system, never from a sequence: a restored database repeats those.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| crate::error::Error::System {
            what: "random numbers",
            source: e.into(),
        })?;
        Ok(Self(bytes))
    }

    /// As it is printed; `None` for anything else.
    pub(crate) fn parse(hex: &str) -> Option<Self> {
        let id = u128::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 32)?;
        Some(Self(id.to_be_bytes()))
    }

    /// From a `bytea`.
    pub(crate) fn from_sql(bytes: &[u8]) -> Result<Self> {
        let stored = crate::error::Error::Stored { what: "a block id" };
        bytes.try_into().map(Self).map_err(|_| stored)
    }
}

/// As every row in ClickHouse carries it, and as the token of its insert.
impl std::fmt::Display for BlockId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A block to send.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) id: BlockId,
    pub(crate) commit: i64,
    pub(crate) table: String,
    pub(crate) columns: String,
    pub(crate) rows: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Puts a block in, and its id among those committed; `records` says what it holds.
pub(crate) async fn put(db: &mut PgConnection, block: &Block, records: &Manifest) -> Result<()> {
    sqlx::query!(
        "WITH kept AS (
             INSERT INTO pipeline_block (id, commit, table_name, rows, ranges, oldest, newest) VALUES ($1, $2, $3, $5, $7, $8, $9))
         INSERT INTO outbox_block (id, commit, table_name, columns, rows, bytes) VALUES ($1, $2, $3, $4, $5, $6)",
        &block.id.0[..],
        block.commit,
        block.table,
        block.columns,
        bigint(block.rows),
        block.bytes,
        records.to_json(),
        super::timestamp(records.oldest_ms()),
        super::timestamp(records.newest_ms()),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The oldest blocks not yet done, none more than `ahead` commits younger than the first, and whether each was
/// committed longer ago than `patience`. Conversions come behind all clicks committed before them: ClickHouse looks
/// their clicks up as they come in (`conversions_by_click`).
pub(crate) async fn queue(
    db: impl PgExecutor<'_>,
    patience: Duration,
    ahead: i64,
) -> Result<Vec<(BlockId, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT b.id, p.created_at < clock_timestamp() - $1 * interval '1 second' AS "old!"
           FROM outbox_block b JOIN pipeline_block p USING (id)
           WHERE b.commit < (SELECT min(commit) FROM outbox_block) + $2
               AND (b.table_name <> 'conversions' OR NOT EXISTS (
                   SELECT FROM outbox_block c WHERE c.table_name = 'clicks' AND c.commit <= b.commit))
           ORDER BY b.commit, b.table_name"#,
        patience.as_secs_f64(),
        ahead,
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((BlockId::from_sql(&row.id)?, row.old))).collect()
}

/// A block to send; `None` when it is done.
pub(crate) async fn read(db: impl PgExecutor<'_>, id: BlockId) -> Result<Option<Block>> {
    let row = sqlx::query!(
        "SELECT commit, table_name, columns, rows, bytes FROM outbox_block WHERE id = $1",
        &id.0[..]
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Block {
        id,
        commit: row.commit,
        table: row.table_name,
        columns: row.columns,
        rows: super::unsigned(row.rows),
        bytes: row.bytes,
    }))
}

/// Whether a block is still to be sent.
pub(crate) async fn is_open(db: impl PgExecutor<'_>, id: BlockId) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM outbox_block WHERE id = $1) AS "open!""#,
        &id.0[..]
    )
    .fetch_one(db)
    .await?;
    Ok(row.open)
}

/// DONE: ClickHouse has it, on its disk. Counted with the deletion, so that whoever sends it again counts nothing.
pub(crate) async fn done(db: impl PgExecutor<'_>, id: BlockId) -> Result<()> {
    sqlx::query!(
        "WITH gone AS (DELETE FROM outbox_block WHERE id = $1 RETURNING id)
         INSERT INTO pipeline_stored (journal, topic, partition, rows)
         SELECT lanes.journal, lanes.topic, lanes.partition, lanes.rows
         FROM gone JOIN pipeline_block b USING (id), pipeline_block_lanes(b.ranges) AS lanes
         -- In one order: two senders wait for one another and no more.
         ORDER BY lanes.journal, lanes.topic, lanes.partition
         ON CONFLICT (journal, topic, partition) DO UPDATE SET rows = pipeline_stored.rows + excluded.rows",
        &id.0[..]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Bytes that wait, and the oldest commit among them.
pub(crate) async fn load(db: impl PgExecutor<'_>) -> Result<(u64, Option<i64>)> {
    let row = sqlx::query!(
        r#"SELECT coalesce(sum(octet_length(bytes)), 0) AS "bytes!", min(commit) AS oldest FROM outbox_block"#
    )
    .fetch_one(db)
    .await?;
    Ok((super::unsigned(row.bytes), row.oldest))
}

/// Gives a block that ClickHouse must not know any more a new id, and new bytes that carry it.
pub(crate) async fn rename(
    db: &mut PgConnection,
    old: BlockId,
    new: BlockId,
    bytes: &[u8],
) -> Result<()> {
    sqlx::query!("UPDATE pipeline_block SET id = $2 WHERE id = $1", &old.0[..], &new.0[..])
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "UPDATE outbox_block SET id = $2, bytes = $3 WHERE id = $1",
        &old.0[..],
        &new.0[..],
        bytes
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All blocks not yet done, oldest first, without their bytes.
pub(crate) async fn open_ids(db: impl PgExecutor<'_>) -> Result<Vec<BlockId>> {
    let rows = sqlx::query!("SELECT id FROM outbox_block ORDER BY commit, table_name")
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| BlockId::from_sql(&row.id)).collect()
}

/// One block that is not yet done.
pub(crate) async fn get(db: impl PgExecutor<'_>, id: BlockId) -> Result<Option<Vec<u8>>> {
    let row = sqlx::query!("SELECT bytes FROM outbox_block WHERE id = $1", &id.0[..])
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| row.bytes))
}

/// Which of these ids were ever committed.
pub(crate) async fn committed(db: impl PgExecutor<'_>, ids: &[BlockId]) -> Result<Vec<BlockId>> {
    let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.0.to_vec()).collect();
    let rows = sqlx::query!("SELECT id FROM pipeline_block WHERE id = ANY ($1)", &ids)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| BlockId::from_sql(&row.id)).collect()
}
