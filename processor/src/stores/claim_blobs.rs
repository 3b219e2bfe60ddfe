//! Uniqueness claims as they were committed: one blob a batch and set, from which a new owner rebuilds its sets.
//! A set's claims are of the shards that leave its number when divided by the layout: the partitions of Kafka's
//! topics at that time, or 1 where everything is read.

use sqlx::PgConnection;
use tokio_stream::StreamExt as _;

use super::{bigint, claims::Blob};
use crate::error::Result;

/// Writes the claims of a batch.
pub(crate) async fn put(
    db: &mut PgConnection,
    commit: i64,
    layout: u16,
    blobs: &[Blob],
) -> Result<()> {
    for blob in blobs {
        sqlx::query!(
            "INSERT INTO pipeline_claims (partition, commit, layout, min_ms, max_ms, bytes) VALUES ($1, $2, $3, $4, $5, $6)",
            i32::from(blob.partition),
            commit,
            i32::from(layout),
            bigint(blob.min_ms),
            bigint(blob.max_ms),
            blob.bytes,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Gives the claims of every shard of a set away, blob by blob in the order of their commits: with them those of other
/// shards, where they were made under another layout. Never holds more than a few of them.
pub(crate) async fn each(
    db: &mut PgConnection,
    set: u16,
    layout: u16,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut rows = sqlx::query!(
        "SELECT bytes FROM pipeline_claims
         WHERE layout = $2 AND partition = $1
            OR layout <> $2 AND partition % gcd(layout, $2) = $1 % gcd(layout, $2)
         ORDER BY id",
        i32::from(set),
        i32::from(layout),
    )
    .fetch(db);
    while let Some(row) = rows.next().await {
        take(&row?.bytes)?;
    }
    Ok(())
}

/// What is dropped of the claims of some sets, or of all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Old {
    /// Nothing of ours comes before it any more.
    pub(crate) before_ms: u64,
    /// How long before the end of all numbers nobody's does.
    pub(crate) reach_ms: u64,
}

/// Drops what no window reaches any more. Others need claims of another layout too: those go by what is complete.
pub(crate) async fn prune(
    db: &mut PgConnection,
    of: Option<&[i32]>,
    layout: u16,
    old: Old,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM pipeline_claims
         WHERE max_ms < $1 AND CASE layout
             WHEN $2 THEN $3::int4[] IS NULL OR partition = ANY ($3)
             ELSE max_ms < (SELECT (extract(epoch FROM as_of) * 1000)::bigint FROM pipeline_as_of) - $4
         END",
        bigint(old.before_ms),
        i32::from(layout),
        of,
        bigint(old.reach_ms),
    )
    .execute(db)
    .await?;
    Ok(())
}
