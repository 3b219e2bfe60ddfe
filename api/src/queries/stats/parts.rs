//! Parts of an answer put together: what each table gives of a report with few groups. Pure.
//!
//! ClickHouse can do it, by a level more in the statement; planning that takes it longer than everything here.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{Dimension, Found, Metric, Order, Query};

/// Pieces of a span that are few: two days by minute, a quarter by hour.
const FEW_PIECES: i64 = 2_880;

/// Whether a report has few groups, however many clicks there are: no key, or one of few values.
pub(super) fn are_few(query: &Query) -> bool {
    use Dimension::{Affiliate, City, Code, Hour, Link, Minute, Referrer, Region, Source, Sub};
    let length_ms = query.range.to_ms - query.range.from_ms;
    match query.group_by.as_slice() {
        [] => true,
        [Minute] => length_ms / 60_000 <= FEW_PIECES,
        [Hour] => length_ms / 3_600_000 <= FEW_PIECES,
        [Affiliate | Link | City | Region | Referrer | Source | Code | Sub(_)] => false,
        [_] => true,
        _ => false,
    }
}

/// The sum of all and the groups in their order, at most one more than asked for: as ClickHouse itself gives those of
/// many.
pub(super) fn together(parts: Vec<Found>, query: &Query) -> Vec<Found> {
    let mut total = Found { total: 1, ..Found::default() };
    parts.iter().for_each(|part| total.add(part));
    if query.group_by.is_empty() {
        return vec![total];
    }
    let mut rows = arranged(parts, query);
    rows.insert(0, total);
    rows
}

/// The groups in their order, at most one more than asked for.
pub(super) fn arranged(parts: Vec<Found>, query: &Query) -> Vec<Found> {
    let mut groups: BTreeMap<Vec<String>, Found> = BTreeMap::new();
    for part in parts {
        groups.entry(part.keys.clone()).or_default().add(&part);
    }
    // What a repair took back counts nothing beside what it takes back.
    let counts = |one: &Found| {
        one.gross != 0 || one.impressions != 0 || one.accepted != 0 || one.refused != 0
    };
    let mut rows: Vec<Found> =
        groups.into_iter().map(|(keys, sums)| Found { keys, ..sums }).filter(counts).collect();
    let (by, falling) = query.order;
    let is_number = query.group_by.first().is_some_and(|by| by.is_number());
    rows.sort_by(|a, b| {
        let order = match by {
            Order::Key(0) => by_key(is_number, a, b),
            by => by_metric(by, a, b),
        };
        if falling { order.reverse() } else { order }.then_with(|| by_key(is_number, a, b))
    });
    rows.truncate((query.limit as usize).saturating_add(1));
    rows
}

impl Found {
    /// What is left of its clicks without another's.
    pub(super) fn less(self, part: &Self) -> Self {
        let mut rest = self;
        rest.add(&Self {
            gross: -part.gross,
            uniques: -part.uniques,
            duplicates: -part.duplicates,
            invalid: -part.invalid,
            impressions: -part.impressions,
            ..Self::default()
        });
        rest
    }

    pub(super) fn add(&mut self, part: &Self) {
        let sums = [
            (&mut self.gross, part.gross),
            (&mut self.uniques, part.uniques),
            (&mut self.duplicates, part.duplicates),
            (&mut self.invalid, part.invalid),
            (&mut self.impressions, part.impressions),
            (&mut self.accepted, part.accepted),
            (&mut self.refused, part.refused),
        ];
        for (sum, more) in sums {
            // As ClickHouse adds.
            *sum = sum.wrapping_add(more);
        }
        for (sums, more) in [(&mut self.sales, &part.sales), (&mut self.payout, &part.payout)] {
            for (currency, units) in more {
                match sums.iter_mut().find(|(known, _)| known == currency) {
                    Some((_, sum)) => *sum = sum.wrapping_add(*units),
                    None => sums.push((currency.clone(), *units)),
                }
            }
        }
    }
}

/// The order of two by a number.
pub(super) fn by_metric(by: Order, a: &Found, b: &Found) -> Ordering {
    let of = |sums: &[(String, i64)], code: &str| {
        sums.iter().find(|(known, _)| known == code).map_or(0, |(_, units)| *units)
    };
    match by {
        Order::Key(_) | Order::Metric(Metric::Gross) => a.gross.cmp(&b.gross),
        Order::Metric(Metric::Unique) => a.uniques.cmp(&b.uniques),
        Order::Metric(Metric::Duplicate) => a.duplicates.cmp(&b.duplicates),
        Order::Metric(Metric::Invalid) => a.invalid.cmp(&b.invalid),
        Order::Metric(Metric::Impressions) => a.impressions.cmp(&b.impressions),
        Order::Metric(Metric::Conversions) => a.accepted.cmp(&b.accepted),
        Order::Metric(Metric::Refused) => a.refused.cmp(&b.refused),
        Order::Metric(Metric::Cvr) => {
            // accepted / clicks, multiplied out.
            let clicks =
                |one: &Found| i128::from(one.uniques.saturating_add(one.duplicates).max(1));
            let across = |one: &Found, other: &Found| i128::from(one.accepted) * clicks(other);
            across(a, b).cmp(&across(b, a))
        }
        Order::Metric(Metric::Sales(currency)) => {
            of(&a.sales, currency.code()).cmp(&of(&b.sales, currency.code()))
        }
        Order::Metric(Metric::Payout(currency)) => {
            of(&a.payout, currency.code()).cmp(&of(&b.payout, currency.code()))
        }
    }
}

/// Numbers by value, everything else as text: days are written so that this is their order.
fn by_key(is_number: bool, a: &Found, b: &Found) -> Ordering {
    let number = |one: &Found| one.keys.first().and_then(|key| key.parse::<i64>().ok());
    match is_number {
        true => number(a).cmp(&number(b)),
        false => a.keys.cmp(&b.keys),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::params::range::Range;

    fn query(group_by: Vec<Dimension>, order: (Order, bool), limit: u32) -> Query {
        let range = Range { from_ms: 0, to_ms: 1, zone: Tz::UTC };
        Query { range, site_zone: Tz::UTC, group_by, filters: Vec::new(), order, limit }
    }

    fn part(key: &str, gross: i64, accepted: i64, sales: i64) -> Found {
        let sales = if sales == 0 { Vec::new() } else { vec![("EUR".to_owned(), sales)] };
        Found {
            keys: vec![key.to_owned()],
            gross,
            uniques: gross,
            accepted,
            sales,
            ..Found::default()
        }
    }

    fn keys(rows: &[Found]) -> Vec<&str> {
        rows.iter().filter_map(|row| row.keys.first().map(String::as_str)).collect()
    }

    #[test]
    fn parts_of_a_group_are_added_and_the_sum_is_over_all() {
        let parts =
            vec![part("9", 5, 0, 0), part("10", 7, 0, 0), part("9", 0, 2, 30), part("11", 1, 0, 0)];
        let by_gross = (Order::Metric(Metric::Gross), true);
        let rows = together(parts.clone(), &query(vec![Dimension::Program], by_gross, 1));
        assert_eq!((rows[0].total, rows[0].gross, rows[0].accepted), (1, 13, 2));
        // One more than the limit says that there are more.
        assert_eq!(keys(&rows), ["10", "9"]);
        assert_eq!(
            (rows[2].gross, rows[2].accepted, &rows[2].sales),
            (5, 2, &vec![("EUR".to_owned(), 30)])
        );
        let all = together(parts, &query(Vec::new(), by_gross, 1));
        assert_eq!((all.len(), all[0].total, all[0].gross), (1, 1, 13));
        assert_eq!(together(Vec::new(), &query(Vec::new(), by_gross, 1)).len(), 1);
    }

    #[test]
    fn rows_are_in_the_order_asked_for_and_equals_in_that_of_their_keys() {
        let parts = || vec![part("10", 4, 1, 9), part("9", 4, 4, 0), part("8", 9, 2, 20)];
        let eur = "EUR".parse().unwrap();
        for (order, expected) in [
            ((Order::Metric(Metric::Gross), true), ["8", "9", "10"]),
            ((Order::Metric(Metric::Gross), false), ["9", "10", "8"]),
            ((Order::Metric(Metric::Conversions), true), ["9", "8", "10"]),
            ((Order::Metric(Metric::Cvr), true), ["9", "10", "8"]),
            ((Order::Metric(Metric::Sales(eur)), true), ["8", "10", "9"]),
            ((Order::Key(0), false), ["8", "9", "10"]),
            ((Order::Key(0), true), ["10", "9", "8"]),
        ] {
            let rows = together(parts(), &query(vec![Dimension::Program], order, 10));
            assert_eq!(keys(&rows), expected, "{order:?}");
        }
    }

    #[test]
    fn only_one_key_of_few_values_makes_few_groups() {
        let minutes = query(vec![Dimension::Minute], (Order::Key(0), false), 10);
        let days = |days: i64| Range { to_ms: days * 86_400_000, ..minutes.range };
        assert!(are_few(&Query { range: days(2), ..minutes.clone() }));
        assert!(!are_few(&Query { range: days(3), ..minutes.clone() }));

        let by_gross = (Order::Metric(Metric::Gross), true);
        for (group_by, expected) in [
            (vec![], true),
            (vec![Dimension::Day], true),
            (vec![Dimension::Country], true),
            (vec![Dimension::Link], false),
            (vec![Dimension::Sub(3)], false),
            (vec![Dimension::Day, Dimension::Country], false),
        ] {
            assert_eq!(are_few(&query(group_by.clone(), by_gross, 10)), expected, "{group_by:?}");
        }
    }
}
