//! The only SQL of this crate: a function per question, executor first. JSON and pages ask the same
//! functions. PostgreSQL's statements are checked at compile time; ClickHouse's have a test each.

pub mod as_of;
pub mod sites;
pub mod accounts;
pub mod mail;
pub mod sealed;
pub mod jobs;
pub mod stats;
pub mod clicks;
pub mod links;
pub mod programs;
pub mod affiliates;
pub mod enrolments;
pub mod commissions;
pub mod conversions;
pub mod events;
pub mod live;
pub mod names;
pub mod stores;
pub mod kept;
mod bind;
mod among;
mod owners;

use serde::Serialize;

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// At most as many as asked for.
    pub rows: Vec<T>,
    /// Whether there are more in the direction asked.
    pub has_more: bool,
}

/// Where a list goes on: by the id of the last (or first) row seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Rows older than this id.
    pub starting_after: Option<i64>,
    /// Rows newer than this id.
    pub ending_before: Option<i64>,
    /// How many at most, 1 to 500.
    pub limit: u16,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { starting_after: None, ending_before: None, limit: 50 }
    }
}

impl Cursor {
    /// Asked for: one more than wanted, to know whether there are more.
    pub(crate) fn limit_sql(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts the one too many off the end it came at; `rows` come newest first.
    pub(crate) fn page<T>(self, mut rows: Vec<T>) -> Page<T> {
        let limit = usize::from(self.limit);
        let has_more = rows.len() > limit;
        if has_more && self.ending_before.is_some() {
            rows.remove(0);
        }
        rows.truncate(limit);
        Page { rows, has_more }
    }
}

/// An amount as it stands on the wire: minor units and the currency beside them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// Minor units, half-even.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
}

/// A number of PostgreSQL as an id of 32 bits; the tables' checks keep it in range.
pub(crate) fn narrow(id: i64) -> u32 {
    u32::try_from(id).unwrap_or_default()
}

/// A number of PostgreSQL as an id of 64 bits.
pub(crate) fn wide(id: i64) -> u64 {
    u64::try_from(id).unwrap_or_default()
}

/// 64 bits that stand as a signed number in PostgreSQL: the same bits.
pub(crate) const fn bits(id: i64) -> u64 {
    id.cast_unsigned()
}

/// Units of 1/10,000 minor as minor units, half-even.
pub fn minor(units: i64) -> i64 {
    // The rounding does not depend on the currency; the one place that rounds is `Money`.
    "EUR".parse().map_or(0, |currency| schemas::money::Money::from_units(units, currency).minor())
}
