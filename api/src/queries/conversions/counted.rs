//! The conversions a report counts: what a number opens into, by any filter of the report.

use chrono::{DateTime, Utc};
use clickhouse::Row;
use schemas::ids::ConversionId;
use serde::Deserialize;

use super::{Conversion, Find, list};
use crate::{
    app::App,
    error::Error,
    queries::{
        Cursor, Page,
        bind::{self, Bind},
        stats::{Query, Side},
    },
};

#[derive(Row, Deserialize)]
struct Found {
    conversion: u64,
}

/// Newest first, within the span and filters of `query` (the rest of it is not looked at); `after`
/// is the last one of the page before.
///
/// # Errors
/// `Clickhouse` or `Sql` when a store does not answer.
pub async fn counted(
    app: &App,
    query: &Query,
    after: Option<(DateTime<Utc>, ConversionId)>,
    limit: u16,
) -> Result<Page<Conversion>, Error> {
    // No conversion keeps these: a report counts none either.
    if query.filters.iter().any(|filter| filter.dimension.side() == Side::ClicksOnly) {
        return Ok(Page { rows: Vec::new(), has_more: false });
    }
    let found = ids(app, query, after, limit).await?;
    let has_more = found.len() > usize::from(limit);
    let wanted: Vec<i64> = found
        .iter()
        .take(limit.into())
        .map(|found| ConversionId(found.conversion).to_sql())
        .collect();
    let find = Find { ids: Some(wanted.clone()), ..Find::default() };
    let mut rows = list(app, app.site, &find, Cursor { limit, ..Cursor::default() }).await?.rows;
    rows.sort_by_key(|row| wanted.iter().position(|id| *id == row.id.to_sql()));
    Ok(Page { rows, has_more })
}

async fn ids(
    app: &App,
    query: &Query,
    after: Option<(DateTime<Utc>, ConversionId)>,
    limit: u16,
) -> Result<Vec<Found>, clickhouse::error::Error> {
    let mut binds = vec![
        Bind::Number(app.site.to_sql()),
        Bind::Number(query.range.from_ms),
        Bind::Number(query.range.to_ms),
    ];
    let mut text = String::from(
        "SELECT t.conversion FROM conversions AS t
         WHERE t.site = ? AND t.count = 1
         AND t.time >= fromUnixTimestamp64Milli(?) AND t.time < fromUnixTimestamp64Milli(?)",
    );
    for filter in &query.filters {
        if filter.dimension.side() != Side::OfClicks {
            text.push_str(&bind::condition(filter, &mut binds));
        }
    }
    if let Some((at, id)) = after {
        text.push_str(" AND (toUnixTimestamp64Milli(t.time), t.conversion) < (?, ?)");
        binds.extend([Bind::Number(at.timestamp_millis()), Bind::Number(id.to_sql())]);
    }
    text.push_str(&format!(
        " ORDER BY t.time DESC, t.conversion DESC LIMIT {}",
        u32::from(limit) + 1
    ));
    bind::all(app.ch.query(&text), &binds).fetch_all::<Found>().await
}
