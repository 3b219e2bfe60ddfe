//! What ClickHouse gives of reports, before it is an answer.

use std::{collections::BTreeMap, sync::Arc};

use clickhouse::{Row as ClickhouseRow, RowOwned, RowRead};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::{
    Clicks, Conversions, Query, Row, Sums, lead, parts,
    sql::{Plan, Shape, Statement, Together},
};
use crate::{app::App, error::Error, queries::bind};

/// The rows of each plan's report, in their order, at most one more than asked for, and the sum of all.
///
/// # Errors
/// `Clickhouse` when it does not answer.
pub(super) async fn ask(app: &App, plans: &[Arc<Plan>]) -> Result<Vec<Vec<Found>>, Error> {
    let mut found = vec![Vec::new(); plans.len()];
    let (mut few, mut many) = (Vec::new(), JoinSet::new());
    for (n, plan) in plans.iter().enumerate().filter(|(_, plan)| plan.has_halves()) {
        if parts::are_few(&plan.query) {
            few.push((n, plan));
            continue;
        }
        let (app, plan) = (app.clone(), Arc::clone(plan));
        many.spawn(async move { (n, ask_many(&app, &plan).await) });
    }
    let together = Together::of(app.site, few.iter().map(|(_, plan)| plan.as_ref()));
    if !few.is_empty() {
        let parts = together.parts(&rows(app, &together.statement).await?, few.len());
        for ((n, plan), parts) in few.into_iter().zip(parts) {
            found[n] = parts::together(parts, &plan.query);
        }
    }
    while let Some(done) = many.join_next().await {
        let (n, rows) = done.map_err(|error| Error::Fault(error.to_string()))?;
        found[n] = rows?;
    }
    Ok(found)
}

async fn ask_many(app: &App, plan: &Plan) -> Result<Vec<Found>, Error> {
    match lead::ask(app, plan).await? {
        Some(found) => Ok(found),
        None => rows(app, &plan.statement(app.site)).await,
    }
}

pub(super) async fn rows<T>(app: &App, statement: &Statement) -> Result<Vec<T>, Error>
where
    T: RowOwned + RowRead,
{
    let asked = bind::all(app.ch.query(&statement.text), &statement.binds);
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
