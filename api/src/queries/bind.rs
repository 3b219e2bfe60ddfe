//! Values of a ClickHouse statement put together at run time: everything a person typed is bound,
//! never written into the text.

use clickhouse::query::Query;
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

/// All of them, each by the column of the table `t` that is named as its dimension.
pub(super) fn conditions(filters: &[Filter], binds: &mut Vec<Bind>) -> String {
    filters.iter().map(|filter| condition(&column(filter.dimension), filter, binds)).collect()
}

/// A dimension's column, of the table `t`.
pub(super) fn column(by: Dimension) -> String {
    match by {
        // Conversions call their reason `reason` too.
        Dimension::Refusal => "t.reason".to_owned(),
        _ => format!("t.{}", by.name()),
    }
}
