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

/// ` AND affiliate IN (…)` of clicks one by one, where links alone are asked for: rows lie by affiliate, then link, and
/// the sums know whose links they were.
pub(super) fn owners_of_links(site: SiteId, filters: &[Filter], binds: &mut Vec<Bind>) -> String {
    let only = |by: Dimension| filters.iter().find(|one| one.dimension == by && !one.exclude);
    let (Some(links), None) = (only(Dimension::Link), only(Dimension::Affiliate)) else {
        return String::new();
    };
    binds.push(Bind::Number(site.to_sql()));
    let links = condition("link", links, binds);
    format!(" AND t.affiliate IN (SELECT affiliate FROM clicks_by_day_link WHERE site = ?{links})")
}

/// A dimension's column, of the table `t`.
pub(super) fn column(by: Dimension) -> String {
    match by {
        // Conversions call their reason `reason` too.
        Dimension::Refusal => "t.reason".to_owned(),
        _ => format!("t.{}", by.name()),
    }
}
