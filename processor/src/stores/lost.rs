//! Wishes that announced records be declared lost, and their answers.

use schemas::topic::Topic;
use sqlx::PgConnection;

use super::{bigint, seqs::Key, unsigned};
use crate::error::{Error, Result};

/// A person's wish that records be lost.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) request: i64,
    pub(crate) journal: u64,
    /// From the first number to the last; `None`: the journal is gone with its files.
    pub(crate) range: Option<(Key, u64, u64)>,
    pub(crate) why: String,
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

/// The oldest wishes not yet answered, of some partitions or of all; one about a whole journal is for whoever owns
/// the first.
pub(crate) async fn wishes(
    db: &mut PgConnection,
    of: Option<Vec<i32>>,
    most: i64,
) -> Result<Vec<Wish>> {
    let rows = sqlx::query!(
        "SELECT id, journal, topic, partition, first_seq, last_seq, why FROM pipeline_lost
         WHERE done_at IS NULL AND ($2::int4[] IS NULL OR coalesce(partition, 0) = ANY ($2))
         ORDER BY id LIMIT $1",
        most,
        of.as_deref(),
    )
    .fetch_all(db)
    .await?;
    let mut wishes = Vec::with_capacity(rows.len());
    for row in rows {
        let range = match (row.topic, row.partition, row.first_seq, row.last_seq) {
            (Some(topic), Some(partition), Some(first), Some(last)) => {
                Some((key(row.journal, topic, partition)?, unsigned(first), unsigned(last)))
            }
            _ => None,
        };
        let journal = row.journal.cast_unsigned();
        wishes.push(Wish { request: row.id, journal, range, why: row.why });
    }
    Ok(wishes)
}

/// Every range that was declared lost.
pub(crate) async fn all(db: &mut PgConnection) -> Result<Vec<(Key, u64, u64)>> {
    let rows = sqlx::query!(
        r#"SELECT journal, topic AS "topic!", partition AS "partition!", first_seq AS "first_seq!",
               last_seq AS "last_seq!"
           FROM pipeline_lost WHERE lost IS NOT NULL AND topic IS NOT NULL ORDER BY id"#
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
