//! PostgreSQL's side, in one snapshot: what was received, decided, committed, paid.

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgPool};
use std::{collections::BTreeMap, ops::Range};

use super::{Discrepancy, Extent, ledger};
use crate::{
    error::{Error, Result},
    retention::Retention,
    stores::{
        block_sums::{self, Stretches, Sum},
        journals::{self, Known},
        losses::{self, Lane},
        millis,
        outbox::BlockId,
        owner,
        seqs::{self, Key, Seqs},
        server::{self, Lock},
        timestamp, unsigned,
    },
};
use schemas::topic::Topic;

/// A block as committed.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) table: String,
    /// Some of its rows may have expired.
    pub(super) expiring: bool,
    pub(super) lanes: Vec<Held>,
    /// Times of its events.
    pub(super) times: Range<u64>,
}

/// The records of one lane in a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) key: Key,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) rows: u64,
    /// Of their places (`batch::Held`).
    pub(super) checksum: u64,
}

/// Whose conversions: what both stores group them by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) site: i64,
    pub(super) program: i64,
    pub(super) affiliate: i64,
    pub(super) event: String,
    /// Empty for accepted ones.
    pub(super) reason: String,
    pub(super) currency: String,
}

/// Conversions of one group. Wider than any column: a sum must never be what stops an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) count: i64,
    pub(super) amount: i128,
    pub(super) commission: i128,
}

/// The state as of one commit.
pub(super) struct Snapshot {
    pub(super) commit: i64,
    pub(super) journals: BTreeMap<u64, Known>,
    pub(super) seqs: Vec<(Key, Seqs)>,
    pub(super) dead: BTreeMap<Key, u64>,
    pub(super) waiting: BTreeMap<Key, u64>,
    /// Rows that senders counted.
    pub(super) stored: BTreeMap<Key, u64>,
    /// Rows in the outbox.
    pub(super) on_the_way: BTreeMap<Key, u64>,
    /// Those with an event of the extent in them; by `name_of_sum` those put together.
    pub(super) blocks: BTreeMap<String, Block>,
    /// Which blocks are put together.
    pub(super) stretches: Stretches,
    /// Of conversions in `times`.
    pub(super) conversions: BTreeMap<Group, Sums>,
    /// The extent's bounds, from where on nothing has expired.
    pub(super) times: Times,
    pub(super) extent: Extent,
    pub(super) ledger_txs: u64,
    /// What PostgreSQL alone shows to be wrong.
    pub(super) wrong: Vec<Discrepancy>,
}

/// From a millisecond on, until before another if there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) since_ms: u64,
    pub(super) until_ms: Option<u64>,
}

impl Times {
    fn of(extent: &Extent, kept: &Retention) -> Self {
        match extent.bounds() {
            Some(ms) => Self { since_ms: ms.start, until_ms: Some(ms.end) },
            None => Self { since_ms: unsigned(kept.since_ms()), until_ms: None },
        }
    }

    /// As parameters of a statement.
    fn bounds(self) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        (timestamp(self.since_ms), self.until_ms.map(timestamp))
    }
}

/// Which records are in, and how far each journal was read.
pub(super) struct Sets {
    pub(super) positions: BTreeMap<u64, journal::Position>,
    pub(super) seqs: Vec<(Key, Seqs)>,
}

/// Reads those.
pub(super) async fn sets(pool: &PgPool) -> Result<Sets> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let sets = Sets {
        positions: owner::positions(&mut tx).await?.into_iter().collect(),
        seqs: seqs::load(&mut tx, None).await?,
    };
    tx.commit().await?;
    Ok(sets)
}

/// Reads it all.
pub(super) async fn snapshot(pool: &PgPool, kept: &Retention, extent: &Extent) -> Result<Snapshot> {
    let mut connection = pool.acquire().await?;
    // No transaction has a number then and is not over: everything up to the last one is in the snapshot, which
    // begins with the first question, or never will be.
    server::lock(&mut connection, Lock::Commit).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let row = sqlx::query!("SELECT commit FROM pipeline_owner").fetch_one(&mut *tx).await;
    server::unlock(&mut tx, Lock::Commit).await?;
    let row = row?;
    let mut wrong = Vec::new();
    let known = journals::all(&mut tx).await?;
    let counts = losses::lanes(&mut tx).await?;
    let of =
        |count: fn(&Lane) -> u64| counts.iter().map(|(key, lane)| (*key, count(lane))).collect();
    let times = Times::of(extent, kept);
    let snapshot = Snapshot {
        commit: row.commit,
        journals: known.into_iter().map(|known| (known.journal, known)).collect(),
        seqs: seqs::load(&mut tx, None).await?,
        dead: of(|lane| lane.dead_letters),
        waiting: of(|lane| lane.waiting),
        stored: of(|lane| lane.stored),
        on_the_way: of(|lane| lane.on_the_way),
        blocks: blocks(&mut tx, kept, extent).await?,
        stretches: block_sums::stretches(&mut tx).await?,
        conversions: conversions(&mut tx, times).await?,
        times,
        extent: extent.clone(),
        ledger_txs: ledger::check(&mut tx, extent, &mut wrong).await?,
        wrong,
    };
    tx.commit().await?;
    Ok(snapshot)
}

async fn blocks(
    db: &mut PgConnection,
    kept: &Retention,
    extent: &Extent,
) -> Result<BTreeMap<String, Block>> {
    let bounds = extent.bounds();
    let at = |ms: u64| Some(timestamp(ms));
    let (since, until) =
        (bounds.as_ref().and_then(|ms| at(ms.start)), bounds.as_ref().and_then(|ms| at(ms.end)));
    let mut blocks = sums(db, kept, (since, until)).await?;
    let rows = sqlx::query!(
        "SELECT id, table_name, ranges, oldest, newest FROM pipeline_block
         WHERE tstzrange(oldest, newest, '[]') && tstzrange($1, $2)",
        since,
        until,
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let lanes = row.ranges.as_array().and_then(|all| all.iter().map(held).collect());
        let block = Block {
            table: row.table_name,
            expiring: row.oldest.timestamp_millis() < kept.since_ms(),
            lanes: lanes.ok_or(Error::Stored { what: "a block's records" })?,
            times: millis(row.oldest)..millis(row.newest) + 1,
        };
        blocks.insert(BlockId::from_sql(&row.id)?.to_string(), block);
    }
    Ok(blocks)
}

/// Blocks put together: each stretch of a table as if it were one.
async fn sums(
    db: &mut PgConnection,
    kept: &Retention,
    bounds: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<BTreeMap<String, Block>> {
    let mut all: BTreeMap<String, Block> = BTreeMap::new();
    for sum in block_sums::of(db, bounds).await? {
        let times = millis(sum.oldest)..millis(sum.newest) + 1;
        let expiring = sum.oldest.timestamp_millis() < kept.since_ms();
        let block = all.entry(name_of_sum(&sum.table, sum.first_commit)).or_insert_with(|| Block {
            table: sum.table.clone(),
            expiring,
            lanes: Vec::new(),
            times: times.clone(),
        });
        block.expiring |= expiring;
        block.times = block.times.start.min(times.start)..block.times.end.max(times.end);
        let Sum { key, first, last, rows, checksum, .. } = sum;
        block.lanes.push(Held { key, first, last, rows, checksum });
    }
    Ok(all)
}

/// What stands for the id of all blocks of a stretch of commits.
pub(super) fn name_of_sum(table: &str, first_commit: impl std::fmt::Display) -> String {
    format!("of {table} from commit {first_commit} on")
}

/// One of a block's `ranges` (`batch::Manifest`).
fn held(range: &serde_json::Value) -> Option<Held> {
    let number = |n: usize| range.get(n)?.as_u64();
    let key = Key {
        journal: u64::from_str_radix(range.get(0)?.as_str()?, 16).ok()?,
        topic: Topic::from_id(u8::try_from(number(1)?).ok()?)?,
        partition: u16::try_from(number(2)?).ok()?,
    };
    let (first, last) = (number(3)?, number(4)?);
    Some(Held { key, first, last, rows: number(5)?, checksum: number(6)? })
}

async fn conversions(db: &mut PgConnection, times: Times) -> Result<BTreeMap<Group, Sums>> {
    let (since, until) = times.bounds();
    let rows = sqlx::query!(
        r#"SELECT c.site_id, c.program_id, c.affiliate_id, c.event, c.reason, c.currency, count(*) AS "count!",
               coalesce(sum(c.amount_units), 0)::text AS "amount!",
               coalesce(sum(m.amount_units), 0)::text AS "commission!"
           FROM affiliate_conversion c LEFT JOIN affiliate_commission m ON m.conversion_id = c.id
           WHERE c.occurred_at >= $1 AND ($2::timestamptz IS NULL OR c.occurred_at < $2)
           GROUP BY c.site_id, c.program_id, c.affiliate_id, c.event, c.reason, c.currency"#,
        since,
        until,
    )
    .fetch_all(db)
    .await?;
    let sum = |text: &str| text.parse().map_err(|_| Error::Stored { what: "a sum" });
    let sums = rows.into_iter().map(|row| {
        let (amount, commission) = (sum(&row.amount)?, sum(&row.commission)?);
        let group = Group {
            site: row.site_id,
            program: row.program_id,
            affiliate: row.affiliate_id,
            event: row.event,
            reason: row.reason,
            currency: row.currency,
        };
        Ok((group, Sums { count: row.count, amount, commission }))
    });
    sums.collect()
}
