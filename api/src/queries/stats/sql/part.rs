//! Rows that are parts of an answer: what one table gives of one group, put together here and not by ClickHouse.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    super::{Found, Query},
    Grain, Source, is_by_outcome,
};

/// Gross, unique, duplicate and invalid clicks, and impressions, of sums.
const OF_SUMS: [&str; 5] = [
    "sumIf(t.gross, t.kind = 'click')",
    "sumIf(t.uniques, t.kind = 'click')",
    "sumIf(t.duplicates, t.kind = 'click')",
    "sumIf(t.invalid, t.kind = 'click')",
    "sumIf(t.gross, t.kind = 'impression')",
];
/// The same where each row of sums stands for three, one an outcome.
const BY_OUTCOME: [&str; 5] = [
    "sumIf(o.2, t.kind = 'click')",
    "sumIf(o.2, t.kind = 'click' AND o.1 = 'unique')",
    "sumIf(o.2, t.kind = 'click' AND o.1 = 'duplicate')",
    "sumIf(o.2, t.kind = 'click' AND o.1 = 'invalid')",
    "sumIf(o.2, t.kind = 'impression')",
];
/// The same of rows.
const OF_ROWS: [&str; 5] = [
    "sumIf(toInt64(t.count), t.kind = 'click')",
    "sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'unique')",
    "sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'duplicate')",
    "sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'invalid')",
    "sumIf(toInt64(t.count), t.kind = 'impression')",
];
/// What a [`Part`] calls them.
const CLICKS: [&str; 5] = ["a", "b", "c", "d", "e"];
const CONVERSION_SUMS: &str = "sum(t.conversions) AS a, sum(t.refused) AS b, sum(t.amount) AS c, \
    sum(t.commission) AS d, toInt64(0) AS e";

/// Gross, unique, duplicate and invalid clicks, and impressions, of a table, under these names.
pub(super) fn click_sums(query: &Query, source: &Source, names: [&str; 5]) -> String {
    let sums = match source.grain {
        Grain::Moment => OF_ROWS,
        _ if is_by_outcome(query, source) => BY_OUTCOME,
        _ => OF_SUMS,
    };
    let named: Vec<String> =
        sums.iter().zip(names).map(|(sum, name)| format!("{sum} AS {name}")).collect();
    named.join(", ")
}

/// The currency, and what a table sums: the columns of a [`Part`] behind its set and its key.
pub(super) fn sums(query: &Query, source: &Source) -> String {
    match source.of_clicks {
        true => format!("'' AS currency, {}", click_sums(query, source, CLICKS)),
        false => format!("toString(t.currency) AS currency, {CONVERSION_SUMS}"),
    }
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
