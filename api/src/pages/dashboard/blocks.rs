//! The breakdowns of the first screen, each a question of its own.

use crate::{
    app::App,
    error::Error,
    i18n::Text,
    pages::{
        parts::{Bar, Breakdown, Row},
        view::View,
        words::Words,
    },
    queries::stats::{self, Dimension, Metric, Order, Query, Report},
};

const ROWS: u32 = 8;

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

/// Asks all of them at once.
pub(super) async fn reports(app: &App, view: &View) -> Result<Vec<Report>, Error> {
    let [a, b, c, d, e, f, g, h] = &BLOCKS;
    let ask = |block: &'static Block| async move {
        let query = question(view, block);
        stats::report(app, &query).await
    };
    let (a, b, c, d, e, f, g, h) =
        tokio::try_join!(ask(a), ask(b), ask(c), ask(d), ask(e), ask(f), ask(g), ask(h))?;
    Ok(vec![a, b, c, d, e, f, g, h])
}

fn question(view: &View, block: &Block) -> Query {
    let metric = match block.shows {
        Shows::Both => Metric::Gross,
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
    let first = |row: &stats::Row| first(block.shows, row);
    let whole = first(&report.totals);
    let shown: Vec<&stats::Row> =
        report.rows.iter().filter(|row| first(row) > 0).take(ROWS as usize).collect();
    let top = shown.iter().map(|row| first(row)).max().unwrap_or(0);
    let rows = shown.iter().map(|row| {
        let key = row.keys.first().map_or("", String::as_str);
        Row {
            label: words.value(by, key),
            sub: String::new(),
            filter: view.narrowed(view.address.path(), by, key).to_string(),
            bar: Bar::of(first(row), top),
            numbers: numbers(t, view, block, (row, key, whole)),
        }
    });
    let rest = whole - shown.iter().map(|row| first(row)).sum::<i64>();
    let others = (rest > 0).then(|| others(t, block.shows, (report, &shown), (rest, whole, top)));
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
    let page = |path| view.narrowed(path, block.by, key).to_string();
    match block.shows {
        Shows::Both => vec![
            (t.number(n), page("/affiliate/clicks/")),
            (t.number(accepted(row)), conversions(view, block.by, key)),
        ],
        Shows::Invalid => {
            vec![(t.number(n), page("/affiliate/clicks/")), (t.share(n, whole), String::new())]
        }
        Shows::Refused => {
            vec![(t.number(n), page("/affiliate/conversions/")), (t.share(n, whole), String::new())]
        }
    }
}

fn conversions(view: &View, by: Dimension, key: &str) -> String {
    view.narrowed("/affiliate/conversions/", by, key).with("status", "-invalid").to_string()
}

fn others(
    t: Text,
    shows: Shows,
    (report, shown): (&Report, &[&stats::Row]),
    (rest, whole, top): (i64, i64, i64),
) -> Row {
    let second = match shows {
        Shows::Both => {
            let named: i64 = shown.iter().map(|row| accepted(row)).sum();
            t.number(accepted(&report.totals) - named)
        }
        _ => t.share(rest, whole),
    };
    Row {
        label: t.say("others"),
        sub: String::new(),
        filter: String::new(),
        bar: Bar::of(rest, top),
        numbers: vec![(t.number(rest), String::new()), (second, String::new())],
    }
}

fn first(shows: Shows, row: &stats::Row) -> i64 {
    match shows {
        Shows::Both => row.clicks.map_or(0, |clicks| clicks.gross),
        Shows::Invalid => row.clicks.map_or(0, |clicks| clicks.invalid),
        Shows::Refused => row.conversions.as_ref().map_or(0, |conversions| conversions.refused),
    }
}

fn accepted(row: &stats::Row) -> i64 {
    row.conversions.as_ref().map_or(0, |conversions| conversions.accepted)
}
