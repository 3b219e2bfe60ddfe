//! The five numbers of the first screen.

use crate::{
    i18n::Text,
    pages::{
        axis::Step,
        parts::{Card, Change, Spark},
        series,
        view::View,
    },
    params::commissions,
    queries::stats::{Dimension, Report, Row},
};

const CLICKS: &str = "/affiliate/clicks/";
const CONVERSIONS: &str = "/affiliate/conversions/";

/// A number of a row, where the row has it.
type Count = fn(&Row) -> Option<i64>;

pub(super) fn cards(
    t: Text,
    view: &View,
    steps: &[Step],
    (report, earlier): (&Report, Option<&Row>),
) -> Vec<Card> {
    // A step that is not over yet would end every line in a fall.
    let over =
        steps.iter().take_while(|step| step.span_ms.1 <= view.now.timestamp_millis()).count();
    let mut course = series::rows(steps, report);
    course.truncate(over.max(2));
    let counted = |id, key: &str, href: String, count: Count| {
        let now = count(&report.totals);
        let before = earlier.and_then(count);
        let values: Vec<i64> =
            course.iter().map(|row| row.and_then(count).unwrap_or_default()).collect();
        Card {
            id,
            label: t.say(key),
            values: vec![t.known(now)],
            href: now.map(|_| href).unwrap_or_default(),
            change: now
                .zip(before)
                .map(|(now, before)| Change::between(t, now, before, t.number(before))),
            spark: Spark::over(&values),
            note: String::new(),
        }
    };
    let clicks = |outcome: &str| match outcome {
        "" => view.at(CLICKS).to_string(),
        outcome => view.opened(CLICKS, ("outcome", outcome, false)).to_string(),
    };
    let share = |part: Option<i64>, whole: Option<i64>| match part.zip(whole) {
        Some((part, whole)) => t.share(part, whole),
        None => "–".to_owned(),
    };
    let totals = &report.totals;
    let mut invalid = counted("invalid", "metric-invalid", clicks("invalid"), invalid);
    let part = totals.clicks.map(|clicks| clicks.invalid);
    invalid.note = t.say1("note-of-clicks", "share", &share(part, gross(totals)));
    let rows = view.opened(CONVERSIONS, ("status", "invalid", true)).to_string();
    let mut conversions = counted("conversions", "metric-conversions", rows, accepted);
    let valid = totals.clicks.map(|clicks| clicks.valid());
    conversions.note = t.say1("note-cvr", "share", &share(accepted(totals), valid));
    vec![
        counted("clicks", "metric-clicks", clicks(""), gross),
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
    earlier: Option<&Row>,
) -> Card {
    let mut money: Vec<(String, i64)> = sums(&report.totals);
    money.sort_by_key(|(_, units)| std::cmp::Reverse(*units));
    let main = money.first().map_or(view.site.currency.clone(), |(currency, _)| currency.clone());
    let of = |row: &Row| {
        let found = sums(row).into_iter().find(|(currency, _)| *currency == main);
        found.map_or(0, |(_, units)| units)
    };
    let known = report.totals.conversions.is_some();
    if money.is_empty() && known {
        money.push((main.clone(), 0));
    }
    let mut written: Vec<String> =
        money.iter().map(|(currency, units)| t.money(*units, currency).to_string()).collect();
    if !known {
        written.push("–".to_owned());
    }
    let before = earlier.filter(|_| known).map(of);
    let values: Vec<i64> = course.iter().map(|row| row.map_or(0, of)).collect();
    Card {
        id: "commissions",
        label: t.say("metric-commissions"),
        values: written,
        href: if known { commissions_of(view) } else { String::new() },
        change: before.map(|before| {
            let written = t.money(before, &main).to_string();
            Change::between(t, of(&report.totals), before, written)
        }),
        spark: Spark::over(&values),
        note: String::new(),
    }
}

/// The list of commissions has its own filters; under others the conversions that earned them are
/// shown. A conversion's state is not its commission's.
fn commissions_of(view: &View) -> String {
    let known = |by| commissions::has(by) && by != Dimension::Status;
    match view.asked.filters.iter().all(|filter| known(filter.dimension)) {
        true => view.at("/affiliate/commissions/").to_string(),
        false => view.opened(CONVERSIONS, ("status", "invalid", true)).to_string(),
    }
}

fn sums(row: &Row) -> Vec<(String, i64)> {
    let money = row.conversions.as_ref().map(|conversions| conversions.money.as_slice());
    let money = money.unwrap_or_default();
    money.iter().map(|sums| (sums.currency.clone(), sums.payout_units)).collect()
}

fn gross(row: &Row) -> Option<i64> {
    row.clicks.map(|clicks| clicks.gross)
}

fn unique(row: &Row) -> Option<i64> {
    row.clicks.map(|clicks| clicks.unique)
}

fn invalid(row: &Row) -> Option<i64> {
    row.clicks.map(|clicks| clicks.invalid)
}

fn accepted(row: &Row) -> Option<i64> {
    row.conversions.as_ref().map(|conversions| conversions.accepted)
}
