//! The table of a report: keys, numbers with the rows they count, the sums below.

use super::columns::Column;
use crate::{
    i18n::Text,
    pages::{
        axis,
        parts::Bar,
        view::View,
        words::{self, Words},
    },
    params::filters,
    queries::stats::{Dimension, Query, Report, Row},
};

const CLICKS: &str = "/affiliate/clicks/";
const CONVERSIONS: &str = "/affiliate/conversions/";

/// A heading, and the page sorted by it.
pub(super) struct Heading {
    pub label: String,
    pub href: String,
    /// `ascending`, `descending` or empty.
    pub sorted: &'static str,
}

/// The table as the page shows it.
pub(super) struct Table {
    pub keys: Vec<Heading>,
    pub headings: Vec<Heading>,
    pub rows: Vec<Line>,
    pub totals: Vec<String>,
    pub count: String,
}

/// One row.
pub(super) struct Line {
    /// Each key with the page filtered by it (empty: it cannot be).
    pub keys: Vec<(String, String)>,
    pub bar: Bar,
    /// Each number with the rows it counts (empty: no link).
    pub numbers: Vec<(String, String)>,
}

impl Table {
    pub(super) fn of(
        t: Text,
        view: &View,
        words: &Words,
        (query, report): (&Query, &Report),
    ) -> Self {
        let columns = Column::of(report);
        let several = currencies(report) > 1;
        let top = report.rows.iter().map(main).max().unwrap_or(0);
        let sorted = Sorted::of(view);
        Self {
            keys: query
                .group_by
                .iter()
                .map(|by| sorted.heading(view, words::dimension(t, *by), by.name(), by.is_time()))
                .collect(),
            headings: columns
                .iter()
                .map(|one| sorted.heading(view, one.heading(t, several), one.order(), false))
                .collect(),
            rows: report
                .rows
                .iter()
                .map(|row| line(t, view, words, (query, row, &columns), top))
                .collect(),
            totals: columns.iter().map(|column| column.written(t, &report.totals)).collect(),
            count: match report.has_more {
                true => t.say1("more-than-shown", "count", &t.number(report.rows.len() as i64)),
                false => t.plural("rows-shown", report.rows.len() as i64),
            },
        }
    }
}

/// The order the URL asks for.
struct Sorted {
    name: String,
    descending: bool,
}

impl Sorted {
    fn of(view: &View) -> Self {
        let order = view.address.get("order");
        let (name, descending) = match order.strip_prefix('-') {
            Some(name) => (name, true),
            None => (order, false),
        };
        Self { name: name.to_owned(), descending }
    }

    fn heading(&self, view: &View, label: String, name: &str, up_first: bool) -> Heading {
        if name.is_empty() {
            return Heading { label, href: String::new(), sorted: "" };
        }
        let here = self.name == name;
        let down = if here { !self.descending } else { !up_first };
        let order = format!("{}{name}", if down { "-" } else { "" });
        let sorted = match (here, self.descending) {
            (false, _) => "",
            (true, true) => "descending",
            (true, false) => "ascending",
        };
        // Ordered by a dimension that the URL does not name yet, the page names it.
        let known = view.address.get("group_by");
        let page = match known.is_empty() && up_first {
            true => view.address.with("group_by", name),
            false => view.address.without(&[]),
        };
        Heading { label, href: page.with("order", &order).to_string(), sorted }
    }
}

fn line(
    t: Text,
    view: &View,
    words: &Words,
    (query, row, columns): (&Query, &Row, &[Column]),
    top: i64,
) -> Line {
    let keys = query.group_by.iter().zip(&row.keys);
    let keys = keys.map(|(by, key)| match by.is_time() {
        true => (time(t, view, *by, key), String::new()),
        false => {
            let href = view.narrowed(view.address.path(), *by, key);
            let kept = [("group_by", "group_by"), ("order", "order")];
            let href =
                kept.iter().fold(href, |page, (name, _)| page.with(name, view.address.get(name)));
            (words.value(*by, key), href.to_string())
        }
    });
    let numbers = columns.iter().map(|column| {
        let href = match (column.count(row), target(column)) {
            (1.., Some((path, outcome))) => rows_of(view, query, row, path)
                .map(|page| match outcome {
                    ("", _) => page,
                    (key, value) => page.with(key, value),
                })
                .map(|page| page.to_string())
                .unwrap_or_default(),
            _ => String::new(),
        };
        (column.written(t, row), href)
    });
    Line { keys: keys.collect(), bar: Bar::of(main(row), top), numbers: numbers.collect() }
}

/// The list that shows the rows of a number.
const fn target(column: &Column) -> Option<(&'static str, (&'static str, &'static str))> {
    match column {
        Column::Gross => Some((CLICKS, ("", ""))),
        Column::Unique => Some((CLICKS, ("outcome", "unique"))),
        Column::Duplicate => Some((CLICKS, ("outcome", "duplicate"))),
        Column::Invalid => Some((CLICKS, ("outcome", "invalid"))),
        Column::Conversions => Some((CONVERSIONS, ("status", "-invalid"))),
        Column::Refused => Some((CONVERSIONS, ("status", "invalid"))),
        _ => None,
    }
}

/// The rows of a group on another page: its keys as filters, its time as the span.
fn rows_of(
    view: &View,
    query: &Query,
    row: &Row,
    path: &str,
) -> Option<crate::pages::address::Address> {
    let mut page = view.at(path);
    for (by, key) in query.group_by.iter().zip(&row.keys) {
        if by.is_time() {
            let steps = axis::steps(view.range(), *by);
            let step = steps.iter().find(|step| step.key == *key)?;
            let (from, to) = step.ends();
            page = page.without(&["range", "from", "to"]).with("from", &from).with("to", &to);
        } else {
            let key = if key.is_empty() { "(none)" } else { key };
            page = page.with(by.name(), &filters::write(&[key], false));
        }
    }
    Some(page)
}

fn time(t: Text, view: &View, by: Dimension, key: &str) -> String {
    let steps = axis::steps(view.range(), by);
    let step = steps.iter().find(|step| step.key == key);
    step.map_or_else(|| key.to_owned(), |step| step.labels(t, view.range(), by).0)
}

/// What the bars measure: clicks where there are, else conversions.
fn main(row: &Row) -> i64 {
    match (row.clicks, &row.conversions) {
        (Some(clicks), _) => clicks.gross,
        (None, Some(conversions)) => conversions.accepted + conversions.refused,
        _ => 0,
    }
}

fn currencies(report: &Report) -> usize {
    report.totals.conversions.as_ref().map_or(0, |conversions| conversions.money.len())
}
