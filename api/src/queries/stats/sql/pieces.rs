//! Who answers: the smallest sums that keep what is asked, for as much of the span as they hold whole, and rows for the
//! rest. A span that ends now is then so many days, some hours, and the minutes since the hour began.

use chrono::{Offset, TimeZone};
use chrono_tz::Tz;

use super::{Dimension, Grain, Query, Source, asked};
use crate::{
    params::range::Range,
    queries::{kept::Kept, owners::Owners},
};

const HOUR_MS: i64 = 3_600_000;

/// A part of the span, and who answers for it.
#[derive(Debug)]
pub(in super::super) struct Piece<'a> {
    pub(super) source: &'a Source,
    pub(in super::super) range: Range,
    /// Whose rows they are, where that is known of clicks one by one.
    pub(in super::super) owners: Owners,
}

impl<'a> Piece<'a> {
    fn of(source: &'a Source, range: Range) -> Self {
        Self { source, range, owners: Owners::default() }
    }
}

/// The pieces of a question's span, each with the first of `sources` that can answer for it, and until when nobody can:
/// what has expired there. The last source answers for everything else.
pub(super) fn of<'a>(
    sources: &'a [Source],
    query: &Query,
    kept: &Kept,
) -> (Vec<Piece<'a>>, Option<i64>) {
    let asked = asked(query);
    // Where somebody's rows alone are asked for, those that lie together are fewer than all of another table.
    let owned = |by| matches!(by, Dimension::Affiliate | Dimension::Link);
    let of_one = query.filters.iter().any(|filter| !filter.exclude && owned(filter.dimension));
    let apart = |one: &Source| of_one && (one.is_alone || one.table == "clicks_by_day_affiliate");
    let mut able: Vec<&Source> =
        sources.iter().filter(|one| one.fits(&asked) && !apart(one)).collect();
    able.sort_by_key(|one| one.grain);
    let mut left = vec![query.range];
    let mut pieces = Vec::new();
    // Sums that came later than others may not reach back as far.
    for source in able {
        let grain = source.grain;
        let mut rest = Vec::new();
        for range in left {
            let whole = whole(range, grain, query, &asked);
            match whole.and_then(|whole| kept_of(whole, source, query, kept)) {
                Some(whole) => {
                    let before = Range { to_ms: whole.from_ms, ..range };
                    let behind = Range { from_ms: whole.to_ms, ..range };
                    rest.extend([before, behind].into_iter().filter(|one| one.from_ms < one.to_ms));
                    pieces.push(Piece::of(source, whole));
                }
                None => rest.push(range),
            }
        }
        left = rest;
    }
    let expired = left.iter().map(|range| range.to_ms).max();
    if let (Some(source), true) = (sources.last(), pieces.is_empty()) {
        // Everything has expired: the question is one all the same.
        pieces.push(Piece::of(source, query.range));
    }
    (pieces, expired)
}

/// Pieces of the same span that give the sum of all groups, where tables with fewer rows than those of the groups do;
/// empty where there are none, or where something has expired: then the sum is that of what is left.
pub(super) fn of_all_groups(
    sources: &'static [Source],
    query: &Query,
    kept: &Kept,
    groups: &[Piece<'_>],
) -> Vec<Piece<'static>> {
    let (pieces, expired) = of(sources, &query.whole(), kept);
    let covers = |pieces: &[Piece<'_>]| -> i64 {
        pieces.iter().map(|piece| piece.range.to_ms - piece.range.from_ms).sum()
    };
    let table = |pieces: &[Piece<'_>]| pieces.first().map(|piece| piece.source.table);
    match expired.is_none() && covers(&pieces) == covers(groups) && table(&pieces) != table(groups)
    {
        true => pieces,
        false => Vec::new(),
    }
}

/// What a table has of a span: rows go from the oldest on, those of sums by the day they are of.
fn kept_of(range: Range, source: &Source, query: &Query, kept: &Kept) -> Option<Range> {
    let first_day = || {
        let day = kept.since_day(source.table);
        Range::days(day, day, query.site_zone).from_ms
    };
    let since_ms = match (kept.since_ms(source.table), source.grain) {
        (0, _) => return Some(range),
        (since_ms, Grain::Moment) => since_ms,
        (_, Grain::Day) => first_day(),
        (_, Grain::Hour) => first_day() + (-first_day()).rem_euclid(HOUR_MS),
    };
    let range = Range { from_ms: range.from_ms.max(since_ms), ..range };
    (range.from_ms < range.to_ms).then_some(range)
}

/// As much of a span as rows of a grain hold and nothing else.
fn whole(range: Range, grain: Grain, query: &Query, asked: &[Dimension]) -> Option<Range> {
    let whole = match grain {
        Grain::Day if range.zone != query.site_zone => return None,
        Grain::Day => range.whole_days(),
        // Hours are told apart by a time of day: a zone with half hours has others.
        Grain::Hour if asked.iter().any(|by| by.is_time()) && !has_whole_hours(range) => {
            return None;
        }
        Grain::Hour => {
            let first = range.from_ms + (-range.from_ms).rem_euclid(HOUR_MS);
            Range { from_ms: first, to_ms: range.to_ms - range.to_ms.rem_euclid(HOUR_MS), ..range }
        }
        Grain::Moment => range,
    };
    (whole.from_ms < whole.to_ms).then_some(whole)
}

/// Whether a zone's clocks differ from UTC's by whole hours, on every day of a span.
fn has_whole_hours(range: Range) -> bool {
    let offset = |at_ms: i64| {
        let at = chrono::DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
        Tz::offset_from_utc_datetime(&range.zone, &at.naive_utc()).fix().local_minus_utc()
    };
    let mut at_ms = range.from_ms;
    while at_ms < range.to_ms {
        if offset(at_ms) % 3600 != 0 {
            return false;
        }
        at_ms += 24 * HOUR_MS;
    }
    offset(range.to_ms) % 3600 == 0
}
