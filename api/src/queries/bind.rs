//! Values of a ClickHouse statement put together at run time: everything a person typed is bound,
//! never written into the text.

use clickhouse::query::Query;
use schemas::ids::SiteId;
use std::{future::Future, time::Duration};

use super::stats::{Dimension, Filter};

/// A value behind a `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bind {
    Number(i64),
    Numbers(Vec<u32>),
    Texts(Vec<String>),
}

/// An answer in time. The engine ends a question after 20 s by itself; one that is stopped or cut off
/// does not even do that.
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, clickhouse::error::Error>>,
) -> Result<T, clickhouse::error::Error> {
    const PATIENCE: Duration = Duration::from_secs(25);
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(clickhouse::error::Error::TimedOut))
}

/// Binds them in the order of their `?`.
pub(super) fn all(query: Query, binds: &[Bind]) -> Query {
    binds.iter().fold(query, |query, bind| match bind {
        Bind::Number(number) => query.bind(number),
        Bind::Numbers(numbers) => query.bind(numbers),
        Bind::Texts(texts) => query.bind(texts),
    })
}

/// ` AND column IN ?`.
pub(super) fn condition(column: &str, filter: &Filter, binds: &mut Vec<Bind>) -> String {
    let not = if filter.exclude { " NOT" } else { "" };
    binds.push(match filter.dimension.is_id() {
        true => Bind::Numbers(filter.values.iter().filter_map(|id| id.parse().ok()).collect()),
        false => Bind::Texts(filter.values.clone()),
    });
    format!(" AND {column}{not} IN ?")
}

/// ` AND affiliate IN (…)` of clicks one by one in a span (milliseconds since 1970), where links or sub-ids are asked for
/// and no affiliates: rows lie by affiliate, and the sums know whose they were.
pub(super) fn owners(
    site: SiteId,
    filters: &[Filter],
    (from_ms, to_ms): (i64, i64),
    binds: &mut Vec<Bind>,
) -> String {
    let only = |filter: &&Filter| !filter.exclude;
    if filters.iter().filter(only).any(|filter| filter.dimension == Dimension::Affiliate) {
        return String::new();
    }
    let mut text = String::new();
    for filter in filters.iter().filter(only) {
        let Some(sums) = sums_of_owners(filter) else { continue };
        // A site's day is another than UTC's by one at most.
        binds.extend([site.to_sql(), from_ms, to_ms].map(Bind::Number));
        let values = condition(filter.dimension.name(), filter, binds);
        text.push_str(&format!(
            " AND t.affiliate IN (SELECT affiliate FROM {sums} WHERE site = ? \
             AND day >= toDate(fromUnixTimestamp64Milli(?), 'UTC') - 1 \
             AND day <= toDate(fromUnixTimestamp64Milli(?), 'UTC') + 1{values})"
        ));
    }
    text
}

/// Whether links are asked for: their rows lie together, the newest at the end.
pub(super) fn are_of_links(filters: &[Filter]) -> bool {
    filters.iter().any(|filter| filter.dimension == Dimension::Link && !filter.exclude)
}

/// Sums that know the affiliates of every row that a filter leaves.
fn sums_of_owners(filter: &Filter) -> Option<&'static str> {
    // Rows without a sub-id are in no sums of sub-ids.
    let named = !filter.values.iter().any(String::is_empty);
    match filter.dimension {
        Dimension::Link => Some("clicks_by_day_link"),
        Dimension::Sub(1) if named => Some("clicks_by_day_sub1"),
        Dimension::Sub(2) if named => Some("clicks_by_day_sub2"),
        Dimension::Sub(3) if named => Some("clicks_by_day_sub3"),
        Dimension::Sub(4) if named => Some("clicks_by_day_sub4"),
        Dimension::Sub(5) if named => Some("clicks_by_day_sub5"),
        _ => None,
    }
}

/// A dimension's column, of the table `t`.
pub(super) fn column(by: Dimension) -> String {
    match by {
        // Conversions call their reason `reason` too.
        Dimension::Refusal => "t.reason".to_owned(),
        _ => format!("t.{}", by.name()),
    }
}
