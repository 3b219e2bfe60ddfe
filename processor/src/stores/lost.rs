//! Wishes that announced records be declared lost, and their answers.

use schemas::topic::Topic;
use sqlx::PgConnection;

use super::{bigint, seqs::Key, unsigned};
use crate::error::{Error, Result};

/// A person's wish that a range be lost.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) request: i64,
    pub(crate) key: Key,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) request: i64,
    pub(crate) answer: String,
    /// How many are lost now; `None` where it was refused.
    pub(crate) lost: Option<u64>,
}

fn key(journal: i64, topic: i16, partition: i32) -> Result<Key> {
    let stored = || Error::Stored { what: "a range of lost records" };
    let topic = u8::try_from(topic).ok().and_then(Topic::from_id).ok_or_else(stored)?;
    let partition = u16::try_from(partition).map_err(|_| stored())?;
    Ok(Key { journal: journal.cast_unsigned(), topic, partition })
}

/// The oldest wishes not yet answered.
pub(crate) async fn wishes(db: &mut PgConnection, most: i64) -> Result<Vec<Wish>> {
    let rows = sqlx::query!(
        "SELECT id, journal, topic, partition, first_seq, last_seq FROM pipeline_lost
         WHERE done_at IS NULL ORDER BY id LIMIT $1",
        most,
    )
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Wish {
                request: row.id,
                key: key(row.journal, row.topic, row.partition)?,
                first: unsigned(row.first_seq),
                last: unsigned(row.last_seq),
            })
        })
        .collect()
}

/// Every range that was declared lost.
pub(crate) async fn all(db: &mut PgConnection) -> Result<Vec<(Key, u64, u64)>> {
    let rows = sqlx::query!(
        "SELECT journal, topic, partition, first_seq, last_seq FROM pipeline_lost
         WHERE lost IS NOT NULL ORDER BY id"
    )
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            let key = key(row.journal, row.topic, row.partition)?;
            Ok((key, unsigned(row.first_seq), unsigned(row.last_seq)))
        })
        .collect()
}

/// Answers a wish.
pub(crate) async fn answer(db: &mut PgConnection, answered: &Answered) -> Result<()> {
    sqlx::query!(
        "UPDATE pipeline_lost SET done_at = now(), answer = $2, lost = $3 WHERE id = $1",
        answered.request,
        answered.answer,
        answered.lost.map(bigint),
    )
    .execute(db)
    .await?;
    Ok(())
}
