//! Uniqueness claims as they were committed: one blob a batch and partition, from which a new owner
//! rebuilds its sets.

use sqlx::PgConnection;

use super::{bigint, claims::Blob};
use crate::error::Result;

/// Writes the claims of a batch.
pub(crate) async fn put(db: &mut PgConnection, commit: i64, blobs: &[Blob]) -> Result<()> {
    for blob in blobs {
        sqlx::query!(
            "INSERT INTO pipeline_claims (partition, commit, min_ms, max_ms, bytes) VALUES ($1, $2, $3, $4, $5)",
            i32::from(blob.partition),
            commit,
            bigint(blob.min_ms),
            bigint(blob.max_ms),
            blob.bytes,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Partitions with claims, of some or of all.
pub(crate) async fn partitions(db: &mut PgConnection, of: Option<&[i32]>) -> Result<Vec<u16>> {
    let rows = sqlx::query!("SELECT DISTINCT partition FROM pipeline_claims WHERE $1::int4[] IS NULL OR partition = ANY ($1) ORDER BY partition", of)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().filter_map(|row| u16::try_from(row.partition).ok()).collect())
}

/// The claims of a partition, in the order of their commits.
pub(crate) async fn load(db: &mut PgConnection, partition: u16) -> Result<Vec<Vec<u8>>> {
    let rows = sqlx::query!(
        "SELECT bytes FROM pipeline_claims WHERE partition = $1 ORDER BY id",
        i32::from(partition)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.bytes).collect())
}

/// Drops what no window reaches any more.
pub(crate) async fn prune(db: &mut PgConnection, of: Option<&[i32]>, before_ms: u64) -> Result<()> {
    let before = bigint(before_ms);
    sqlx::query!("DELETE FROM pipeline_claims WHERE max_ms < $1 AND ($2::int4[] IS NULL OR partition = ANY ($2))", before, of)
        .execute(db)
        .await?;
    Ok(())
}
