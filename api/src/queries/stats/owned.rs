//! Whose clicks reports read one by one, where their filters say it: asked once for all of one filter.

use super::{Filter, sql::Plan};
use crate::{queries::owners::Owners, tenant::TenantCtx};

/// Tells it to the plans.
///
/// # Errors
/// When ClickHouse does not answer.
pub(super) async fn find(
    ctx: &TenantCtx,
    plans: &mut [Plan],
) -> Result<(), clickhouse::error::Error> {
    let mut known: Vec<(Vec<Filter>, Owners)> = Vec::new();
    for n in 0..plans.len() {
        let filters = plans[n].query.filters.clone();
        let owners = match known.iter().find(|(of, _)| *of == filters) {
            Some((_, owners)) => owners.clone(),
            None => {
                let Some(span) = span(plans, &filters) else { continue };
                let owners = Owners::ask(ctx, &filters, span).await?;
                known.push((filters, owners.clone()));
                owners
            }
        };
        plans[n].of_rows().for_each(|piece| piece.owners = owners.clone());
    }
    Ok(())
}

/// From the first to the last millisecond that reports with a filter read rows of.
fn span(plans: &mut [Plan], filters: &[Filter]) -> Option<(i64, i64)> {
    let with = plans.iter_mut().filter(|plan| plan.query.filters == filters);
    with.flat_map(Plan::of_rows)
        .map(|piece| (piece.range.from_ms, piece.range.to_ms))
        .reduce(|(from, to), (other_from, other_to)| (from.min(other_from), to.max(other_to)))
}
