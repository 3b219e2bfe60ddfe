//! What ClickHouse gives of reports, before it is an answer.

use std::{collections::BTreeMap, sync::Arc};

use clickhouse::{Row as ClickhouseRow, RowOwned, RowRead};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::{
    Clicks, Conversions, Query, Row, Sums, lead, parts,
    sql::{Plan, Shape, Statement, Together},
};
use crate::{error::Error, queries::bind, tenant::TenantCtx};

/// The rows of each plan's report, in their order, at most one more than asked for, and the sum of all. What is the sum of
/// two reports is asked for once.
///
/// # Errors
/// `Clickhouse` when it does not answer.
pub(super) async fn ask(ctx: &TenantCtx, plans: &[Arc<Plan>]) -> Result<Vec<Vec<Found>>, Error> {
    let mut found = vec![Vec::new(); plans.len()];
    let asked = plans.iter().enumerate().filter(|(_, plan)| plan.has_halves());
    let (few, many): (Vec<_>, Vec<_>) = asked.partition(|(_, plan)| parts::are_few(&plan.query));
    let (mut others, mut sums) = (JoinSet::new(), Vec::new());
    for (n, plan) in many {
        let sum = few.iter().find(|(_, few)| few.sums_as(plan)).map(|(few, _)| *few);
        sums.extend(sum.map(|few| (n, few)));
        let (ctx, plan, is_summed) = (ctx.clone(), Arc::clone(plan), sum.is_some());
        others.spawn(async move { (n, ask_many(&ctx, &plan, is_summed).await) });
    }
    let together = Together::of(ctx.site, few.iter().map(|(_, plan)| plan.as_ref()));
    if !few.is_empty() {
        let parts = together.parts(&rows(ctx, &together.statement).await?, few.len());
        for ((n, plan), parts) in few.into_iter().zip(parts) {
            found[n] = parts::together(parts, &plan.query);
        }
    }
    while let Some(done) = others.join_next().await {
        let (n, rows) = done.map_err(|error| Error::Fault(error.to_string()))?;
        found[n] = rows?;
    }
    for (n, few) in sums {
        let sum = found[few].iter().find(|row| row.total == 1).cloned();
        found[n].retain(|row| row.total == 0);
        found[n].extend(sum);
    }
    Ok(found)
}

async fn ask_many(ctx: &TenantCtx, plan: &Plan, is_summed: bool) -> Result<Vec<Found>, Error> {
    match lead::ask(ctx, plan, is_summed).await? {
        Some(found) => Ok(found),
        None => rows(ctx, &plan.statement(ctx.site)).await,
    }
}

pub(super) async fn rows<T>(ctx: &TenantCtx, statement: &Statement) -> Result<Vec<T>, Error>
where
    T: RowOwned + RowRead,
{
    let asked = bind::all(ctx.ch.query(&statement.text), &statement.binds);
    Ok(bind::in_time(asked.fetch_all::<T>()).await?)
}

/// A row, or a part of one; `total` is 1 for the sum over all groups.
#[derive(Debug, Clone, Default, ClickhouseRow, Deserialize)]
pub(super) struct Found {
    pub(super) total: u8,
    pub(super) keys: Vec<String>,
    pub(super) gross: i64,
    pub(super) uniques: i64,
    pub(super) duplicates: i64,
    pub(super) invalid: i64,
    pub(super) impressions: i64,
    pub(super) accepted: i64,
    pub(super) refused: i64,
    pub(super) sales: Vec<(String, i64)>,
    pub(super) payout: Vec<(String, i64)>,
}

impl Found {
    pub(super) fn row(self, query: &Query, shape: &Shape) -> Row {
        let keys = query.group_by.iter().zip(self.keys);
        let keys = match self.total {
            1 => Vec::new(),
            _ => keys.map(|(by, key)| by.wire(&key, query.range.zone)).collect(),
        };
        let mut money: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for (currency, units) in self.sales {
            money.entry(currency).or_default().0 += units;
        }
        for (currency, units) in self.payout {
            money.entry(currency).or_default().1 += units;
        }
        let sums =
            |(currency, (sales_units, payout_units))| Sums { currency, sales_units, payout_units };
        Row {
            keys,
            clicks: shape.clicks.then_some(Clicks {
                gross: self.gross,
                unique: self.uniques,
                duplicate: self.duplicates,
                invalid: self.invalid,
                impressions: self.impressions,
            }),
            conversions: shape.conversions.then(|| Conversions {
                accepted: self.accepted,
                refused: self.refused,
                money: money
                    .into_iter()
                    .filter(|(currency, units)| !currency.is_empty() && *units != (0, 0))
                    .map(sums)
                    .collect(),
            }),
        }
    }
}
