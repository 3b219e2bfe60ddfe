//! The report: numbers by any listed dimensions, over a span of time.
//!
//! Asks the day rollups where they hold the answer (whole days of the site's time zone and the
//! dimensions they keep), else the raw tables, and says which. Clicks and conversions are one
//! question, so that a row's numbers are of one moment.

mod dimension;
mod formulas;
mod found;
mod lead;
mod owned;
mod parts;
mod sql;

pub use dimension::{Dimension, Side};
pub use formulas::{FORMULAS, Formula};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use found::Found;
use schemas::money::Currency;
use sql::Plan;
use std::sync::Arc;

use crate::{
    error::Error,
    params::range::Range,
    queries::{
        as_of,
        as_of::AsOf,
        bind,
        kept::{self, Kept},
    },
    tenant::TenantCtx,
};

/// Values a dimension must have, or must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of which dimension; never one of time.
    pub dimension: Dimension,
    /// What counts, or what does not. Ids as numbers in text; `""` is "none known".
    pub values: Vec<String>,
    /// Whether the values are those that do not count.
    pub exclude: bool,
}

/// What to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One of `group_by`, by its position.
    Key(usize),
    /// A number.
    Metric(Metric),
}

/// Numbers a report can be sorted by; money by that of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the answer")]
pub enum Metric {
    Gross,
    Unique,
    Duplicate,
    Invalid,
    Impressions,
    Conversions,
    Refused,
    Cvr,
    Sales(Currency),
    Payout(Currency),
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// When, and in whose days.
    pub range: Range,
    /// The site's own zone: rollups hold its days.
    pub site_zone: Tz,
    /// At most ten; empty for the totals alone.
    pub group_by: Vec<Dimension>,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// What comes first; descending where the flag is set.
    pub order: (Order, bool),
    /// Rows at most.
    pub limit: u32,
}

impl Query {
    /// The same of all groups together.
    fn whole(&self) -> Self {
        Self { group_by: Vec::new(), ..self.clone() }
    }
}

/// Clicks of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the published formulas say what each is")]
pub struct Clicks {
    pub gross: i64,
    pub unique: i64,
    pub duplicate: i64,
    pub invalid: i64,
    pub impressions: i64,
}

/// Conversions of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversions {
    /// Accepted ones.
    pub accepted: i64,
    /// Refused ones, whatever the reason.
    pub refused: i64,
    /// Of accepted ones, by currency.
    pub money: Vec<Sums>,
}

/// Money of one currency, in units of 1/10,000 minor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// ISO 4217.
    pub currency: String,
    /// Value of the orders.
    pub sales_units: i64,
    /// The affiliates' commissions.
    pub payout_units: i64,
}

/// Numbers of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// One for each of `group_by`, in its order: `prg_3`, `FR`, `2026-11-23`, `2026-11-23T14:00:00+01:00`.
    /// Empty: none is known.
    pub keys: Vec<String>,
    /// `None` where clicks do not have the dimensions asked for.
    pub clicks: Option<Clicks>,
    /// `None` where conversions do not have the dimensions asked for.
    pub conversions: Option<Conversions>,
}

impl Row {
    /// The same halves, with nothing counted.
    pub fn nothing(&self) -> Self {
        Self {
            keys: Vec::new(),
            clicks: self.clicks.map(|_| Clicks::default()),
            conversions: self.conversions.as_ref().map(|_| Conversions::default()),
        }
    }

    /// Adds what another counts.
    pub fn add(&mut self, more: &Self) {
        if let (Some(sum), Some(more)) = (&mut self.clicks, &more.clicks) {
            sum.gross += more.gross;
            sum.unique += more.unique;
            sum.duplicate += more.duplicate;
            sum.invalid += more.invalid;
            sum.impressions += more.impressions;
        }
        if let (Some(sum), Some(more)) = (&mut self.conversions, &more.conversions) {
            sum.accepted += more.accepted;
            sum.refused += more.refused;
            for money in &more.money {
                match sum.money.iter_mut().find(|known| known.currency == money.currency) {
                    Some(known) => {
                        known.sales_units += money.sales_units;
                        known.payout_units += money.payout_units;
                    }
                    None => sum.money.push(money.clone()),
                }
            }
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// At most `limit`.
    pub rows: Vec<Row>,
    /// Over all groups, also beyond the limit.
    pub totals: Row,
    /// Whether there are more groups than the limit.
    pub has_more: bool,
    /// Until when it is complete. Read before the numbers, so they hold at least that.
    pub as_of: AsOf,
    /// The tables asked.
    pub sources: Vec<&'static str>,
    /// Events before this are not in it, though there were some: only sums that do not answer the question are left.
    pub expired_before: Option<DateTime<Utc>>,
}

/// Answers a question about the site of `app`.
///
/// # Errors
/// `Clickhouse` or `Sql` when a store does not answer.
pub async fn report(ctx: &TenantCtx, query: &Query) -> Result<Report, Error> {
    let mut reports = reports(ctx, std::slice::from_ref(query)).await?;
    Ok(reports.pop().unwrap_or_default())
}

/// Answers some at once, each as [`report`] does: what they have in common is read once.
///
/// # Errors
/// `Clickhouse` or `Sql` when a store does not answer.
pub async fn reports(ctx: &TenantCtx, queries: &[Query]) -> Result<Vec<Report>, Error> {
    let as_of = as_of::get(&ctx.db).await?;
    let mut plans = Vec::with_capacity(queries.len());
    for query in queries {
        let reached = Query { filters: ctx.within(&query.filters), ..query.clone() };
        plans.push(Plan::of(&reached, &Kept::ask(ctx, query.range).await?));
    }
    owned::find(ctx, &mut plans).await?;
    let plans: Vec<Arc<Plan>> = plans.into_iter().map(Arc::new).collect();
    let found = found::ask(ctx, &plans).await?;
    let mut reports = Vec::with_capacity(queries.len());
    for (plan, found) in plans.iter().zip(found) {
        reports.push(of(ctx, plan, found, &as_of).await?);
    }
    Ok(reports)
}

/// An answer of its rows, the sum of all among them.
async fn of(
    ctx: &TenantCtx,
    plan: &Plan,
    found: Vec<Found>,
    as_of: &AsOf,
) -> Result<Report, Error> {
    let mut rows = Vec::with_capacity(found.len());
    let mut totals = None;
    for found in found {
        let is_total = found.total == 1;
        let row = found.row(&plan.query, &plan.shape);
        if is_total { totals = Some(row) } else { rows.push(row) }
    }
    let limit = plan.query.limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let totals = totals.unwrap_or_else(|| Found::default().row(&plan.query, &plan.shape));
    let mut expired_before = None;
    for &expired in &plan.expired {
        let left_out = kept::left_out(ctx, plan.query.range, expired).await?;
        expired_before = expired_before.max(left_out);
    }
    let sources = plan.sources();
    Ok(Report { rows, totals, has_more, as_of: as_of.clone(), sources, expired_before })
}

/// Whether the site ever had a click or a conversion.
///
/// # Errors
/// `Clickhouse` when it does not answer.
pub async fn is_anything_counted(ctx: &TenantCtx) -> Result<bool, Error> {
    let text = "SELECT toUInt8(EXISTS (SELECT 1 FROM clicks_by_day_link WHERE site = ?)
        OR EXISTS (SELECT 1 FROM conversions_by_day_link WHERE site = ?))";
    let (site, asked) = (ctx.site.get(), ctx.ch.query(text));
    let any = bind::in_time(asked.bind(site).bind(site).fetch_one::<u8>()).await?;
    Ok(any == 1)
}

/// What is of use without its numbers is shown without them: `None` while ClickHouse is away.
///
/// # Errors
/// Every other error as it is.
pub fn or_delayed(report: Result<Report, Error>) -> Result<Option<Report>, Error> {
    match report {
        Ok(report) => Ok(Some(report)),
        Err(Error::Clickhouse(error)) => {
            tracing::warn!(%error, "clickhouse did not answer");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
