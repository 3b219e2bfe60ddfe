//! PostgreSQL's side, in one snapshot: what was received, decided, committed, paid.

use sqlx::{Connection, PgConnection, PgPool};
use std::collections::BTreeMap;

use super::Discrepancy;
use crate::{
    error::{Error, Result},
    retention::Retention,
    stores::{
        journals::{self, Known},
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
    pub(super) positions: BTreeMap<u64, journal::Position>,
    pub(super) seqs: Vec<(Key, Seqs)>,
    pub(super) dead: BTreeMap<Key, u64>,
    pub(super) waiting: BTreeMap<Key, u64>,
    pub(super) blocks: BTreeMap<String, Block>,
    /// Of conversions since `kept_since_ms`.
    pub(super) conversions: BTreeMap<Group, Sums>,
    /// Events before it may have expired in ClickHouse.
    pub(super) kept_since_ms: i64,
    pub(super) ledger_txs: u64,
    /// What PostgreSQL alone shows to be wrong.
    pub(super) wrong: Vec<Discrepancy>,
}

/// Reads it all.
pub(super) async fn snapshot(pool: &PgPool, kept: Retention) -> Result<Snapshot> {
    let mut connection = pool.acquire().await?;
    // No transaction has a number then and is not over: everything up to the last one is in the snapshot, which
    // begins with the first question, or never will be.
    server::lock(&mut connection, Lock::Commit).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let row = sqlx::query!("SELECT commit FROM pipeline_owner").fetch_one(&mut *tx).await;
    server::unlock(&mut tx, Lock::Commit).await?;
    let row = row?;
    let mut wrong = Vec::new();
    let known = journals::all(&mut tx, None).await?;
    let snapshot = Snapshot {
        commit: row.commit,
        journals: known.into_iter().map(|known| (known.journal, known)).collect(),
        positions: owner::positions(&mut tx).await?.into_iter().collect(),
        seqs: seqs::load(&mut tx, None).await?,
        dead: dead(&mut tx).await?,
        waiting: waiting(&mut tx).await?,
        blocks: blocks(&mut tx, kept).await?,
        conversions: conversions(&mut tx, kept).await?,
        kept_since_ms: kept.since_ms(),
        ledger_txs: ledger(&mut tx, &mut wrong).await?,
        wrong,
    };
    tx.commit().await?;
    Ok(snapshot)
}

fn key(journal: i64, topic: i16, partition: i32) -> Result<Key> {
    let stored = || Error::Stored { what: "a record's place" };
    let topic = u8::try_from(topic).ok().and_then(Topic::from_id).ok_or_else(stored)?;
    let partition = u16::try_from(partition).map_err(|_| stored())?;
    Ok(Key { journal: journal.cast_unsigned(), topic, partition })
}

async fn dead(db: &mut PgConnection) -> Result<BTreeMap<Key, u64>> {
    let rows = sqlx::query!(
        r#"SELECT journal, topic, partition, count(*) AS "count!" FROM pipeline_dead_letter
           WHERE resolved_by IS NULL AND topic IN (1, 2) GROUP BY journal, topic, partition"#
    )
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| Ok((key(row.journal, row.topic, row.partition)?, unsigned(row.count))))
        .collect()
}

async fn waiting(db: &mut PgConnection) -> Result<BTreeMap<Key, u64>> {
    let rows = sqlx::query!(
        r#"SELECT journal, partition, count(*) AS "count!" FROM pipeline_waiting GROUP BY journal, partition"#
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(|row| Ok((key(row.journal, 2, row.partition)?, unsigned(row.count)))).collect()
}

async fn blocks(db: &mut PgConnection, kept: Retention) -> Result<BTreeMap<String, Block>> {
    let rows = sqlx::query!("SELECT id, table_name, ranges, oldest FROM pipeline_block")
        .fetch_all(db)
        .await?;
    rows.into_iter()
        .map(|row| {
            let lanes = row.ranges.as_array().and_then(|all| all.iter().map(held).collect());
            let block = Block {
                table: row.table_name,
                expiring: row.oldest.timestamp_millis() < kept.since_ms(),
                lanes: lanes.ok_or(Error::Stored { what: "a block's records" })?,
            };
            Ok((BlockId::from_sql(&row.id)?.to_string(), block))
        })
        .collect()
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

async fn conversions(db: &mut PgConnection, kept: Retention) -> Result<BTreeMap<Group, Sums>> {
    let rows = sqlx::query!(
        r#"SELECT c.site_id, c.program_id, c.affiliate_id, c.event, c.reason, c.currency, count(*) AS "count!",
               coalesce(sum(c.amount_units), 0)::text AS "amount!",
               coalesce(sum(m.amount_units), 0)::text AS "commission!"
           FROM affiliate_conversion c LEFT JOIN affiliate_commission m ON m.conversion_id = c.id
           WHERE c.occurred_at >= $1
           GROUP BY c.site_id, c.program_id, c.affiliate_id, c.event, c.reason, c.currency"#,
        timestamp(unsigned(kept.since_ms())),
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

/// The ledger sums to zero, in each transaction and currency, and holds every commission once.
async fn ledger(db: &mut PgConnection, wrong: &mut Vec<Discrepancy>) -> Result<u64> {
    let unbalanced = sqlx::query!(
        r#"SELECT tx_id, currency, sum(amount)::text AS "sum!" FROM ledger_posting
           GROUP BY tx_id, currency HAVING sum(amount) <> 0 ORDER BY tx_id LIMIT 100"#
    )
    .fetch_all(&mut *db)
    .await?;
    for row in unbalanced {
        let range =
            format!("transaction {} sums to {} units of {}", row.tx_id, row.sum, row.currency);
        wrong.push(Discrepancy { what: "ledger", range });
    }
    let unpaid = sqlx::query!(
        r#"SELECT m.id, m.conversion_id, m.amount_units, coalesce(-sum(p.amount), 0)::text AS "posted!"
           FROM affiliate_commission m
           LEFT JOIN ledger_tx t ON t.id = m.ledger_tx_id AND t.site_id = m.site_id
               AND t.idem = 'accrued/cnv_' || m.conversion_id
           LEFT JOIN ledger_posting p ON p.tx_id = t.id AND p.currency = m.currency
               AND p.account = 'affiliate:' || m.affiliate_id || ':pending'
           GROUP BY m.id HAVING coalesce(-sum(p.amount), 0) <> m.amount_units ORDER BY m.id LIMIT 100"#
    )
    .fetch_all(&mut *db)
    .await?;
    for row in unpaid {
        let range = format!(
            "commission cm_{} of cnv_{} is {} units, posted are {}",
            row.id, row.conversion_id, row.amount_units, row.posted
        );
        wrong.push(Discrepancy { what: "ledger", range });
    }
    let txs = sqlx::query!(
        r#"SELECT count(*) AS "all!", count(m.id) AS "of_commissions!" FROM ledger_tx t
           LEFT JOIN affiliate_commission m ON m.ledger_tx_id = t.id WHERE t.kind = 'accrued'"#
    )
    .fetch_one(db)
    .await?;
    if txs.all != txs.of_commissions {
        let range = format!(
            "{} accrued transactions belong to no commission",
            txs.all - txs.of_commissions
        );
        wrong.push(Discrepancy { what: "ledger", range });
    }
    Ok(unsigned(txs.all))
}
