//! Records that could not be decoded, kept as they came until somebody repairs them.

use schemas::topic::Topic;
use sqlx::PgConnection;
use std::collections::HashSet;

use super::{bigint, seqs::Key, signed, unsigned};
use crate::error::{Error, Result};

/// A record nobody could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    pub(crate) journal: u64,
    /// The number in the record; 0 for the header of a journal that is not ours.
    pub(crate) topic: u8,
    pub(crate) partition: u16,
    pub(crate) seq: u64,
    /// What is wrong, as a word.
    pub(crate) flaw: Flaw,
    /// The same in a sentence, for whoever looks at it.
    pub(crate) reason: String,
    pub(crate) bytes: Vec<u8>,
    /// Its number is in its set. That of a journal that was never introduced is in none: it may still come.
    pub(crate) is_received: bool,
}

/// What is wrong with a record, as metrics tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is not what its topic holds.
    Undecodable,
    /// It lies where it cannot belong: topic, partition, shard.
    Misplaced,
    /// Of a journal that was not made with our keys, or was never introduced.
    Foreign,
    /// Of a site that does not exist.
    UnknownSite,
    /// PostgreSQL does not take its data.
    NotStored,
}

impl Flaw {
    pub(crate) const ALL: [Self; 5] =
        [Self::Undecodable, Self::Misplaced, Self::Foreign, Self::UnknownSite, Self::NotStored];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Misplaced => "misplaced",
            Self::Foreign => "foreign",
            Self::UnknownSite => "unknown_site",
            Self::NotStored => "not_stored",
        }
    }
}

/// A person's wish to have one decided.
#[derive(Debug, Clone)]
pub(crate) struct Resend {
    pub(crate) request: i64,
    pub(crate) letter: i64,
    pub(crate) key: Key,
    pub(crate) seq: u64,
    /// The original's bytes, or those given in their place.
    pub(crate) bytes: Vec<u8>,
    /// As the letter.
    pub(crate) is_received: bool,
}

/// Stores those of a batch. A forged header is stored once; a stranger's letter makes room for that of the record
/// itself, which came after all and cannot be read.
pub(crate) async fn put(db: &mut PgConnection, commit: i64, letters: &[DeadLetter]) -> Result<()> {
    for letter in letters {
        sqlx::query!(
            "INSERT INTO pipeline_dead_letter AS d (journal, topic, partition, seq, reason, bytes, commit, received)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (journal, topic, partition, seq) DO UPDATE
                 SET reason = excluded.reason, bytes = excluded.bytes, commit = excluded.commit,
                     created_at = now(), received = true
                 WHERE excluded.received AND NOT d.received",
            signed(letter.journal),
            i16::from(letter.topic),
            i32::from(letter.partition),
            bigint(letter.seq),
            letter.reason,
            letter.bytes,
            commit,
            letter.is_received,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Which of these clicks lie here, not repaired.
pub(crate) async fn open_clicks(
    db: &mut PgConnection,
    clicks: &[(u64, u16, u64)],
) -> Result<HashSet<(u64, u16, u64)>> {
    if clicks.is_empty() {
        return Ok(HashSet::new());
    }
    let journals: Vec<i64> = clicks.iter().map(|click| signed(click.0)).collect();
    let partitions: Vec<i32> = clicks.iter().map(|click| click.1.into()).collect();
    let seqs: Vec<i64> = clicks.iter().map(|click| bigint(click.2)).collect();
    let rows = sqlx::query!(
        r#"SELECT c.n AS "n!" FROM unnest($1::int8[], $2::int4[], $3::int8[]) WITH ORDINALITY
               AS c (journal, partition, seq, n)
           JOIN pipeline_dead_letter d ON d.journal = c.journal AND d.topic = 1
               AND d.partition = c.partition AND d.seq = c.seq
           WHERE d.resolved_by IS NULL AND d.received"#,
        &journals,
        &partitions,
        &seqs,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .iter()
        .filter_map(|row| clicks.get(usize::try_from(row.n - 1).ok()?))
        .copied()
        .collect())
}

/// The oldest wishes not yet answered.
pub(crate) async fn wishes(
    db: &mut PgConnection,
    of: Option<Vec<i32>>,
    most: i64,
) -> Result<Vec<Resend>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.dead_letter, d.journal, d.topic, d.partition, d.seq, d.received,
               coalesce(r.bytes, d.bytes) AS "bytes!"
           FROM pipeline_resend r JOIN pipeline_dead_letter d ON d.id = r.dead_letter
           WHERE r.done_at IS NULL AND d.topic IN (1, 2)
               AND ($2::int4[] IS NULL OR d.partition = ANY ($2)) ORDER BY r.id LIMIT $1"#,
        most,
        of.as_deref(),
    )
    .fetch_all(db)
    .await?;
    let mut wishes = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = || Error::Stored { what: "a dead letter" };
        let topic = u8::try_from(row.topic).ok().and_then(Topic::from_id).ok_or_else(stored)?;
        let partition = u16::try_from(row.partition).map_err(|_| stored())?;
        wishes.push(Resend {
            request: row.id,
            letter: row.dead_letter,
            key: Key { journal: row.journal.cast_unsigned(), topic, partition },
            seq: unsigned(row.seq),
            bytes: row.bytes,
            is_received: row.received,
        });
    }
    Ok(wishes)
}

/// Marks one as decided; false when it was before.
pub(crate) async fn resolve(db: &mut PgConnection, commit: i64, letter: i64) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE pipeline_dead_letter SET resolved_by = $2 WHERE id = $1 AND resolved_by IS NULL",
        letter,
        commit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Answers a wish.
pub(crate) async fn answer(db: &mut PgConnection, request: i64, answer: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE pipeline_resend SET done_at = now(), answer = $2 WHERE id = $1",
        request,
        answer
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Empties the records of letters, and of wishes answered, older than raw addresses are kept: what a
/// visitor sent stands in them. A forged header (topic 0) says nothing of a visitor.
pub(crate) async fn blank(db: &mut PgConnection, days: u16) -> Result<()> {
    sqlx::query!(
        "UPDATE pipeline_dead_letter SET bytes = ''
         WHERE bytes <> '' AND topic <> 0 AND created_at < now() - make_interval(days => $1)",
        i32::from(days),
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE pipeline_resend SET bytes = ''
         WHERE bytes <> '' AND done_at < now() - make_interval(days => $1)",
        i32::from(days),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether one is still to be decided.
pub(crate) async fn is_open(db: &mut PgConnection, letter: i64) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM pipeline_dead_letter WHERE id = $1 AND resolved_by IS NULL) AS "open!""#,
        letter,
    )
    .fetch_one(db)
    .await?;
    Ok(row.open)
}
