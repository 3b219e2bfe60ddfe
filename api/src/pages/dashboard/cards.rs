//! The five numbers of the first screen.

use crate::{
    i18n::Text,
    pages::{
        axis::Step,
        parts::{Card, Change, Spark},
        series,
        view::View,
    },
    queries::stats::{Dimension, Report, Row},
};

pub(super) fn cards(
    t: Text,
    view: &View,
    steps: &[Step],
    (report, earlier): (&Report, Option<&Report>),
) -> Vec<Card> {
    // A step that is not over yet would end every line in a fall.
    let over =
        steps.iter().take_while(|step| step.span_ms.1 <= view.now.timestamp_millis()).count();
    let mut course = series::rows(steps, report);
    course.truncate(over.max(2));
    let counted = |id, key: &str, href: String, count: fn(&Row) -> i64| {
        let now = count(&report.totals);
        let before = earlier.map(|earlier| count(&earlier.totals));
        let values: Vec<i64> = course.iter().map(|row| row.map_or(0, count)).collect();
        Card {
            id,
            label: t.say(key),
            values: vec![t.number(now)],
            href,
            change: before.map(|before| Change::between(t, now, before, t.number(before))),
            spark: Spark::over(&values),
            note: String::new(),
        }
    };
    let clicks = |outcome: &str| view.at("/affiliate/clicks/").with("outcome", outcome).to_string();
    let gross = gross(&report.totals);
    let valid = report.totals.clicks.map_or(0, |clicks| clicks.valid());
    let mut invalid = counted("invalid", "metric-invalid", clicks("invalid"), invalid);
    invalid.note = t.say1("note-of-clicks", "share", &t.share(invalid_of(report), gross));
    let rows = view.at("/affiliate/conversions/").with("status", "-invalid").to_string();
    let mut conversions = counted("conversions", "metric-conversions", rows, accepted);
    conversions.note = t.say1("note-cvr", "share", &t.share(accepted(&report.totals), valid));
    vec![
        counted("clicks", "metric-clicks", clicks(""), self::gross),
        counted("uniques", "metric-uniques", clicks("unique"), unique),
        invalid,
        conversions,
        commissions(t, view, &course, report, earlier),
    ]
}

/// Money is compared and drawn in the currency most of it is in.
fn commissions(
    t: Text,
    view: &View,
    course: &[Option<&Row>],
    report: &Report,
    earlier: Option<&Report>,
) -> Card {
    let mut money: Vec<(String, i64)> = sums(&report.totals);
    money.sort_by_key(|(_, units)| std::cmp::Reverse(*units));
    let main = money.first().map_or(view.site.currency.clone(), |(currency, _)| currency.clone());
    let of = |row: &Row| {
        let found = sums(row).into_iter().find(|(currency, _)| *currency == main);
        found.map_or(0, |(_, units)| units)
    };
    if money.is_empty() {
        money.push((main.clone(), 0));
    }
    let before = earlier.map(|earlier| of(&earlier.totals));
    let values: Vec<i64> = course.iter().map(|row| row.map_or(0, of)).collect();
    Card {
        id: "commissions",
        label: t.say("metric-commissions"),
        values: money
            .iter()
            .map(|(currency, units)| t.money(*units, currency).to_string())
            .collect(),
        href: commissions_of(view),
        change: before.map(|before| {
            let written = t.money(before, &main).to_string();
            Change::between(t, of(&report.totals), before, written)
        }),
        spark: Spark::over(&values),
        note: String::new(),
    }
}

/// The list of commissions knows programs and affiliates; under other filters the conversions that
/// earned them are shown.
fn commissions_of(view: &View) -> String {
    let known = |by| matches!(by, Dimension::Program | Dimension::Affiliate);
    match view.asked.filters.iter().all(|filter| known(filter.dimension) && !filter.exclude) {
        true => view.at("/affiliate/commissions/").to_string(),
        false => view.at("/affiliate/conversions/").with("status", "-invalid").to_string(),
    }
}

fn sums(row: &Row) -> Vec<(String, i64)> {
    let money = row.conversions.as_ref().map(|conversions| conversions.money.as_slice());
    let money = money.unwrap_or_default();
    money.iter().map(|sums| (sums.currency.clone(), sums.payout_units)).collect()
}

fn gross(row: &Row) -> i64 {
    row.clicks.map_or(0, |clicks| clicks.gross)
}

fn unique(row: &Row) -> i64 {
    row.clicks.map_or(0, |clicks| clicks.unique)
}

fn invalid(row: &Row) -> i64 {
    row.clicks.map_or(0, |clicks| clicks.invalid)
}

fn invalid_of(report: &Report) -> i64 {
    invalid(&report.totals)
}

fn accepted(row: &Row) -> i64 {
    row.conversions.as_ref().map_or(0, |conversions| conversions.accepted)
}
