//! Timeline: the life of a conversion, told in order.

use super::{Chip, part};
use askama::Template;

/// Moments in order of time.
#[derive(Template)]
#[template(path = "parts/timeline.html")]
pub(crate) struct Timeline {
    /// The earliest first.
    pub moments: Vec<Moment>,
}

/// Something that happened.
pub(crate) struct Moment {
    /// The day, where it differs from the moment before; else empty.
    pub day: String,
    /// The time of day, to the millisecond.
    pub time: String,
    /// Machine-readable.
    pub iso: String,
    /// What happened, as a sentence.
    pub title: String,
    /// How it ended, if it did.
    pub chip: Option<Chip>,
    /// Why, and what else is known.
    pub facts: Vec<Fact>,
    /// How long after the moment before, in words; empty for the first.
    pub gap: String,
}

/// A thing known about a moment.
pub(crate) struct Fact {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it leads; empty for nowhere.
    pub href: String,
}

part!(Timeline);
