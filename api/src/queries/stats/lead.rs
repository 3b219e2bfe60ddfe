//! A report whose clicks lead: asked for in two steps, and put together here.

use super::{
    Found, Query,
    found::rows,
    parts,
    sql::{Part, Plan, lead, lead::set},
};
use crate::{error::Error, tenant::TenantCtx};

/// The rows of a plan's report behind the sum of all, which is nothing where somebody else asks for it; `None` where it has
/// to be asked for as a whole.
///
/// # Errors
/// `Clickhouse` when it does not answer.
pub(super) async fn ask(
    ctx: &TenantCtx,
    plan: &Plan,
    is_summed: bool,
) -> Result<Option<Vec<Found>>, Error> {
    let Some(lead) = plan.lead(is_summed) else { return Ok(None) };
    let clicks = Clicks::of(&rows::<Part>(ctx, &lead.first(ctx.site)).await?, &plan.query);
    let names = clicks.names();
    let wanted = match clicks.known {
        Known::First => Some(names.as_slice()),
        Known::All => None,
        // With nothing else beside them they are what they are.
        Known::Some if plan.shape.conversions => return Ok(None),
        Known::Some => None,
    };
    let conversions = match lead.conversions(ctx.site, wanted) {
        Some(statement) => rows::<Part>(ctx, &statement).await?,
        None => Vec::new(),
    };
    if wanted.is_none() && conversions.len() > lead::MOST {
        return Ok(None);
    }
    Ok(Some(clicks.with(&conversions, &plan.query)))
}

/// What is known of the groups by their clicks.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    /// The first ones, all with something to be first by: none without clicks comes between them.
    First,
    /// All that have clicks.
    All,
    /// Some that have nothing to be first by.
    Some,
}

/// Groups by their clicks, in order, and the sum of all.
struct Clicks {
    total: Found,
    groups: Vec<Found>,
    known: Known,
}

impl Clicks {
    fn of(parts: &[Part], query: &Query) -> Self {
        let of_set = |set: u16| parts.iter().filter(move |part| part.set == set);
        let sum = |set| {
            let mut parts = of_set(set).map(|part| Found { keys: Vec::new(), ..part.found(true) });
            let first = parts.next()?;
            Some(parts.fold(first, |mut sum, part| {
                sum.add(&part);
                sum
            }))
        };
        let named = sum(set::TOTAL).unwrap_or_default();
        let mut groups: Vec<Found> = of_set(set::GROUP).map(|part| part.found(true)).collect();
        let all_known = groups.len() < query.limit as usize + 2;
        let total = match sum(set::WHOLE) {
            Some(whole) => {
                groups.push(Found { keys: vec![String::new()], ..whole.clone().less(&named) });
                whole
            }
            None => named,
        };
        let groups = parts::arranged(groups, query);
        let counts =
            |last: &Found| parts::by_metric(query.order.0, last, &Found::default()).is_gt();
        let is_full = groups.len() > query.limit as usize && groups.last().is_some_and(counts);
        let known = match (is_full, all_known) {
            (true, _) => Known::First,
            (false, true) => Known::All,
            (false, false) => Known::Some,
        };
        Self { total, groups, known }
    }

    fn names(&self) -> Vec<String> {
        self.groups.iter().flat_map(|group| group.keys.clone()).collect()
    }

    /// The same with their conversions.
    fn with(self, conversions: &[Part], query: &Query) -> Vec<Found> {
        let Self { mut total, mut groups, .. } = self;
        for part in conversions {
            let found = part.found(false);
            if part.set == set::TOTAL { total.add(&found) } else { groups.push(found) }
        }
        let mut rows = parts::arranged(groups, query);
        rows.insert(0, Found { total: 1, keys: Vec::new(), ..total });
        rows
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::{
        params::range::Range,
        queries::stats::{Dimension, Metric, Order},
    };

    fn query(limit: u32) -> Query {
        Query {
            range: Range { from_ms: 0, to_ms: 1, zone: Tz::UTC },
            site_zone: Tz::UTC,
            group_by: vec![Dimension::Sub(1)],
            filters: Vec::new(),
            order: (Order::Metric(Metric::Gross), true),
            limit,
        }
    }

    fn part(set: u16, key: &str, a: i64) -> Part {
        Part { set, key: key.to_owned(), a, ..Part::default() }
    }

    fn money(set: u16, key: &str, a: i64, c: i64) -> Part {
        Part { currency: "EUR".to_owned(), c, ..part(set, key, a) }
    }

    fn keys(rows: &[Found]) -> Vec<(&str, i64, i64)> {
        rows.iter()
            .map(|row| (row.keys.first().map_or("sum", |key| key), row.gross, row.accepted))
            .collect()
    }

    #[test]
    fn what_has_no_key_is_the_rest_of_the_whole() {
        let parts = [
            part(set::TOTAL, "", 9),
            part(set::GROUP, "", 1),
            part(set::GROUP, "x", 5),
            part(set::GROUP, "y", 3),
            part(set::WHOLE, "", 13),
        ];
        let clicks = Clicks::of(&parts, &query(5));
        assert_eq!(clicks.known, Known::All);
        // 13 in all, 9 of them named, one of which has nothing there.
        assert_eq!(
            keys(&clicks.with(&[], &query(5))),
            [("sum", 13, 0), ("", 5, 0), ("x", 5, 0), ("y", 3, 0)]
        );
    }

    #[test]
    fn conversions_join_the_groups_and_the_sum() {
        let parts = [part(set::TOTAL, "", 8), part(set::GROUP, "x", 5), part(set::GROUP, "y", 3)];
        let conversions = [
            money(set::TOTAL, "", 7, 70),
            money(set::GROUP, "y", 2, 20),
            money(set::GROUP, "z", 5, 50),
        ];
        let rows = Clicks::of(&parts, &query(5)).with(&conversions, &query(5));
        assert_eq!(keys(&rows), [("sum", 8, 7), ("x", 5, 0), ("y", 3, 2), ("z", 0, 5)]);
        assert_eq!(rows[0].sales, [("EUR".to_owned(), 70)]);
    }

    #[test]
    fn the_first_groups_are_known_only_if_each_has_something_to_be_first_by() {
        let cases = [
            (vec![5, 3, 2, 1], Known::First),
            // The third of three could be one without clicks.
            (vec![5, 3, 0, 0], Known::Some),
            (vec![5, 3], Known::All),
            (vec![], Known::All),
        ];
        for (counts, expected) in cases {
            let group = |(n, &count): (usize, &i64)| Part {
                b: 1,
                e: 1,
                ..part(set::GROUP, &format!("k{n}"), count)
            };
            let parts: Vec<Part> = counts.iter().enumerate().map(group).collect();
            assert_eq!(Clicks::of(&parts, &query(2)).known, expected, "{counts:?}");
        }
    }
}
