//! Conversions whose click is not decided yet, and the waits that ended without it.

use sqlx::PgConnection;

use super::{bigint, seqs::Key, signed, timestamp, unsigned};
use crate::{
    batch::Expiry,
    error::{Error, Result},
};
use schemas::topic::Topic;

/// A conversion that waits, as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) key: Key,
    pub(crate) seq: u64,
    pub(crate) occurred_ms: u64,
    /// The end of its wait, in event time.
    pub(crate) expires_ms: u64,
    /// Its protobuf.
    pub(crate) record: Vec<u8>,
}

/// Writes those that begin to wait.
pub(crate) async fn park(db: &mut PgConnection, commit: i64, parked: &[Parked]) -> Result<()> {
    for one in parked {
        sqlx::query!(
            "INSERT INTO pipeline_waiting (journal, partition, seq, occurred_at, expires_at, commit, record)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            signed(one.key.journal),
            i32::from(one.key.partition),
            bigint(one.seq),
            timestamp(one.occurred_ms),
            timestamp(one.expires_ms),
            commit,
            one.record,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Removes those that wait no longer.
pub(crate) async fn wake(db: &mut PgConnection, woken: &[(Key, u64)]) -> Result<()> {
    if woken.is_empty() {
        return Ok(());
    }
    let journals: Vec<i64> = woken.iter().map(|(key, _)| signed(key.journal)).collect();
    let partitions: Vec<i32> = woken.iter().map(|(key, _)| key.partition.into()).collect();
    let seqs: Vec<i64> = woken.iter().map(|(_, seq)| bigint(*seq)).collect();
    let gone = sqlx::query!(
        "DELETE FROM pipeline_waiting w USING unnest($1::int8[], $2::int4[], $3::int8[]) AS g (journal, partition, seq)
         WHERE w.journal = g.journal AND w.partition = g.partition AND w.seq = g.seq",
        &journals,
        &partitions,
        &seqs,
    )
    .execute(db)
    .await?;
    // Each is decided exactly once: one that is gone was decided by somebody else.
    if gone.rows_affected() == woken.len() as u64 { Ok(()) } else { Err(Error::Fenced) }
}

/// Records the waits that ended without their click; once, also for a record decided a second time.
pub(crate) async fn expire(db: &mut PgConnection, commit: i64, expired: &[Expiry]) -> Result<()> {
    for one in expired {
        sqlx::query!(
            "INSERT INTO pipeline_expiry (journal, partition, seq, expires_at, watermark, commit)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            signed(one.key.journal),
            i32::from(one.key.partition),
            bigint(one.seq),
            timestamp(one.expires_ms),
            timestamp(one.watermark_ms),
            commit,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// All that wait, oldest first.
pub(crate) async fn load(db: &mut PgConnection, of: Option<&[i32]>) -> Result<Vec<Parked>> {
    let rows = sqlx::query!(
        "SELECT journal, partition, seq, occurred_at, expires_at, record FROM pipeline_waiting
         WHERE $1::int4[] IS NULL OR partition = ANY ($1)
         ORDER BY occurred_at, journal, partition, seq",
        of,
    )
    .fetch_all(db)
    .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let partition = u16::try_from(row.partition)
            .map_err(|_| Error::Stored { what: "a waiting conversion" })?;
        all.push(Parked {
            key: Key { journal: row.journal.cast_unsigned(), topic: Topic::Conversions, partition },
            seq: unsigned(row.seq),
            occurred_ms: super::millis(row.occurred_at),
            expires_ms: super::millis(row.expires_at),
            record: row.record,
        });
    }
    Ok(all)
}
