//! Every store is asked for every number: acknowledged ones are there once, others at most once, sums and
//! ledger are what the rows say.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use clap::Parser;
use sqlx::AssertSqlSafe;

use super::{cast::Cast, settle, traffic::Told};

/// What a sale earns: 1 EUR in units.
const COMMISSION: i64 = 1_000_000;
/// Numbers named of each kind; the rest is counted.
const NAMED: usize = 10;

#[derive(Parser)]
struct Audit {
    #[command(flatten)]
    config: processor::Config,
}

/// Everything that is not as it should be.
///
/// # Errors
/// When a store does not answer.
pub async fn judge(cast: &mut Cast, told: &Told) -> Result<Vec<String>> {
    let mut wrong = settle::settle(cast).await?;
    clicks(cast, told, &mut wrong).await?;
    conversions(cast, told, &mut wrong).await?;
    let mut arguments = vec!["audit".to_owned()];
    arguments.extend(cast.audit());
    let report = processor::audit::run(&Audit::try_parse_from(arguments)?.config).await?;
    if !report.is_clean() {
        wrong.push(format!("the audit: {report}"));
    }
    Ok(wrong)
}

async fn clicks(cast: &Cast, told: &Told, wrong: &mut Vec<String>) -> Result<()> {
    let sql = "SELECT sub1 AS number, toUInt64(count()) AS times FROM clicks GROUP BY sub1";
    let found = numbers(in_engine(cast, sql).await?)?;
    compare("clicks in clickhouse", told.clicks.iter().copied(), &found, wrong);
    let raw: u64 = found.values().sum();
    let sql = "SELECT toUInt64(sum(gross)) FROM clicks_by_day_link";
    let summed: u64 = cast.clickhouse.client().query(sql).fetch_one().await?;
    if raw != summed {
        wrong.push(format!("rollups count {summed} clicks of {raw}"));
    }
    Ok(())
}

async fn conversions(cast: &Cast, told: &Told, wrong: &mut Vec<String>) -> Result<()> {
    let sql = "SELECT txn_id, count(*) FROM affiliate_conversion WHERE status <> 'invalid' GROUP BY txn_id";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(&cast.owner).await?;
    let found =
        numbers(rows.into_iter().map(|(txn, count)| (txn, count.unsigned_abs())).collect())?;
    compare("conversions in postgresql", told.conversions.iter().copied(), &found, wrong);
    let sql = "SELECT txn_id AS number, toUInt64(count()) AS times FROM conversions WHERE count = 1 AND reason = '' GROUP BY txn_id";
    let stored = numbers(in_engine(cast, sql).await?)?;
    if stored != found {
        wrong.push(format!(
            "clickhouse has {} conversions, postgresql {}",
            stored.len(),
            found.len()
        ));
    }
    let sum = |sql: &str| {
        let sql = AssertSqlSafe(sql.to_owned());
        async move { sqlx::query_scalar::<_, i64>(sql).fetch_one(&cast.owner).await }
    };
    let paid =
        sum("SELECT coalesce(sum(amount_units), 0)::bigint FROM affiliate_commission").await?;
    let owed = COMMISSION * i64::try_from(found.len())?;
    if paid != owed {
        wrong.push(format!("commissions of {paid} units, owed are {owed}"));
    }
    let posted = sum("SELECT coalesce(-sum(amount), 0)::bigint FROM ledger_posting WHERE account LIKE 'affiliate:%:pending'").await?;
    if posted != owed {
        wrong.push(format!("the ledger holds {posted} units for affiliates, owed are {owed}"));
    }
    Ok(())
}

#[derive(clickhouse::Row, serde::Deserialize)]
struct Times {
    number: String,
    times: u64,
}

async fn in_engine(cast: &Cast, sql: &str) -> Result<Vec<(String, u64)>> {
    let rows: Vec<Times> = cast.clickhouse.client().query(sql).fetch_all().await?;
    Ok(rows.into_iter().map(|row| (row.number, row.times)).collect())
}

/// `n12` and how often.
fn numbers(rows: Vec<(String, u64)>) -> Result<BTreeMap<u64, u64>> {
    let number = |text: &str| text.strip_prefix('n').and_then(|number| number.parse().ok());
    rows.into_iter()
        .map(|(text, count)| {
            Ok((number(&text).with_context(|| format!("a number {text}"))?, count))
        })
        .collect()
}

fn compare(
    what: &str,
    acknowledged: impl Iterator<Item = u64>,
    found: &BTreeMap<u64, u64>,
    wrong: &mut Vec<String>,
) {
    let lost: Vec<u64> = acknowledged.filter(|number| !found.contains_key(number)).collect();
    let doubled: Vec<u64> =
        found.iter().filter(|(_, count)| **count > 1).map(|(number, _)| *number).collect();
    for (how, numbers) in [("acknowledged and not there", lost), ("there more than once", doubled)]
    {
        if !numbers.is_empty() {
            let named: Vec<String> = numbers.iter().take(NAMED).map(u64::to_string).collect();
            wrong.push(format!("{what}: {} {how}: {}…", numbers.len(), named.join(", ")));
        }
    }
}
