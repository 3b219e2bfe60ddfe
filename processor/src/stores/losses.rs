//! The loss ledger and the audits' log: what every stage counted, and what did not agree.

use chrono::{DateTime, Utc};
use schemas::topic::Topic;
use sqlx::PgConnection;

use super::{bigint, seqs::Key, timestamp, unsigned};
use crate::{
    audit::{Extent, Report},
    error::{Error, Result},
};

/// Discrepancies kept of one audit; how many there were is kept too.
const MOST_KEPT: usize = 100;

/// What becomes of the records of one (journal, topic, partition) besides being decided.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lane {
    pub(crate) waiting: u64,
    pub(crate) dead_letters: u64,
    /// In the outbox.
    pub(crate) on_the_way: u64,
    /// Sent, as senders counted it.
    pub(crate) stored: u64,
}

/// Every lane's.
pub(crate) async fn lanes(db: &mut PgConnection) -> Result<Vec<(Key, Lane)>> {
    let rows = sqlx::query!(
        r#"SELECT journal AS "journal!", topic AS "topic!", partition AS "partition!", waiting AS "waiting!",
               dead_letters AS "dead_letters!", on_the_way AS "on_the_way!", stored AS "stored!"
           FROM pipeline_loss_ledger"#
    )
    .fetch_all(db)
    .await?;
    let lanes = rows.into_iter().map(|row| {
        let stored = || Error::Stored { what: "a record's place" };
        let topic = u8::try_from(row.topic).ok().and_then(Topic::from_id).ok_or_else(stored)?;
        let partition = u16::try_from(row.partition).map_err(|_| stored())?;
        let lane = Lane {
            waiting: unsigned(row.waiting),
            dead_letters: unsigned(row.dead_letters),
            on_the_way: unsigned(row.on_the_way),
            stored: unsigned(row.stored),
        };
        Ok((Key { journal: row.journal.cast_unsigned(), topic, partition }, lane))
    });
    lanes.collect()
}

/// Sums over all lanes, and how old the oldest thing undecided is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) announced: i64,
    pub(crate) missing: i64,
    pub(crate) received: i64,
    pub(crate) skipped: i64,
    pub(crate) lost: i64,
    pub(crate) repeated: i64,
    pub(crate) decided: i64,
    pub(crate) waiting: i64,
    pub(crate) dead_letters: i64,
    pub(crate) on_the_way: i64,
    pub(crate) stored: i64,
    pub(crate) unexplained: i64,
    /// Seconds since the time up to which everything is decided and stored; 0 while no collector was heard of.
    pub(crate) oldest_undecided_s: i64,
}

/// Reads them.
pub(crate) async fn totals(db: &mut PgConnection) -> Result<Totals> {
    Ok(sqlx::query_as!(
        Totals,
        r#"SELECT coalesce(sum(announced), 0)::bigint AS "announced!", coalesce(sum(missing), 0)::bigint AS "missing!",
               coalesce(sum(received), 0)::bigint AS "received!", coalesce(sum(skipped), 0)::bigint AS "skipped!",
               coalesce(sum(lost), 0)::bigint AS "lost!", coalesce(sum(repeated), 0)::bigint AS "repeated!",
               coalesce(sum(decided), 0)::bigint AS "decided!", coalesce(sum(waiting), 0)::bigint AS "waiting!",
               coalesce(sum(dead_letters), 0)::bigint AS "dead_letters!",
               coalesce(sum(on_the_way), 0)::bigint AS "on_the_way!", coalesce(sum(stored), 0)::bigint AS "stored!",
               coalesce(sum(unexplained), 0)::bigint AS "unexplained!",
               greatest(0, coalesce(extract(epoch FROM clock_timestamp()
                   - (SELECT least(as_of, (SELECT min(occurred_at) FROM pipeline_waiting)) FROM pipeline_as_of)), 0))::bigint
                   AS "oldest_undecided_s!"
           FROM pipeline_loss_ledger"#
    )
    .fetch_one(db)
    .await?)
}

/// One audit that the processor made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) begun_at: DateTime<Utc>,
    pub(crate) discrepancies: i32,
}

/// The newest audit.
pub(crate) async fn last(db: &mut PgConnection) -> Result<Option<Made>> {
    Ok(sqlx::query_as!(
        Made,
        "SELECT begun_at, discrepancies FROM pipeline_audit ORDER BY begun_at DESC LIMIT 1"
    )
    .fetch_optional(db)
    .await?)
}

/// Whether an audit compared all events of an extent.
pub(crate) async fn was_made(db: &mut PgConnection, extent: &Extent) -> Result<bool> {
    let Extent::Between(ms) = extent else { return Ok(false) };
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM pipeline_audit WHERE since <= $1 AND until >= $2) AS "made!""#,
        timestamp(ms.start),
        timestamp(ms.end),
    )
    .fetch_one(db)
    .await?;
    Ok(row.made)
}

/// Keeps what an audit found, and forgets those of more than a year ago.
pub(crate) async fn keep(
    db: &mut PgConnection,
    begun_at: DateTime<Utc>,
    extent: &Extent,
    report: &Report,
) -> Result<()> {
    let bounds = match extent {
        Extent::Whole => (None, None),
        Extent::Between(ms) => (Some(timestamp(ms.start)), Some(timestamp(ms.end))),
    };
    let kept: Vec<_> = report.discrepancies.iter().take(MOST_KEPT).collect();
    let found = serde_json::to_value(kept).map_err(|_| Error::Stored { what: "an audit" })?;
    sqlx::query!(
        "WITH old AS (DELETE FROM pipeline_audit WHERE begun_at < $1::timestamptz - interval '1 year')
         INSERT INTO pipeline_audit (begun_at, since, until, commit, blocks, conversions, discrepancies, found)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        begun_at,
        bounds.0,
        bounds.1,
        report.commit,
        bigint(report.blocks),
        bigint(report.conversions),
        i32::try_from(report.discrepancies.len()).unwrap_or(i32::MAX),
        found,
    )
    .execute(db)
    .await?;
    Ok(())
}
