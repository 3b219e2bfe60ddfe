//! The ledger of itself: it sums to zero, and holds every commission once.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Discrepancy, Extent};
use crate::{
    error::Result,
    stores::{timestamp, unsigned},
};

/// Which transactions: null where there is no bound.
type Bounds = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Says what is wrong with the transactions of an extent's events; gives how many there are.
pub(super) async fn check(
    db: &mut PgConnection,
    extent: &Extent,
    wrong: &mut Vec<Discrepancy>,
) -> Result<u64> {
    let ms = extent.bounds();
    let bounds = (ms.as_ref().map(|ms| timestamp(ms.start)), ms.map(|ms| timestamp(ms.end)));
    let mut say = |range| wrong.push(Discrepancy { what: "ledger", range });
    unbalanced(db, bounds).await?.into_iter().for_each(&mut say);
    unpaid(db, bounds).await?.into_iter().for_each(&mut say);
    let txs = sqlx::query!(
        r#"SELECT count(*) AS "all!", count(m.id) AS "of_commissions!" FROM ledger_tx t
           LEFT JOIN affiliate_commission m ON m.ledger_tx_id = t.id
           WHERE t.kind = 'accrued'
             AND ($1::timestamptz IS NULL OR t.event_at >= $1) AND ($2::timestamptz IS NULL OR t.event_at < $2)"#,
        bounds.0,
        bounds.1,
    )
    .fetch_one(db)
    .await?;
    if txs.all != txs.of_commissions {
        say(format!(
            "{} accrued transactions belong to no commission",
            txs.all - txs.of_commissions
        ));
    }
    Ok(unsigned(txs.all))
}

/// Each transaction and currency sums to zero.
async fn unbalanced(db: &mut PgConnection, (since, until): Bounds) -> Result<Vec<String>> {
    let rows = sqlx::query!(
        r#"SELECT p.tx_id, p.currency, sum(p.amount)::text AS "sum!"
           FROM ledger_posting p JOIN ledger_tx t ON t.id = p.tx_id
           WHERE ($1::timestamptz IS NULL OR t.event_at >= $1) AND ($2::timestamptz IS NULL OR t.event_at < $2)
           GROUP BY p.tx_id, p.currency HAVING sum(p.amount) <> 0 ORDER BY p.tx_id LIMIT 100"#,
        since,
        until,
    )
    .fetch_all(db)
    .await?;
    let told = rows.iter().map(|row| {
        format!("transaction {} sums to {} units of {}", row.tx_id, row.sum, row.currency)
    });
    Ok(told.collect())
}

/// Each commission is posted to its affiliate, as it is.
async fn unpaid(db: &mut PgConnection, (since, until): Bounds) -> Result<Vec<String>> {
    let rows = sqlx::query!(
        r#"SELECT m.id, m.conversion_id, m.amount_units, coalesce(-sum(p.amount), 0)::text AS "posted!"
           FROM affiliate_commission m
           JOIN affiliate_conversion c ON c.id = m.conversion_id
           LEFT JOIN ledger_tx t ON t.id = m.ledger_tx_id AND t.site_id = m.site_id
               AND t.idem = 'accrued/cnv_' || m.conversion_id
           LEFT JOIN ledger_posting p ON p.tx_id = t.id AND p.currency = m.currency
               AND p.account = 'affiliate:' || m.affiliate_id || ':pending'
           WHERE ($1::timestamptz IS NULL OR c.occurred_at >= $1) AND ($2::timestamptz IS NULL OR c.occurred_at < $2)
           GROUP BY m.site_id, m.id HAVING coalesce(-sum(p.amount), 0) <> m.amount_units ORDER BY m.id LIMIT 100"#,
        since,
        until,
    )
    .fetch_all(db)
    .await?;
    let told = rows.iter().map(|row| {
        format!(
            "commission cm_{} of cnv_{} is {} units, posted are {}",
            row.id, row.conversion_id, row.amount_units, row.posted
        )
    });
    Ok(told.collect())
}
