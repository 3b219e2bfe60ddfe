//! Commissions and their balanced postings: written with their conversions, in the same transaction.

use schemas::money::{Money, decimal};
use sqlx::PgConnection;
use std::collections::HashMap;

use super::timestamp;
use crate::{
    batch::Decided,
    error::{Error, Result},
    outcome::CommissionLine,
};

/// One commission to accrue.
struct Line<'a> {
    conversion: i64,
    decided: &'a Decided,
    commission: CommissionLine,
}

/// Accrues what the accepted conversions earn; `ids` are their conversions' ids by position.
pub(crate) async fn accrue(db: &mut PgConnection, decided: &[Decided], ids: &[i64]) -> Result<()> {
    let lines: Vec<Line<'_>> = decided
        .iter()
        .zip(ids)
        .filter_map(|(one, &conversion)| {
            let commission = one.outcome.commission().filter(|line| line.amount.units() != 0)?;
            Some(Line { conversion, decided: one, commission })
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let txs = insert_txs(db, &lines).await?;
    insert_postings(db, &lines, &txs).await?;
    insert_commissions(db, &lines, &txs).await
}

/// Ledger transactions by conversion.
async fn insert_txs(db: &mut PgConnection, lines: &[Line<'_>]) -> Result<HashMap<i64, i64>> {
    let sites: Vec<i64> = lines.iter().map(|line| line.decided.record.event.site.into()).collect();
    let idems: Vec<String> =
        lines.iter().map(|line| format!("accrued/cnv_{}", line.conversion)).collect();
    let times: Vec<_> =
        lines.iter().map(|line| timestamp(line.decided.record.event.time_ms)).collect();
    let conversions: Vec<i64> = lines.iter().map(|line| line.conversion).collect();
    let rows = sqlx::query!(
        "INSERT INTO ledger_tx (site_id, kind, idem, event_at, actor, ref_type, ref_id)
         SELECT t.site, 'accrued', t.idem, t.at, 'processor', 'conversion', t.conversion
         FROM unnest($1::int8[], $2::text[], $3::timestamptz[], $4::int8[]) AS t (site, idem, at, conversion)
         RETURNING id, ref_id",
        &sites,
        &idems,
        &times,
        &conversions,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.ref_id, row.id)).collect())
}

fn tx_of(txs: &HashMap<i64, i64>, line: &Line<'_>) -> Result<i64> {
    txs.get(&line.conversion).copied().ok_or(Error::Stored { what: "a ledger transaction" })
}

/// Debit of the program's expense, credit of the affiliate's pending account, by one statement.
async fn insert_postings(
    db: &mut PgConnection,
    lines: &[Line<'_>],
    txs: &HashMap<i64, i64>,
) -> Result<()> {
    let (mut tx, mut n, mut site, mut account, mut currency, mut amount) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let money: Money = line.commission.amount;
        let outcome = &line.decided.outcome;
        let credit = money.negated().map_err(|_| Error::Stored { what: "an amount" })?;
        let sides = [
            (1_i16, format!("program:{}:commission_expense", outcome.program), money.units()),
            (2, format!("affiliate:{}:pending", outcome.affiliate), credit.units()),
        ];
        for (number, name, units) in sides {
            tx.push(tx_of(txs, line)?);
            n.push(number);
            site.push(i64::from(line.decided.record.event.site));
            account.push(name);
            currency.push(money.currency().code().to_owned());
            amount.push(units);
        }
    }
    sqlx::query!(
        "INSERT INTO ledger_posting (tx_id, n, site_id, account, currency, amount)
         SELECT * FROM unnest($1::int8[], $2::int2[], $3::int8[], $4::text[], $5::text[], $6::int8[])",
        &tx,
        &n,
        &site,
        &account,
        &currency,
        &amount,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn insert_commissions(
    db: &mut PgConnection,
    lines: &[Line<'_>],
    txs: &HashMap<i64, i64>,
) -> Result<()> {
    let column = |value: fn(&Line<'_>) -> i64| lines.iter().map(value).collect::<Vec<i64>>();
    let tx: Vec<i64> = lines.iter().map(|line| tx_of(txs, line)).collect::<Result<_>>()?;
    let shown = |money: Money| decimal(money.minor(), money.currency());
    let amounts: Vec<String> = lines.iter().map(|line| shown(line.commission.amount)).collect();
    let currencies: Vec<String> =
        lines.iter().map(|line| line.commission.amount.currency().code().to_owned()).collect();
    let occurred: Vec<_> =
        lines.iter().map(|line| timestamp(line.decided.record.event.time_ms)).collect();
    let hold: Vec<_> = lines.iter().map(|line| timestamp(line.commission.hold_until_ms)).collect();
    sqlx::query!(
        "INSERT INTO affiliate_commission (affiliate_id, amount, status, site_id, program_id, link_id, conversion_id,
             plan_id, amount_units, currency, occurred_at, hold_until, ledger_tx_id)
         SELECT c.affiliate, c.amount::numeric, 'pending', c.site, c.program, c.link, c.conversion,
             c.plan, c.units, c.currency, c.occurred, c.hold, c.tx
         FROM unnest($1::int8[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[],
                     $8::int8[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::int8[])
              AS c (affiliate, amount, site, program, link, conversion, plan, units, currency, occurred, hold, tx)",
        &column(|line| line.decided.outcome.affiliate.into()),
        &amounts,
        &column(|line| line.decided.record.event.site.into()),
        &column(|line| line.decided.outcome.program.into()),
        &column(|line| line.decided.outcome.link.into()),
        &column(|line| line.conversion),
        &column(|line| line.commission.plan),
        &column(|line| line.commission.amount.units()),
        &currencies,
        &occurred,
        &hold,
        &tx,
    )
    .execute(db)
    .await?;
    Ok(())
}
