//! The statement of a report. Names of columns come from the list of dimensions, everything a person
//! typed is bound.

use schemas::ids::SiteId;
use std::fmt::Write;

use super::{Dimension, Metric, Order, Query, Side};
use crate::queries::{
    attributed,
    bind::{self, Bind},
};

/// Which halves the answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) clicks: bool,
    pub(super) conversions: bool,
}

/// Text, values in the order of its `?`, and what it asks.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) binds: Vec<Bind>,
    pub(super) sources: Vec<&'static str>,
}

/// A table that can answer, and what it keeps.
struct Source {
    table: &'static str,
    /// Keeps days instead of moments.
    rollup: bool,
    keeps: fn(Dimension) -> bool,
}

const CLICK_SOURCES: [Source; 3] = [
    Source { table: "clicks_by_day_link", rollup: true, keeps: |by| by.is_days() || by.is_id() },
    Source {
        table: "clicks_by_day_country",
        rollup: true,
        keeps: |by| {
            use Dimension::{Country, Device, Program, Reason};
            by.is_days() || matches!(by, Program | Country | Device | Reason)
        },
    },
    Source { table: "clicks", rollup: false, keeps: |_| true },
];

const CONVERSION_SOURCES: [Source; 2] = [
    Source {
        table: "conversions_by_day_link",
        rollup: true,
        keeps: |by| {
            use Dimension::{Currency, Event, Refusal};
            by.is_days() || by.is_id() || matches!(by, Event | Refusal | Currency)
        },
    },
    Source { table: "conversions", rollup: false, keeps: |_| true },
];

const CLICK_SUMS: &str = "sumIf(t.gross, t.kind = 'click') AS gross, sumIf(t.uniques, t.kind = 'click') AS uniques, \
    sumIf(t.duplicates, t.kind = 'click') AS duplicates, sumIf(t.invalid, t.kind = 'click') AS invalid, \
    sumIf(t.gross, t.kind = 'impression') AS impressions";
const RAW_CLICK_SUMS: &str = "sumIf(toInt64(t.count), t.kind = 'click') AS gross, \
    sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'unique') AS uniques, \
    sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'duplicate') AS duplicates, \
    sumIf(toInt64(t.count), t.kind = 'click' AND t.outcome = 'invalid') AS invalid, \
    sumIf(toInt64(t.count), t.kind = 'impression') AS impressions";
const NO_CLICKS: &str = "toInt64(0) AS gross, toInt64(0) AS uniques, toInt64(0) AS duplicates, \
    toInt64(0) AS invalid, toInt64(0) AS impressions";

const CONVERSION_SUMS: &str = "sum(t.conversions) AS accepted, sum(t.refused) AS refused, \
    sumMap(map(toString(t.currency), t.amount)) AS sales, \
    sumMap(map(toString(t.currency), t.commission)) AS payout";
const RAW_CONVERSION_SUMS: &str = "sumIf(toInt64(t.count), t.outcome = 'accepted') AS accepted, \
    sumIf(toInt64(t.count), t.outcome = 'refused') AS refused, \
    sumMap(map(toString(t.currency), t.count * t.amount * (t.outcome = 'accepted'))) AS sales, \
    sumMap(map(toString(t.currency), t.count * t.commission * (t.outcome = 'accepted'))) AS payout";
const NO_CONVERSIONS: &str = "toInt64(0) AS accepted, toInt64(0) AS refused, \
    CAST(map(), 'Map(String, Int64)') AS sales, CAST(map(), 'Map(String, Int64)') AS payout";

/// The question of `query` about `site`, in one statement: groups and their sum. There must be a
/// half to ask.
pub(super) fn statement(site: SiteId, query: &Query) -> Statement {
    let shape = shape(query);
    let mut binds = Vec::new();
    let mut halves = Vec::new();
    let mut sources = Vec::new();
    if shape.clicks {
        let source = source(&CLICK_SOURCES, query);
        let sums = if source.rollup { CLICK_SUMS } else { RAW_CLICK_SUMS };
        let sums = format!("{sums}, {NO_CONVERSIONS}");
        halves.push(half(site, query, source, &sums, &mut binds));
        sources.push(source.table);
    }
    if shape.conversions {
        let source = source(&CONVERSION_SOURCES, query);
        let sums = if source.rollup { CONVERSION_SUMS } else { RAW_CONVERSION_SUMS };
        let sums = format!("{NO_CLICKS}, {sums}");
        halves.push(half(site, query, source, &sums, &mut binds));
        sources.push(source.table);
    }
    let text = format!(
        "SELECT {total} AS total, CAST([{keys}], 'Array(String)') AS keys, sum(h.gross) AS gross, \
         sum(h.uniques) AS uniques, sum(h.duplicates) AS duplicates, sum(h.invalid) AS invalid, \
         sum(h.impressions) AS impressions, sum(h.accepted) AS accepted, sum(h.refused) AS refused, \
         sumMap(h.sales) AS sales, sumMap(h.payout) AS payout \
         FROM ({halves}) AS h{groups} ORDER BY total DESC, {order}{ties} LIMIT {limit}",
        total = if query.group_by.is_empty() { "toUInt8(1)" } else { "toUInt8(grouping(k0))" },
        keys = list(query, |n| outer(query.group_by[n], n)),
        halves = halves.join(" UNION ALL "),
        groups = match query.group_by.is_empty() {
            true => String::new(),
            false =>
                format!(" GROUP BY GROUPING SETS (({}), ())", list(query, |n| format!("k{n}"))),
        },
        order = order(query),
        ties = query.group_by.iter().enumerate().fold(String::new(), |mut ties, (n, _)| {
            let _ = write!(ties, ", k{n}");
            ties
        }),
        // The sum, the rows, and one more to know whether there are more.
        limit = u64::from(query.limit) + 2,
    );
    Statement { text, binds, sources }
}

/// A half that cannot have one of the dimensions asked for, or filtered by, is not there: its sum
/// without the filter would be a number of something else.
pub(super) fn shape(query: &Query) -> Shape {
    let filters = query.filters.iter().map(|filter| filter.dimension);
    let asked: Vec<Side> =
        query.group_by.iter().copied().chain(filters).map(Dimension::side).collect();
    Shape {
        clicks: !asked.contains(&Side::OfConversions),
        conversions: !asked.contains(&Side::OfClicks),
    }
}

/// The dimensions grouped and filtered by.
fn asked(query: &Query) -> Vec<Dimension> {
    let filters = query.filters.iter().map(|filter| filter.dimension);
    query.group_by.iter().copied().chain(filters).collect()
}

/// The first of `sources` that can answer; the last one always can.
fn source<'a>(sources: &'a [Source], query: &Query) -> &'a Source {
    let whole_days =
        query.range.zone == query.site_zone && query.range.is_whole_days(query.site_zone);
    let asked = asked(query);
    let fits = |source: &&Source| {
        (!source.rollup || whole_days) && asked.iter().all(|&dimension| (source.keeps)(dimension))
    };
    sources.iter().find(fits).unwrap_or(&sources[sources.len() - 1])
}

/// One table's part: its sums by the keys.
fn half(site: SiteId, query: &Query, source: &Source, sums: &str, binds: &mut Vec<Bind>) -> String {
    // Conversions row by row have their clicks beside them; sums by day keep nothing of those.
    let attributed = !source.rollup && source.table == "conversions";
    let column = |by| if attributed { attributed::column(by) } else { bind::column(by) };
    let keys: String =
        query.group_by.iter().enumerate().fold(String::new(), |mut keys, (n, &by)| {
            let _ = write!(keys, "{} AS k{n}, ", inner(by, source.rollup, query, column));
            keys
        });
    let mut text = format!("SELECT {keys}{sums} FROM ");
    if attributed {
        text.push_str(&attributed::tables(site, query.range, &asked(query), binds));
        text.push_str(" WHERE 1");
    } else {
        let _ = write!(text, "{} AS t WHERE t.site = ?", source.table);
        binds.push(Bind::Number(site.to_sql()));
        text.push_str(&span(query, source.rollup, binds));
    }
    for filter in &query.filters {
        text.push_str(&bind::condition(&column(filter.dimension), filter, binds));
    }
    if !query.group_by.is_empty() {
        let _ = write!(text, " GROUP BY {}", list(query, |n| format!("k{n}")));
    }
    text
}

fn span(query: &Query, rollup: bool, binds: &mut Vec<Bind>) -> String {
    if rollup {
        let day = |at_ms| query.range.day(at_ms);
        // Dates of chrono, never text of a person.
        let (from, to) = (day(query.range.from_ms), day(query.range.to_ms));
        return format!(" AND t.day >= '{from}' AND t.day < '{to}'");
    }
    binds.extend([Bind::Number(query.range.from_ms), Bind::Number(query.range.to_ms)]);
    " AND t.time >= fromUnixTimestamp64Milli(?) AND t.time < fromUnixTimestamp64Milli(?)".to_owned()
}

/// A key as its table gives it.
fn inner(
    by: Dimension,
    rollup: bool,
    query: &Query,
    column: impl Fn(Dimension) -> String,
) -> String {
    // A name of the IANA list, as chrono-tz writes it.
    let zone = query.range.zone.name();
    let day = if rollup { "t.day".to_owned() } else { format!("toDate(t.time, '{zone}')") };
    match by {
        Dimension::Minute => format!("toStartOfMinute(t.time, '{zone}')"),
        Dimension::Hour => format!("toStartOfHour(t.time, '{zone}')"),
        Dimension::Day => day,
        Dimension::Week => format!("toMonday({day})"),
        Dimension::Month => format!("toStartOfMonth({day})"),
        _ => column(by),
    }
}

/// A key as text.
fn outer(by: Dimension, n: usize) -> String {
    match by {
        Dimension::Minute | Dimension::Hour => format!("toString(toUnixTimestamp(k{n}))"),
        _ => format!("toString(k{n})"),
    }
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
