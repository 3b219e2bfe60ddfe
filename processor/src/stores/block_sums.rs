//! Blocks of long ago, put together: without it a row would stay for every block that was ever sent.
//!
//! A stretch of commits keeps what the audit compares, rows and checksum of each lane; ids of its blocks it does not.
//! Refuses blocks that are still to be sent, and those of a database that was not compared with ClickHouse yet.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::{
    seqs::Key,
    server::{self, Lock},
    unsigned,
};
use crate::error::{Error, Result};
use schemas::topic::Topic;

/// Blocks put together at once.
const MOST: i64 = 200_000;

/// One lane of a stretch.
#[derive(Debug, Clone)]
pub(crate) struct Sum {
    pub(crate) first_commit: i64,
    pub(crate) table: String,
    pub(crate) key: Key,
    pub(crate) rows: u64,
    pub(crate) checksum: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) oldest: DateTime<Utc>,
    pub(crate) newest: DateTime<Utc>,
}

/// The stretches there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stretches {
    /// The first commit of each, rising.
    pub(crate) firsts: Vec<i64>,
    /// The last commit of all; 0 without any.
    pub(crate) last: i64,
}

/// Reads which there are.
pub(crate) async fn stretches(db: &mut PgConnection) -> Result<Stretches> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT first_commit, last_commit FROM pipeline_block_sum ORDER BY last_commit"#
    )
    .fetch_all(db)
    .await?;
    let last = rows.last().map_or(0, |row| row.last_commit);
    Ok(Stretches { firsts: rows.into_iter().map(|row| row.first_commit).collect(), last })
}

/// The lanes of stretches with events of a time in them.
pub(crate) async fn of(
    db: &mut PgConnection,
    (since, until): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<Vec<Sum>> {
    let rows = sqlx::query!(
        r#"SELECT first_commit, table_name, journal, topic, partition, rows, checksum::text AS "checksum!",
               first_seq, last_seq, oldest, newest
           FROM pipeline_block_sum WHERE tstzrange(oldest, newest, '[]') && tstzrange($1, $2)
           ORDER BY first_commit, table_name, journal, topic, partition"#,
        since,
        until,
    )
    .fetch_all(db)
    .await?;
    let sums = rows.into_iter().map(|row| {
        let stored = || Error::Stored { what: "a block's records" };
        Ok(Sum {
            first_commit: row.first_commit,
            table: row.table_name,
            key: Key {
                journal: row.journal.cast_unsigned(),
                topic: u8::try_from(row.topic).ok().and_then(Topic::from_id).ok_or_else(stored)?,
                partition: u16::try_from(row.partition).map_err(|_| stored())?,
            },
            rows: unsigned(row.rows),
            checksum: row.checksum.parse().map_err(|_| stored())?,
            first: unsigned(row.first_seq),
            last: unsigned(row.last_seq),
            oldest: row.oldest,
            newest: row.newest,
        })
    });
    sums.collect()
}

/// Puts blocks together that were committed more than so many days ago, once those of a whole day are; gives how many
/// lanes came of it.
pub(crate) async fn collapse(db: &mut PgConnection, days: u16) -> Result<u64> {
    let due = sqlx::query!(
        r#"SELECT coalesce((SELECT created_at FROM pipeline_block ORDER BY commit LIMIT 1)
               < now() - make_interval(days => $1 + 1), false) AS "due!""#,
        i32::from(days),
    )
    .fetch_one(&mut *db)
    .await?;
    // Whoever compares a restored database with ClickHouse must find what it reads first and what it reads then.
    if !due.due || !server::try_lock(&mut *db, Lock::Reconcile).await? {
        return Ok(0);
    }
    let done = collapse_compared(&mut *db, days).await;
    let unlocked = server::unlock(db, Lock::Reconcile).await;
    let done = done?;
    unlocked?;
    Ok(done)
}

async fn collapse_compared(db: &mut PgConnection, days: u16) -> Result<u64> {
    let here = server::pair(&mut *db).await?;
    if server::stored(&mut *db).await? != Some(here) {
        return Ok(0);
    }
    let mut tx = db.begin().await?;
    let done = sqlx::query_file!("src/stores/block_sums.collapse.sql", i32::from(days), MOST)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
