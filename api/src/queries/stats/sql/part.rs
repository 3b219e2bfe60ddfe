//! Rows that are parts of an answer: what one table gives of one group, put together here and not by ClickHouse.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    super::{Found, Query},
    Grain, Source, is_by_outcome,
};

const CLICK_SUMS: &str = "sumIf(t.gross, t.kind = 'click') AS a, sumIf(t.uniques, t.kind = 'click') AS b, \
    sumIf(t.duplicates, t.kind = 'click') AS c, sumIf(t.invalid, t.kind = 'click') AS d, \
    sumIf(t.gross, t.kind = 'impression') AS e";
/// The same where each row of sums stands for three, one an outcome.
const OUTCOME_SUMS: &str = "sumIf(o.2, t.kind = 'click') AS a, sumIf(o.2, t.kind = 'click' AND o.1 = 'unique') AS b, \
    sumIf(o.2, t.kind = 'click' AND o.1 = 'duplicate') AS c, \
    sumIf(o.2, t.kind = 'click' AND o.1 = 'invalid') AS d, sumIf(o.2, t.kind = 'impression') AS e";
const RAW_CLICK_SUMS: &str = "sumIf(toInt64(t.count), t.kind = 'click') AS a, \
    sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'unique') AS b, \
    sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'duplicate') AS c, \
    sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'invalid') AS d, \
    sumIf(toInt64(t.count), t.kind = 'impression') AS e";
const CONVERSION_SUMS: &str = "sum(t.conversions) AS a, sum(t.refused) AS b, sum(t.amount) AS c, \
    sum(t.commission) AS d, toInt64(0) AS e";

/// The currency, and what a table sums: the columns of a [`Part`] behind its set and its key.
pub(super) fn sums(query: &Query, source: &Source) -> String {
    let (currency, sums) = match (source.of_clicks, source.grain) {
        (false, _) => ("toString(t.currency)", CONVERSION_SUMS),
        (true, Grain::Moment) => ("''", RAW_CLICK_SUMS),
        (true, _) if is_by_outcome(query, source) => ("''", OUTCOME_SUMS),
        (true, _) => ("''", CLICK_SUMS),
    };
    format!("{currency} AS currency, {sums}")
}

/// A row: what one piece gives of one group, of conversions in one currency.
#[derive(Debug, Clone, Default, Row, Deserialize)]
pub(in super::super) struct Part {
    /// Whose row it is, as its statement numbers them.
    pub(in super::super) set: u16,
    pub(in super::super) key: String,
    /// Empty where it is one of clicks.
    pub(in super::super) currency: String,
    /// Sums in the order of their kind: gross, unique, …, or accepted, refused, sales, payout.
    pub(in super::super) a: i64,
    pub(in super::super) b: i64,
    pub(in super::super) c: i64,
    pub(in super::super) d: i64,
    pub(in super::super) e: i64,
}

impl Part {
    /// What it adds to its group.
    pub(in super::super) fn found(&self, of_clicks: bool) -> Found {
        let keys = vec![self.key.clone()];
        let money = |units| vec![(self.currency.clone(), units)];
        match of_clicks {
            true => Found {
                keys,
                gross: self.a,
                uniques: self.b,
                duplicates: self.c,
                invalid: self.d,
                impressions: self.e,
                ..Found::default()
            },
            false => Found {
                keys,
                accepted: self.a,
                refused: self.b,
                sales: money(self.c),
                payout: money(self.d),
                ..Found::default()
            },
        }
    }
}
