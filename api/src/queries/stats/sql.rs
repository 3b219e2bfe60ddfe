//! The statements of reports. Names of columns come from the list of dimensions, everything a person
//! typed is bound.

mod few;
pub(super) mod lead;
mod many;
mod part;
mod pieces;
mod sources;

use schemas::ids::SiteId;

use super::{Dimension, Query, Side};
use crate::{
    params::range::Range,
    queries::{
        bind::{self, Bind},
        kept::{self, Kept},
    },
};
use sources::{CLICKS, CONVERSIONS, Grain, Source};

pub(super) use few::Together;
pub(super) use part::Part;
pub(super) use pieces::Piece;

/// Which halves the answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) clicks: bool,
    pub(super) conversions: bool,
}

/// A question, and who answers which part of it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) query: Query,
    pub(super) shape: Shape,
    pieces: Vec<Piece<'static>>,
    /// Who gives the sum of all groups, of clicks and of conversions, where smaller tables than those of the groups do.
    wholes: [Vec<Piece<'static>>; 2],
    /// Until when a part of the span has expired for one of the halves, in milliseconds since 1970, and the sums that say
    /// whether there was something.
    pub(super) expired: Vec<(&'static str, i64)>,
}

/// Text, and values in the order of its `?`.
#[derive(Debug, Default)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) binds: Vec<Bind>,
}

impl Plan {
    pub(super) fn of(query: &Query, known: &Kept) -> Self {
        let shape = shape(query);
        let sides = [
            (shape.clicks, &CLICKS[..], kept::CLICKS),
            (shape.conversions, &CONVERSIONS[..], kept::CONVERSIONS),
        ];
        let (mut pieces, mut expired, mut wholes) = (Vec::new(), Vec::new(), [vec![], vec![]]);
        let asked = sides.into_iter().zip(&mut wholes).filter(|((is_asked, ..), _)| *is_asked);
        for ((_, side, sums), whole) in asked {
            let (of_side, until_ms) = pieces::of(side, query, known);
            *whole = pieces::of_all_groups(side, query, known, &of_side);
            expired.extend(until_ms.map(|until_ms| (sums, until_ms)));
            pieces.extend(of_side);
        }
        Self { query: query.clone(), shape, pieces, wholes, expired }
    }

    /// Pieces that read clicks one by one.
    pub(super) fn of_rows(&mut self) -> impl Iterator<Item = &mut Piece<'static>> {
        self.pieces
            .iter_mut()
            .chain(self.wholes.iter_mut().flatten())
            .filter(|piece| piece.source.of_clicks && piece.source.grain == Grain::Moment)
    }

    /// Whether the sum of all its groups is also that of another's.
    pub(super) fn sums_as(&self, other: &Self) -> bool {
        let is_whole = |plan: &Self| plan.expired.is_empty();
        is_whole(self)
            && is_whole(other)
            && self.shape == other.shape
            && self.query.range == other.query.range
            && self.query.filters == other.query.filters
    }

    /// Whether there is anything to ask.
    pub(super) fn has_halves(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// The tables asked.
    pub(super) fn sources(&self) -> Vec<&'static str> {
        let mut tables = Vec::new();
        for piece in &self.pieces {
            if !tables.contains(&piece.source.table) {
                tables.push(piece.source.table);
            }
        }
        tables
    }

    /// The statement that answers it, groups and their sum. There must be a half to ask.
    pub(super) fn statement(&self, site: SiteId) -> Statement {
        many::statement(site, self)
    }
}

/// A half that cannot have one of the dimensions asked for, or filtered by, is not there: its sum
/// without the filter would be a number of something else.
pub(super) fn shape(query: &Query) -> Shape {
    let filters = query.filters.iter().map(|filter| filter.dimension);
    let asked: Vec<Side> =
        query.group_by.iter().copied().chain(filters).map(Dimension::side).collect();
    Shape {
        clicks: !asked.contains(&Side::OfConversions),
        conversions: !asked.contains(&Side::OfClicks),
    }
}

/// The dimensions grouped and filtered by.
fn asked(query: &Query) -> Vec<Dimension> {
    let filters = query.filters.iter().map(|filter| filter.dimension);
    query.group_by.iter().copied().chain(filters).collect()
}

/// What a statement reads of a piece: its table as `t`, and which rows of it.
fn rows(site: SiteId, query: &Query, piece: &Piece<'_>, binds: &mut Vec<Bind>) -> String {
    rows_of(&piece.source.rows(query), site, query, piece, binds)
}

/// The same of another table with the piece's columns.
fn rows_of(
    rows: &str,
    site: SiteId,
    query: &Query,
    piece: &Piece<'_>,
    binds: &mut Vec<Bind>,
) -> String {
    let source = piece.source;
    let by_outcome = is_by_outcome(query, source);
    let outcomes = if by_outcome { OUTCOMES } else { "" };
    binds.push(Bind::Number(site.to_sql()));
    let mut text = format!("{rows} AS t{outcomes} WHERE t.site = ?{}", span(piece, binds));
    if let Some(by) = source.alone(&asked(query)) {
        text.push_str(&format!(" AND t.dimension = '{}'", by.name()));
    }
    if by_outcome {
        text.push_str(" AND o.2 != 0");
    }
    for filter in &query.filters {
        let column = column(filter.dimension, query, source);
        text.push_str(&bind::condition(&column, filter, binds));
    }
    if source.of_clicks && source.grain == Grain::Moment {
        text.push_str(&piece.owners.condition(binds));
    }
    text
}

const OUTCOMES: &str =
    " ARRAY JOIN [('unique', t.uniques), ('duplicate', t.duplicates), ('invalid', t.invalid)] AS o";

/// Sums keep outcomes beside one another: whether each row is read as three, one an outcome.
fn is_by_outcome(query: &Query, source: &Source) -> bool {
    source.grain != Grain::Moment && asked(query).contains(&Dimension::Outcome)
}

fn column(by: Dimension, query: &Query, source: &Source) -> String {
    match by {
        Dimension::Outcome if is_by_outcome(query, source) => "o.1".to_owned(),
        _ if source.is_alone && !source.has_always(by) => match by.is_id() {
            true => "t.id".to_owned(),
            false => "t.value".to_owned(),
        },
        _ => bind::column(by),
    }
}

fn span(piece: &Piece<'_>, binds: &mut Vec<Bind>) -> String {
    let Range { from_ms, to_ms, .. } = piece.range;
    match piece.source.grain {
        Grain::Day => {
            // Dates of chrono, never text of a person.
            let (from, to) = (piece.range.day(from_ms), piece.range.day(to_ms));
            format!(" AND t.day >= '{from}' AND t.day < '{to}'")
        }
        Grain::Hour => {
            binds.extend([Bind::Number(from_ms / 1000), Bind::Number(to_ms / 1000)]);
            " AND t.hour >= toDateTime(?) AND t.hour < toDateTime(?)".to_owned()
        }
        Grain::Moment => {
            binds.extend([Bind::Number(from_ms), Bind::Number(to_ms)]);
            " AND t.time >= fromUnixTimestamp64Milli(?) AND t.time < fromUnixTimestamp64Milli(?)"
                .to_owned()
        }
    }
}

/// A key as its table gives it.
fn inner(by: Dimension, query: &Query, source: &Source) -> String {
    // A name of the IANA list, as chrono-tz writes it.
    let (zone, grain) = (query.range.zone.name(), source.grain);
    let moment = if grain == Grain::Hour { "t.hour" } else { "t.time" };
    let day = match grain {
        Grain::Day => "t.day".to_owned(),
        _ => format!("toDate({moment}, '{zone}')"),
    };
    match by {
        Dimension::Minute => format!("toStartOfMinute({moment}, '{zone}')"),
        Dimension::Hour => format!("toStartOfHour({moment}, '{zone}')"),
        Dimension::Day => day,
        Dimension::Week => format!("toMonday({day})"),
        Dimension::Month => format!("toStartOfMonth({day})"),
        _ => column(by, query, source),
    }
}

/// A key as text.
fn outer(by: Dimension, key: &str) -> String {
    match by {
        Dimension::Minute | Dimension::Hour => format!("toString(toUnixTimestamp({key}))"),
        _ => format!("toString({key})"),
    }
}
