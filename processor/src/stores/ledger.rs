//! Commissions and their balanced postings: written with their conversions, in the same transaction.

use schemas::money::{Money, decimal};
use sqlx::PgConnection;

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
    /// The ledger transaction that says so.
    tx: i64,
}

/// Accrues what the accepted conversions earn; `ids` are their conversions' ids by position.
pub(crate) async fn accrue(db: &mut PgConnection, decided: &[Decided], ids: &[i64]) -> Result<()> {
    let earned: Vec<(&Decided, i64, CommissionLine)> = decided
        .iter()
        .zip(ids)
        .filter_map(|(one, &conversion)| {
            let commission = one.outcome.commission().filter(|line| line.amount.units() != 0)?;
            Some((one, conversion, commission))
        })
        .collect();
    if earned.is_empty() {
        return Ok(());
    }
    let txs = draw_ids(db, earned.len()).await?;
    let lines: Vec<Line<'_>> = earned
        .into_iter()
        .zip(txs)
        .map(|((decided, conversion, commission), tx)| Line { conversion, decided, commission, tx })
        .collect();
    insert_txs(db, &lines).await?;
    insert_commissions(db, &lines).await
}

/// Ids of ledger transactions, drawn before the statement that writes them with their postings.
async fn draw_ids(db: &mut PgConnection, count: usize) -> Result<Vec<i64>> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    // One value: thousands of rows of one number each cost their way here more than the numbers.
    let ids = sqlx::query_scalar!(
        r#"SELECT array_agg(nextval('ledger_tx_id_seq')) AS "ids!" FROM generate_series(1, $1::int8)"#,
        count
    );
    Ok(ids.fetch_one(db).await?)
}

/// Columns of postings, for `unnest`.
#[derive(Default)]
struct Postings {
    tx: Vec<i64>,
    n: Vec<i16>,
    site: Vec<i64>,
    account: Vec<String>,
    currency: Vec<String>,
    amount: Vec<i64>,
}

impl Postings {
    /// Debit of the program's expense, credit of the affiliate's pending account.
    fn push(&mut self, line: &Line<'_>) -> Result<()> {
        let money: Money = line.commission.amount;
        let outcome = &line.decided.outcome;
        let credit = money.negated().map_err(|_| Error::Stored { what: "an amount" })?;
        let sides = [
            (1_i16, format!("program:{}:commission_expense", outcome.program), money.units()),
            (2, format!("affiliate:{}:pending", outcome.affiliate), credit.units()),
        ];
        for (number, name, units) in sides {
            self.tx.push(line.tx);
            self.n.push(number);
            self.site.push(line.decided.record.event.site.into());
            self.account.push(name);
            self.currency.push(money.currency().code().to_owned());
            self.amount.push(units);
        }
        Ok(())
    }
}

/// Ledger transactions with their postings, by one statement: the ledger looks at its end.
async fn insert_txs(db: &mut PgConnection, lines: &[Line<'_>]) -> Result<()> {
    let ids: Vec<i64> = lines.iter().map(|line| line.tx).collect();
    let sites: Vec<i64> = lines.iter().map(|line| line.decided.record.event.site.into()).collect();
    let idems: Vec<String> =
        lines.iter().map(|line| format!("accrued/cnv_{}", line.conversion)).collect();
    let times: Vec<_> =
        lines.iter().map(|line| timestamp(line.decided.record.event.time_ms)).collect();
    let conversions: Vec<i64> = lines.iter().map(|line| line.conversion).collect();
    let mut postings = Postings::default();
    lines.iter().try_for_each(|line| postings.push(line))?;
    sqlx::query!(
        "WITH posted AS (
             INSERT INTO ledger_posting (tx_id, n, site_id, account, currency, amount)
             SELECT * FROM unnest($6::int8[], $7::int2[], $8::int8[], $9::text[], $10::text[], $11::int8[])
         )
         INSERT INTO ledger_tx (id, site_id, kind, idem, event_at, actor, ref_type, ref_id) OVERRIDING SYSTEM VALUE
         SELECT t.id, t.site, 'accrued', t.idem, t.at, 'processor', 'conversion', t.conversion
         FROM unnest($1::int8[], $2::int8[], $3::text[], $4::timestamptz[], $5::int8[])
              AS t (id, site, idem, at, conversion)",
        &ids,
        &sites,
        &idems,
        &times,
        &conversions,
        &postings.tx,
        &postings.n,
        &postings.site,
        &postings.account,
        &postings.currency,
        &postings.amount,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn insert_commissions(db: &mut PgConnection, lines: &[Line<'_>]) -> Result<()> {
    let column = |value: fn(&Line<'_>) -> i64| lines.iter().map(value).collect::<Vec<i64>>();
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
        &column(|line| line.tx),
    )
    .execute(db)
    .await?;
    Ok(())
}
