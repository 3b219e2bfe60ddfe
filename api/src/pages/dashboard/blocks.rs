//! The breakdowns of the first screen, each a question of its own.

use crate::{
    i18n::Text,
    pages::{
        address::Address,
        parts::{Bar, Breakdown, Row},
        view::{View, opened},
        words::Words,
    },
    queries::stats::{self, Dimension, Metric, Order, Query, Report, Side},
};

const ROWS: u32 = 8;

const CLICKS: &str = "/affiliate/clicks/";
const CONVERSIONS: &str = "/affiliate/conversions/";

/// A breakdown of the first screen.
pub(super) struct Block {
    pub(super) by: Dimension,
    title: &'static str,
    shows: Shows,
}

/// Which numbers it shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// Clicks and conversions.
    Both,
    /// Invalid clicks and their share of those invalid.
    Invalid,
    /// Refused conversions and their share of those refused.
    Refused,
}

pub(super) const BLOCKS: [Block; 8] = [
    Block { by: Dimension::Program, title: "by-programs", shows: Shows::Both },
    Block { by: Dimension::Affiliate, title: "by-affiliates", shows: Shows::Both },
    Block { by: Dimension::Link, title: "by-links", shows: Shows::Both },
    Block { by: Dimension::Referrer, title: "by-referrers", shows: Shows::Both },
    Block { by: Dimension::Country, title: "by-countries", shows: Shows::Both },
    Block { by: Dimension::Device, title: "by-devices", shows: Shows::Both },
    Block { by: Dimension::Reason, title: "by-reasons", shows: Shows::Invalid },
    Block { by: Dimension::Refusal, title: "by-refusals", shows: Shows::Refused },
];

/// What each asks.
pub(super) fn questions(view: &View) -> Vec<Query> {
    BLOCKS.iter().map(|block| question(view, block)).collect()
}

fn question(view: &View, block: &Block) -> Query {
    // The largest first, by clicks where the filters leave any.
    let of_clicks = |filter: &stats::Filter| filter.dimension.side() != Side::OfConversions;
    let metric = match block.shows {
        Shows::Both if view.asked.filters.iter().all(of_clicks) => Metric::Gross,
        Shows::Both => Metric::Conversions,
        Shows::Invalid => Metric::Invalid,
        Shows::Refused => Metric::Refused,
    };
    // One more than shown: what counts for nothing here (no reason) may come among them.
    let query = view.query(vec![block.by], ROWS + 1);
    Query { order: (Order::Metric(metric), true), ..query }
}

/// Answers as tables, in the order of the screen.
pub(super) fn tables(t: Text, view: &View, words: &Words, reports: &[Report]) -> Vec<Breakdown> {
    BLOCKS
        .iter()
        .zip(reports)
        .map(|(block, report)| table(t, view, words, (block, report)))
        .collect()
}

fn table(t: Text, view: &View, words: &Words, (block, report): (&Block, &Report)) -> Breakdown {
    let by = block.by;
    // What the bars measure: clicks where they are known, else conversions.
    let main = |row: &stats::Row| first(block.shows, row).or_else(|| accepted(row)).unwrap_or(0);
    let whole = first(block.shows, &report.totals).unwrap_or(0);
    // A click of another day leaves a conversion without a click in this range.
    let counts = |row: &stats::Row| {
        let second = if block.shows == Shows::Both { accepted(row) } else { None };
        main(row) > 0 || second.is_some_and(|n| n > 0)
    };
    let shown: Vec<&stats::Row> =
        report.rows.iter().filter(|row| counts(row)).take(ROWS as usize).collect();
    let top = shown.iter().map(|row| main(row)).max().unwrap_or(0);
    let rows = shown.iter().map(|row| {
        let key = row.keys.first().map_or("", String::as_str);
        Row {
            label: words.value(by, key),
            sub: String::new(),
            filter: view.narrowed(view.address.path(), by, key).to_string(),
            bar: Bar::of(main(row), top),
            numbers: numbers(t, view, block, (row, key, whole)),
        }
    });
    let others = others(t, block.shows, (report, &shown), top);
    Breakdown {
        t,
        id: by.name().to_owned(),
        title: t.say(block.title),
        columns: match block.shows {
            Shows::Both => vec![t.say("metric-clicks"), t.say("metric-conversions")],
            Shows::Invalid => vec![t.say("metric-clicks"), t.say("share")],
            Shows::Refused => vec![t.say("metric-refused"), t.say("share")],
        },
        rows: rows.collect(),
        others,
        more: view.at("/affiliate/stats/").with("group_by", by.name()).to_string(),
        empty: t.say(match block.shows {
            Shows::Both => "nothing-range",
            Shows::Invalid => "nothing-invalid",
            Shows::Refused => "nothing-refused",
        }),
    }
}

/// Each number with the rows it counts.
fn numbers(
    t: Text,
    view: &View,
    block: &Block,
    (row, key, whole): (&stats::Row, &str, i64),
) -> Vec<(String, String)> {
    let n = first(block.shows, row);
    let page = |path| view.narrowed(path, block.by, key);
    // Only a number that is one opens.
    let cell = |n: Option<i64>, page: Address| match n {
        Some(1..) => (t.known(n), page.to_string()),
        _ => (t.known(n), String::new()),
    };
    match block.shows {
        Shows::Both => {
            let conversions = opened(&page(CONVERSIONS), ("status", "invalid", true));
            vec![cell(n, page(CLICKS)), cell(accepted(row), conversions)]
        }
        Shows::Invalid => {
            let clicks = opened(&page(CLICKS), ("outcome", "invalid", false));
            vec![cell(n, clicks), (t.share(n.unwrap_or(0), whole), String::new())]
        }
        Shows::Refused => {
            vec![cell(n, page(CONVERSIONS)), (t.share(n.unwrap_or(0), whole), String::new())]
        }
    }
}

/// What the rows shown leave of the whole; `None` where they leave nothing.
fn others(
    t: Text,
    shows: Shows,
    (report, shown): (&Report, &[&stats::Row]),
    top: i64,
) -> Option<Row> {
    let left = |count: &dyn Fn(&stats::Row) -> Option<i64>| {
        let named: i64 = shown.iter().filter_map(|row| count(row)).sum();
        // The sum may be a moment older than the rows beside it.
        count(&report.totals).map(|whole| (whole - named).max(0))
    };
    let rest = left(&|row| first(shows, row));
    let conversions = left(&accepted);
    let second = match shows {
        Shows::Both => t.known(conversions),
        _ => t.share(rest.unwrap_or(0), first(shows, &report.totals).unwrap_or(0)),
    };
    let beside = conversions.filter(|_| shows == Shows::Both);
    let counts = rest.is_some_and(|n| n > 0) || beside.is_some_and(|n| n > 0);
    counts.then(|| Row {
        label: t.say("others"),
        sub: String::new(),
        filter: String::new(),
        bar: Bar::of(rest.or(beside).unwrap_or(0), top),
        numbers: vec![(t.known(rest), String::new()), (second, String::new())],
    })
}

fn first(shows: Shows, row: &stats::Row) -> Option<i64> {
    match shows {
        Shows::Both => row.clicks.map(|clicks| clicks.gross),
        Shows::Invalid => row.clicks.map(|clicks| clicks.invalid),
        Shows::Refused => row.conversions.as_ref().map(|conversions| conversions.refused),
    }
}

fn accepted(row: &stats::Row) -> Option<i64> {
    row.conversions.as_ref().map(|conversions| conversions.accepted)
}
