//! The statement of a report. Names of columns come from the list of dimensions, everything a person
//! typed is bound.

mod sources;

use schemas::ids::SiteId;
use std::fmt::Write;

use super::{Dimension, Metric, Order, Query, Side, parts};
use crate::{
    params::range::Range,
    queries::{
        bind::{self, Bind},
        kept::{self, Kept},
    },
};
use sources::{CLICKS, CONVERSIONS, Grain, Piece, Source};

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
    /// Until when a part of the span has expired for one of the halves, in milliseconds since 1970, and the sums that say
    /// whether there was something.
    pub(super) expired: Vec<(&'static str, i64)>,
}

const CLICK_SUMS: &str = "sumIf(t.gross, t.kind = 'click') AS gross, sumIf(t.uniques, t.kind = 'click') AS uniques, \
    sumIf(t.duplicates, t.kind = 'click') AS duplicates, sumIf(t.invalid, t.kind = 'click') AS invalid, \
    sumIf(t.gross, t.kind = 'impression') AS impressions";
/// The same where each row of sums stands for three, one an outcome.
const OUTCOME_SUMS: &str = "sumIf(o.2, t.kind = 'click') AS gross, sumIf(o.2, t.kind = 'click' AND o.1 = 'unique') AS uniques, \
    sumIf(o.2, t.kind = 'click' AND o.1 = 'duplicate') AS duplicates, \
    sumIf(o.2, t.kind = 'click' AND o.1 = 'invalid') AS invalid, sumIf(o.2, t.kind = 'impression') AS impressions";
const OUTCOMES: &str =
    " ARRAY JOIN [('unique', t.uniques), ('duplicate', t.duplicates), ('invalid', t.invalid)] AS o";
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
const NO_CONVERSIONS: &str = "toInt64(0) AS accepted, toInt64(0) AS refused, \
    CAST(map(), 'Map(String, Int64)') AS sales, CAST(map(), 'Map(String, Int64)') AS payout";

/// The question of `query` about `site`, in one statement: groups and their sum. There must be a
/// half to ask.
pub(super) fn statement(site: SiteId, query: &Query, known: &Kept) -> Statement {
    let shape = shape(query);
    let mut binds = Vec::new();
    let mut halves = Vec::new();
    let mut sources = Vec::new();
    let mut expired = Vec::new();
    let sides = [
        (shape.clicks, &CLICKS[..], kept::CLICKS),
        (shape.conversions, &CONVERSIONS[..], kept::CONVERSIONS),
    ];
    for (_, side, sums) in sides.into_iter().filter(|(is_asked, ..)| *is_asked) {
        let (pieces, until_ms) = sources::pieces(side, query, known);
        expired.extend(until_ms.map(|until_ms| (sums, until_ms)));
        for piece in pieces {
            halves.push(half(site, query, &piece, &mut binds));
            if !sources.contains(&piece.source.table) {
                sources.push(piece.source.table);
            }
        }
    }
    let halves = halves.join(" UNION ALL ");
    let text = if parts::are_few(query) { halves } else { whole(query, &halves) };
    Statement { text, binds, sources, expired }
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

/// What a piece's table sums.
fn sums(source: &Source, by_outcome: bool) -> String {
    let rows = source.grain == Grain::Moment;
    match (source.of_clicks, rows) {
        (true, true) => format!("{RAW_CLICK_SUMS}, {NO_CONVERSIONS}"),
        (true, false) if by_outcome => format!("{OUTCOME_SUMS}, {NO_CONVERSIONS}"),
        (true, false) => format!("{CLICK_SUMS}, {NO_CONVERSIONS}"),
        (false, _) => format!("{NO_CLICKS}, {CONVERSION_SUMS}"),
    }
}

/// One table's part: its sums by the keys.
fn half(site: SiteId, query: &Query, piece: &Piece<'_>, binds: &mut Vec<Bind>) -> String {
    let (source, asked) = (piece.source, asked(query));
    // Sums keep outcomes beside one another.
    let by_outcome = source.grain != Grain::Moment && asked.contains(&Dimension::Outcome);
    let column = |by| match by {
        Dimension::Outcome if by_outcome => "o.1".to_owned(),
        _ => bind::column(by),
    };
    let keys = list(query, |n| {
        let by = query.group_by[n];
        let key = format!("{} AS k{n}", inner(by, source.grain, query.range, column));
        if parts::are_few(query) { outer(by, &format!("({key})")) } else { key }
    });
    let mut text = match (parts::are_few(query), keys.as_str()) {
        (true, keys) => {
            format!("SELECT toUInt8(0) AS total, CAST([{keys}], 'Array(String)') AS keys, ")
        }
        (false, keys) => format!("SELECT {keys}, "),
    };
    let _ = write!(text, "{} FROM ", sums(source, by_outcome));
    let outcomes = if by_outcome { OUTCOMES } else { "" };
    let (rows, may_be_empty) = source.rows(query);
    let _ = write!(text, "{rows} AS t{outcomes} WHERE t.site = ?");
    binds.push(Bind::Number(site.to_sql()));
    text.push_str(&span(piece, binds));
    if by_outcome {
        text.push_str(" AND o.2 != 0");
    }
    for filter in &query.filters {
        text.push_str(&bind::condition(&column(filter.dimension), filter, binds));
    }
    if source.of_clicks && source.grain == Grain::Moment {
        text.push_str(&bind::owners_of_links(site, &query.filters, binds));
    }
    if !query.group_by.is_empty() {
        let _ = write!(text, " GROUP BY {}", list(query, |n| format!("k{n}")));
    }
    if may_be_empty && !query.group_by.is_empty() {
        text.push_str(match source.of_clicks {
            true => " HAVING gross != 0 OR impressions != 0",
            false => " HAVING accepted != 0 OR refused != 0",
        });
    }
    text
}

fn span(piece: &Piece<'_>, binds: &mut Vec<Bind>) -> String {
    let Range { from_ms, to_ms, .. } = piece.range;
    match piece.source.grain {
        Grain::Day => {
            // Dates of chrono, never text of a person.
            let (from, to) = (piece.range.day(from_ms), piece.range.day(to_ms));
            format!(" AND t.day >= '{from}' AND t.day < '{to}'")
        }
        Grain::Hour => {
            binds.extend([Bind::Number(from_ms / 1000), Bind::Number(to_ms / 1000)]);
            " AND t.hour >= toDateTime(?) AND t.hour < toDateTime(?)".to_owned()
        }
        Grain::Moment => {
            binds.extend([Bind::Number(from_ms), Bind::Number(to_ms)]);
            " AND t.time >= fromUnixTimestamp64Milli(?) AND t.time < fromUnixTimestamp64Milli(?)"
                .to_owned()
        }
    }
}

/// A key as its table gives it.
fn inner(
    by: Dimension,
    grain: Grain,
    range: Range,
    column: impl Fn(Dimension) -> String,
) -> String {
    // A name of the IANA list, as chrono-tz writes it.
    let zone = range.zone.name();
    let moment = if grain == Grain::Hour { "t.hour" } else { "t.time" };
    let day = match grain {
        Grain::Day => "t.day".to_owned(),
        _ => format!("toDate({moment}, '{zone}')"),
    };
    match by {
        Dimension::Minute => format!("toStartOfMinute({moment}, '{zone}')"),
        Dimension::Hour => format!("toStartOfHour({moment}, '{zone}')"),
        Dimension::Day => day,
        Dimension::Week => format!("toMonday({day})"),
        Dimension::Month => format!("toStartOfMonth({day})"),
        _ => column(by),
    }
}

/// A key as text.
fn outer(by: Dimension, key: &str) -> String {
    match by {
        Dimension::Minute | Dimension::Hour => format!("toString(toUnixTimestamp({key}))"),
        _ => format!("toString({key})"),
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
