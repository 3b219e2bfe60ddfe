//! A report of many groups: ClickHouse puts the parts together, and gives the first rows and the sum of all.

use schemas::ids::SiteId;

use super::{
    super::{Metric, Order, Query},
    Bind, Piece, Plan, Source, Statement, inner, outer, part, rows,
};

const CLICKS: [&str; 5] = ["gross", "uniques", "duplicates", "invalid", "impressions"];
const NO_CLICKS: &str = "toInt64(0) AS gross, toInt64(0) AS uniques, toInt64(0) AS duplicates, \
    toInt64(0) AS invalid, toInt64(0) AS impressions";

const CONVERSION_SUMS: &str = "sum(t.conversions) AS accepted, sum(t.refused) AS refused, \
    sumMap(map(toString(t.currency), t.amount)) AS sales, \
    sumMap(map(toString(t.currency), t.commission)) AS payout";
const NO_CONVERSIONS: &str = "toInt64(0) AS accepted, toInt64(0) AS refused, \
    CAST(map(), 'Map(String, Int64)') AS sales, CAST(map(), 'Map(String, Int64)') AS payout";

pub(super) fn statement(site: SiteId, plan: &Plan) -> Statement {
    let (query, mut binds) = (&plan.query, Vec::new());
    let halves: Vec<String> =
        plan.pieces.iter().map(|piece| half(site, query, piece, &mut binds)).collect();
    Statement { text: whole(query, &halves.join(" UNION ALL ")), binds }
}

/// Groups of all halves, and their sum.
fn whole(query: &Query, halves: &str) -> String {
    format!(
        "SELECT toUInt8(grouping(k0)) AS total, CAST([{keys}], 'Array(String)') AS keys, sum(h.gross) AS gross, \
         sum(h.uniques) AS uniques, sum(h.duplicates) AS duplicates, sum(h.invalid) AS invalid, \
         sum(h.impressions) AS impressions, sum(h.accepted) AS accepted, sum(h.refused) AS refused, \
         sumMap(h.sales) AS sales, sumMap(h.payout) AS payout \
         FROM ({halves}) AS h GROUP BY GROUPING SETS (({groups}), ()) \
         ORDER BY total DESC, {order}, {groups} LIMIT {limit}",
        keys = list(query, |n| outer(query.group_by[n], &format!("k{n}"))),
        groups = list(query, |n| format!("k{n}")),
        order = order(query),
        // The sum, the rows, and one more to know whether there are more.
        limit = u64::from(query.limit) + 2,
    )
}

/// What a piece's table sums.
fn sums(query: &Query, source: &Source) -> String {
    match source.of_clicks {
        true => format!("{}, {NO_CONVERSIONS}", part::click_sums(query, source, CLICKS)),
        false => format!("{NO_CLICKS}, {CONVERSION_SUMS}"),
    }
}

/// One table's part: its sums by the keys.
fn half(site: SiteId, query: &Query, piece: &Piece<'_>, binds: &mut Vec<Bind>) -> String {
    let source = piece.source;
    let keys = list(query, |n| format!("{} AS k{n}", inner(query.group_by[n], query, source)));
    let sums = sums(query, source);
    let rows = rows(site, query, piece, binds);
    let groups = list(query, |n| format!("k{n}"));
    let mut text = format!("SELECT {keys}, {sums} FROM {rows} GROUP BY {groups}");
    if source.may_be_empty(query) {
        text.push_str(match source.of_clicks {
            true => " HAVING gross != 0 OR impressions != 0",
            false => " HAVING accepted != 0 OR refused != 0",
        });
    }
    text
}

fn list(query: &Query, write: impl Fn(usize) -> String) -> String {
    let keys: Vec<String> = (0..query.group_by.len()).map(write).collect();
    keys.join(", ")
}

fn order(query: &Query) -> String {
    let direction = if query.order.1 { "DESC" } else { "ASC" };
    let by = match query.order.0 {
        Order::Key(n) if n < query.group_by.len() => format!("k{n}"),
        Order::Key(_) | Order::Metric(Metric::Gross) => "gross".to_owned(),
        Order::Metric(Metric::Unique) => "uniques".to_owned(),
        Order::Metric(Metric::Duplicate) => "duplicates".to_owned(),
        Order::Metric(Metric::Invalid) => "invalid".to_owned(),
        Order::Metric(Metric::Impressions) => "impressions".to_owned(),
        Order::Metric(Metric::Conversions) => "accepted".to_owned(),
        Order::Metric(Metric::Refused) => "refused".to_owned(),
        Order::Metric(Metric::Cvr) => "accepted / greatest(uniques + duplicates, 1)".to_owned(),
        // A code of the list of currencies, three capitals; amounts of two are never added.
        Order::Metric(Metric::Sales(currency)) => format!("sales['{}']", currency.code()),
        Order::Metric(Metric::Payout(currency)) => format!("payout['{}']", currency.code()),
    };
    format!("{by} {direction}")
}
