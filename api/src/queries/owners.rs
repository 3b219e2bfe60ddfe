//! Whose clicks a filter by links or sub-ids leaves: rows lie by affiliate, and the sums know whose they were.

use schemas::ids::SiteId;
use std::sync::Arc;

use super::{
    bind::{self, Bind},
    stats::{Dimension, Filter},
};
use crate::tenant::TenantCtx;

/// Rows of so many are read at once.
const FEW: usize = 10;
/// So many affiliates are not found quicker than all of them.
const MANY: usize = 1000;

/// Ids of affiliates; `None` where nobody knows, or nothing is gained by knowing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Owners(Option<Arc<[u32]>>);

impl Owners {
    /// Of what `filters` leave in a span (milliseconds since 1970): asked once for all that reads those rows.
    pub(super) async fn ask(
        ctx: &TenantCtx,
        filters: &[Filter],
        span: (i64, i64),
    ) -> Result<Self, clickhouse::error::Error> {
        let Some((text, binds)) = question(ctx.site, filters, span) else {
            return Ok(Self::default());
        };
        let asked = bind::all(ctx.ch.query(&text), &binds);
        let found = bind::in_time(asked.fetch_all::<u32>()).await?;
        Ok(Self((found.len() <= MANY).then(|| found.into())))
    }

    /// Whether they are known, and so few that all their rows of a span are not many.
    pub(super) fn are_few(&self) -> bool {
        self.0.as_ref().is_some_and(|owners| owners.len() <= FEW)
    }

    /// ` AND affiliate IN ?` of the table `t`.
    pub(super) fn condition(&self, binds: &mut Vec<Bind>) -> String {
        match &self.0 {
            None => String::new(),
            Some(nobody) if nobody.is_empty() => " AND 1 = 0".to_owned(),
            Some(owners) => {
                binds.push(Bind::Numbers(owners.to_vec()));
                " AND t.affiliate IN ?".to_owned()
            }
        }
    }
}

/// Of the first filter by links or sub-ids, where none is by affiliates.
fn question(
    site: SiteId,
    filters: &[Filter],
    (from_ms, to_ms): (i64, i64),
) -> Option<(String, Vec<Bind>)> {
    let only = || filters.iter().filter(|filter| !filter.exclude);
    if only().any(|filter| filter.dimension == Dimension::Affiliate) {
        return None;
    }
    let (filter, sums) = only().find_map(|filter| Some((filter, sums_of(filter)?)))?;
    // A site's day is another than UTC's by one at most.
    let mut binds: Vec<Bind> = [site.to_sql(), from_ms, to_ms].map(Bind::Number).to_vec();
    let values = bind::condition(filter.dimension.name(), filter, &mut binds);
    let text = format!(
        "SELECT DISTINCT affiliate FROM {sums} WHERE site = ? \
         AND day >= toDate(fromUnixTimestamp64Milli(?), 'UTC') - 1 \
         AND day <= toDate(fromUnixTimestamp64Milli(?), 'UTC') + 1{values} LIMIT {}",
        MANY + 1
    );
    Some((text, binds))
}

/// Sums that know the affiliates of every row that a filter leaves.
fn sums_of(filter: &Filter) -> Option<&'static str> {
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
