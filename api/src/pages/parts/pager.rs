//! Pagination by cursor, with a count where it is cheap.

use super::part;
use crate::i18n::Text;
use askama::Template;

/// The way to earlier and later rows.
#[derive(Template)]
#[template(path = "parts/pager.html")]
pub(crate) struct Pager {
    /// The voice of the page.
    pub t: Text,
    /// Back to the newest; empty on the first page.
    pub first: String,
    /// Further; empty on the last page.
    pub next: String,
    /// What is shown, in words.
    pub count: String,
}

part!(Pager);
