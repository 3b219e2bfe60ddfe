//! Breakdown table: the largest values of one dimension, with a bar inside the cell.

use super::part;
use crate::i18n::Text;
use askama::Template;

/// The top of one dimension.
#[derive(Template)]
#[template(path = "parts/breakdown.html")]
pub(crate) struct Breakdown {
    /// The voice of the page.
    pub t: Text,
    /// Names the table for anchors and live updates: `country`.
    pub id: String,
    /// What it breaks down by.
    pub title: String,
    /// Headings of the numbers.
    pub columns: Vec<String>,
    /// The largest first.
    pub rows: Vec<Row>,
    /// What is not shown: `Others`, counted the same.
    pub others: Option<Row>,
    /// The whole table on the statistics page.
    pub more: String,
    /// What to say while there is nothing.
    pub empty: String,
}

/// One value of a dimension with its numbers.
pub(crate) struct Row {
    /// The value as a person knows it.
    pub label: String,
    /// A second line: the code, the program.
    pub sub: String,
    /// Filters the page by this value; empty where it cannot.
    pub filter: String,
    /// Of the first number.
    pub bar: Bar,
    /// The numbers as written, each with the rows it counts (empty: no link).
    pub numbers: Vec<(String, String)>,
}

/// A bar drawn by SVG attributes, since a page carries no inline style.
#[derive(Template, Clone, Copy)]
#[template(path = "parts/bar.html")]
pub(crate) struct Bar {
    permille: i64,
}

impl Bar {
    /// The share of `part` in `whole`, 0 to 1000 thousandths.
    pub(crate) fn of(part: i64, whole: i64) -> Self {
        let permille = if whole <= 0 { 0 } else { i128::from(part) * 1000 / i128::from(whole) };
        Self { permille: i64::try_from(permille.clamp(0, 1000)).unwrap_or(0) }
    }
}

part!(Breakdown, Bar);
