//! Reports over time as a chart: every step of the range, with the period before at the same place.

use super::{
    assets, axis,
    axis::Step,
    parts::{Bucket, Chart, Series},
    view::View,
};
use crate::{
    i18n::Text,
    queries::stats::{Dimension, Report, Row},
};
use std::collections::HashMap;

/// The row of every step, in order; `None` where nothing happened.
pub(super) fn rows<'a>(steps: &[Step], report: &'a Report) -> Vec<Option<&'a Row>> {
    let by_key: HashMap<&str, &Row> =
        report.rows.iter().filter_map(|row| Some((row.keys.first()?.as_str(), row))).collect();
    steps.iter().map(|step| by_key.get(step.key.as_str()).copied()).collect()
}

/// Clicks by outcome over time.
pub(super) fn clicks(
    t: Text,
    view: &View,
    by: Dimension,
    report: &Report,
    earlier: Option<&Report>,
) -> Chart {
    let range = view.range();
    let steps = axis::steps(range, by);
    let before = earlier.zip(view.before()).map(|(report, range)| {
        let steps = axis::steps(range, by);
        let gross =
            |row: Option<&Row>| row.and_then(|row| row.clicks).map_or(0, |clicks| clicks.gross);
        rows(&steps, report).into_iter().map(gross).collect::<Vec<_>>()
    });
    let until = report.as_of.at.unwrap_or(view.now).timestamp_millis();
    let now = view.now.timestamp_millis();
    let zoom = view.address.without(&["range", "from", "to"]);
    let found = rows(&steps, report);
    let buckets = steps.iter().zip(found).enumerate().map(|(n, (step, row))| {
        let clicks = row.and_then(|row| row.clicks).unwrap_or_default();
        let (label, short) = step.labels(t, range, by);
        let (from, to) = step.ends();
        let finer = by != Dimension::Minute;
        let href = zoom.with("from", &from).with("to", &to).to_string();
        let before = before.as_ref().and_then(|before| before.get(n)).copied();
        Bucket {
            label,
            short,
            from,
            to,
            href: if finer { href } else { String::new() },
            values: [clicks.unique, clicks.duplicate, clicks.invalid]
                .map(|value| (value, t.number(value)))
                .into(),
            before: before.map(|value| (value, t.number(value))),
            open: step.span_ms.0 <= now && step.span_ms.1 > until,
        }
    });
    let series = |class, key: &str| Series { class, label: t.say(key) };
    Chart {
        t,
        assets: assets::root(),
        title: t.say("chart-clicks"),
        series: vec![
            series("unique", "state-unique"),
            series("duplicate", "state-duplicate"),
            series("invalid", "state-invalid"),
        ],
        before: before.as_ref().map(|_| t.word("compare", view.compare)).unwrap_or_default(),
        buckets: if report.totals.clicks.is_some() { buckets.collect() } else { Vec::new() },
        none: if report.totals.clicks.is_some() { String::new() } else { t.say("chart-none") },
        zoom: join(&zoom.to_string()),
        zone: range.zone.name().to_owned(),
        lines: false,
    }
}

/// A URL that a further pair can be put behind.
fn join(url: &str) -> String {
    format!("{url}{}", if url.contains('?') { '&' } else { '?' })
}
