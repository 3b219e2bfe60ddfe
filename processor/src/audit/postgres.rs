//! PostgreSQL's side, in one snapshot: what was received, decided, committed, paid.

use sqlx::{Connection, PgConnection, PgPool};
use std::collections::BTreeMap;

use super::Discrepancy;
use crate::{
    error::{Error, Result},
    stores::{
        journals::{self, Known},
        outbox::BlockId,
        owner,
        seqs::{self, Key, Seqs},
        unsigned,
    },
};
use schemas::topic::Topic;

/// A block as committed.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) table: String,
    pub(super) rows: u64,
    pub(super) ranges: serde_json::Value,
}

/// Conversions of one status, reason and currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) count: i64,
    pub(super) amount: i64,
    pub(super) commission: i64,
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
    /// By (reason or empty for accepted, currency).
    pub(super) conversions: BTreeMap<(String, String), Sums>,
    pub(super) ledger_txs: u64,
    /// What PostgreSQL alone shows to be wrong.
    pub(super) wrong: Vec<Discrepancy>,
}

/// Reads it all.
pub(super) async fn snapshot(pool: &PgPool) -> Result<Snapshot> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let row = sqlx::query!("SELECT commit FROM pipeline_owner").fetch_one(&mut *tx).await?;
    let mut wrong = Vec::new();
    let known = journals::all(&mut tx).await?;
    let snapshot = Snapshot {
        commit: row.commit,
        journals: known.into_iter().map(|known| (known.journal, known)).collect(),
        positions: owner::positions(&mut tx).await?.into_iter().collect(),
        seqs: seqs::load(&mut tx).await?,
        dead: dead(&mut tx).await?,
        waiting: waiting(&mut tx).await?,
        blocks: blocks(&mut tx).await?,
        conversions: conversions(&mut tx).await?,
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

async fn blocks(db: &mut PgConnection) -> Result<BTreeMap<String, Block>> {
    let rows = sqlx::query!("SELECT id, table_name, rows, ranges FROM pipeline_block")
        .fetch_all(db)
        .await?;
    rows.into_iter()
        .map(|row| {
            let block =
                Block { table: row.table_name, rows: unsigned(row.rows), ranges: row.ranges };
            Ok((BlockId::from_sql(&row.id)?.to_string(), block))
        })
        .collect()
}

async fn conversions(db: &mut PgConnection) -> Result<BTreeMap<(String, String), Sums>> {
    let rows = sqlx::query!(
        r#"SELECT c.reason, c.currency, count(*) AS "count!", coalesce(sum(c.amount_units), 0)::bigint AS "amount!",
               coalesce(sum(m.amount_units), 0)::bigint AS "commission!"
           FROM affiliate_conversion c LEFT JOIN affiliate_commission m ON m.conversion_id = c.id
           GROUP BY c.reason, c.currency"#
    )
    .fetch_all(db)
    .await?;
    let sums = rows.into_iter().map(|row| {
        let sums = Sums { count: row.count, amount: row.amount, commission: row.commission };
        ((row.reason, row.currency), sums)
    });
    Ok(sums.collect())
}

/// The ledger sums to zero, in each transaction and currency, and holds every commission once.
async fn ledger(db: &mut PgConnection, wrong: &mut Vec<Discrepancy>) -> Result<u64> {
    let unbalanced = sqlx::query!(
        r#"SELECT tx_id, currency, sum(amount)::bigint AS "sum!" FROM ledger_posting
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
        r#"SELECT m.id, m.conversion_id, m.amount_units, coalesce(-sum(p.amount), 0)::bigint AS "posted!"
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
