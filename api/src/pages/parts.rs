//! The parts pages are made of, each made once and shown on `/styleguide`.
//!
//! A part takes words and numbers already written for its reader and gives HTML through its own
//! template; it asks no store and knows no request. Being `HtmlSafe`, a part stands in a page's
//! template as `{{ card }}`: its own template has escaped what it shows.

mod breakdown;
mod card;
mod chart;
mod chip;
mod field;
mod link;
mod notes;
mod own;
mod pager;
mod timeline;

pub(crate) use breakdown::{Bar, Breakdown, Row};
pub(crate) use card::{Card, Change, Spark};
pub(crate) use chart::{Bucket, Chart, Series};
pub(crate) use chip::{Chip, Tone};
pub(crate) use field::{Choice, Field};
pub(crate) use link::{Crumb, Pick, Picker};
pub(crate) use notes::{Code, Empty, Toast, warnings};
pub(crate) use own::{Check, OwnCard, OwnForm, OwnRow, Tab};
pub(crate) use pager::Pager;
pub(crate) use timeline::{Fact, Moment, Timeline};

/// Marks a part's own template as HTML, so that a page does not escape it again.
macro_rules! part {
    ($($name:ty),+) => { $(impl askama::filters::HtmlSafe for $name {})+ };
}
pub(crate) use part;
