//! The conversions a report counts: what a number opens into, by any filter of the report.

use chrono::{DateTime, Utc};
use clickhouse::Row;
use schemas::ids::ConversionId;
use serde::Deserialize;

use super::{Conversion, Find, get, list};
use crate::{
    error::Error,
    params::range::Range,
    queries::{
        Cursor, Page,
        bind::{self, Bind},
        stats::{Filter, Side},
    },
    tenant::TenantCtx,
};

#[derive(Row, Deserialize)]
struct Found {
    conversion: u64,
}

/// Newest first, within a span and under filters: those a report counts. `after` is the last one of the
/// page before.
///
/// # Errors
/// `NotFound` for an `after` that is none; `Clickhouse` or `Sql` when a store does not answer.
pub async fn counted(
    ctx: &TenantCtx,
    (range, filters): (Range, &[Filter]),
    after: Option<ConversionId>,
    limit: u16,
) -> Result<Page<Conversion>, Error> {
    // What says nothing about conversions: a report counts none either.
    if filters.iter().any(|filter| filter.dimension.side() == Side::OfClicks) {
        return Ok(Page { rows: Vec::new(), has_more: false });
    }
    let after = match after {
        Some(id) => Some((get(ctx, id).await?.occurred_at, id)),
        None => None,
    };
    let found = ids(ctx, (range, filters), after, limit).await?;
    let has_more = found.len() > usize::from(limit);
    let wanted: Vec<i64> = found
        .iter()
        .take(limit.into())
        .map(|found| ConversionId(found.conversion).to_sql())
        .collect();
    let find = Find { ids: Some(wanted.clone()), ..Find::default() };
    let mut rows = list(ctx, &find, Cursor { limit, ..Cursor::default() }).await?.rows;
    rows.sort_by_key(|row| wanted.iter().position(|id| *id == row.id.to_sql()));
    Ok(Page { rows, has_more })
}

async fn ids(
    ctx: &TenantCtx,
    (range, filters): (Range, &[Filter]),
    after: Option<(DateTime<Utc>, ConversionId)>,
    limit: u16,
) -> Result<Vec<Found>, clickhouse::error::Error> {
    let mut binds = vec![
        Bind::Number(ctx.site.to_sql()),
        Bind::Number(range.from_ms),
        Bind::Number(range.to_ms),
    ];
    let mut text = "SELECT t.conversion FROM conversions_by_click AS t WHERE t.site = ? \
         AND t.time >= fromUnixTimestamp64Milli(?) AND t.time < fromUnixTimestamp64Milli(?)"
        .to_owned();
    text.push_str(&bind::conditions(&ctx.within(filters), &mut binds));
    if let Some((at, id)) = after {
        text.push_str(" AND (toUnixTimestamp64Milli(t.time), t.conversion) < (?, ?)");
        binds.extend([Bind::Number(at.timestamp_millis()), Bind::Number(id.to_sql())]);
    }
    text.push_str(&format!(
        " GROUP BY t.time, t.conversion HAVING sum(t.conversions) + sum(t.refused) > 0 \
         ORDER BY t.time DESC, t.conversion DESC LIMIT {}",
        u32::from(limit) + 1
    ));
    let asked = bind::all(ctx.ch.query(&text), &binds);
    bind::in_time(asked.fetch_all::<Found>()).await
}
