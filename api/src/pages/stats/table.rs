//! The table of a report: keys, numbers with the rows they count, the sums below.

use super::columns::{self, Column};
use crate::{
    i18n::Text,
    pages::{
        axis,
        parts::Bar,
        view::{View, opened},
        words::{self, Words},
    },
    params::filters,
    queries::stats::{Dimension, Order, Query, Report, Row},
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
        let sorted = Sorted::of(query);
        Self {
            keys: query
                .group_by
                .iter()
                .map(|by| {
                    let name = by.name().to_owned();
                    sorted.heading(view, words::dimension(t, *by), name, by.is_time())
                })
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

/// The order the table is in, and the dimensions it is by.
struct Sorted<'a> {
    query: &'a Query,
    name: String,
}

impl<'a> Sorted<'a> {
    fn of(query: &'a Query) -> Self {
        let name = match query.order.0 {
            Order::Key(n) => query.group_by.get(n).map_or("", |by| by.name()).to_owned(),
            Order::Metric(metric) => columns::name(metric),
        };
        Self { query, name }
    }

    fn heading(&self, view: &View, label: String, name: String, up_first: bool) -> Heading {
        if name.is_empty() {
            return Heading { label, href: String::new(), sorted: "" };
        }
        let (here, descending) = (self.name == name, self.query.order.1);
        let down = if here { !descending } else { !up_first };
        let sorted = match (here, descending) {
            (false, _) => "",
            (true, true) => "descending",
            (true, false) => "ascending",
        };
        let order = format!("{}{name}", if down { "-" } else { "" });
        // What the page chose by itself is named, so that an order of it can be.
        let by: Vec<&str> = self.query.group_by.iter().map(|by| by.name()).collect();
        let page = view.address.with("group_by", &by.join(",")).with("order", &order);
        Heading { label, href: page.to_string(), sorted }
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
            (1.., Some((path, extra))) => rows_of(view, query, row, path)
                .map(|page| extra.map_or(page.clone(), |extra| opened(&page, extra)))
                .map(|page| page.to_string())
                .unwrap_or_default(),
            _ => String::new(),
        };
        (column.written(t, row), href)
    });
    Line { keys: keys.collect(), bar: Bar::of(main(row), top), numbers: numbers.collect() }
}

/// The list that shows the rows of a number.
const fn target(column: &Column) -> Option<(&'static str, Option<Extra>)> {
    match column {
        Column::Gross => Some((CLICKS, None)),
        Column::Unique => Some((CLICKS, Some(("outcome", "unique", false)))),
        Column::Duplicate => Some((CLICKS, Some(("outcome", "duplicate", false)))),
        Column::Invalid => Some((CLICKS, Some(("outcome", "invalid", false)))),
        Column::Conversions => Some((CONVERSIONS, Some(("status", "invalid", true)))),
        Column::Refused => Some((CONVERSIONS, Some(("status", "invalid", false)))),
        _ => None,
    }
}

/// A key, a value, and whether it is all but that value.
type Extra = (&'static str, &'static str, bool);

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
            let step = axis::step(view.range(), *by, key)?;
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
    let step = axis::step(view.range(), by, key);
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
