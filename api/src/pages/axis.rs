//! The steps of a chart: every minute, hour, day, week or month of a range, also those in which
//! nothing happened, named as a report names them.

use crate::{i18n::Text, params::range::Range, queries::stats::Dimension};
use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, SecondsFormat, TimeDelta, TimeZone, Utc,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A chart has at most this many steps; a year of days is the longest.
const MOST: usize = 400;

/// One step of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// As a report's key names it.
    pub key: String,
    /// Where it begins and where the next begins, milliseconds since 1970.
    pub span_ms: (i64, i64),
}

/// How finely a range is cut.
pub(super) fn grain(range: Range) -> Dimension {
    match range.to_ms - range.from_ms {
        ..=10_800_000 => Dimension::Minute,
        length if length <= 3 * DAY_MS => Dimension::Hour,
        length if length <= 100 * DAY_MS => Dimension::Day,
        length if length <= 400 * DAY_MS => Dimension::Week,
        _ => Dimension::Month,
    }
}

/// Every step of `range`, in order of time.
pub(super) fn steps(range: Range, by: Dimension) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut at = range.from_ms;
    while at < range.to_ms && steps.len() < MOST {
        let (start, next) = around(range, at, by);
        steps.push(cut(range, by, (start, next)));
        at = next.max(at + 1);
    }
    steps
}

/// The step that a report's key names, however many there are; `None` for one outside of the range.
pub(super) fn step(range: Range, by: Dimension, key: &str) -> Option<Step> {
    let at = match by {
        Dimension::Minute | Dimension::Hour => {
            DateTime::parse_from_rfc3339(key).ok()?.timestamp_millis()
        }
        _ => {
            let day: NaiveDate = key.parse().ok()?;
            Range::days(day, day, range.zone).from_ms
        }
    };
    let (start, next) = around(range, at, by);
    let inside = start < range.to_ms && next > range.from_ms;
    inside.then(|| cut(range, by, (start, next))).filter(|step| step.key == key)
}

/// Where the step around a moment begins, and where the next begins.
fn around(range: Range, at: i64, by: Dimension) -> (i64, i64) {
    match by {
        Dimension::Minute => even(at, 60_000),
        Dimension::Hour => hour(range, at),
        _ => days(range, at, by),
    }
}

fn cut(range: Range, by: Dimension, (start, next): (i64, i64)) -> Step {
    let span_ms = (start.max(range.from_ms), next.min(range.to_ms));
    Step { key: key(range, start, by), span_ms }
}

fn even(at: i64, size: i64) -> (i64, i64) {
    let start = at - at.rem_euclid(size);
    (start, start + size)
}

/// Hours of a zone whose offset is no whole hour begin at its own full hours.
fn hour(range: Range, at: i64) -> (i64, i64) {
    let offset = local(range, at).naive_local().and_utc().timestamp_millis() - at;
    let (start, next) = even(at + offset, HOUR_MS);
    (start - offset, next - offset)
}

fn days(range: Range, at: i64, by: Dimension) -> (i64, i64) {
    let first = first_day(range.day(at), by);
    let next = match by {
        Dimension::Week => first.checked_add_days(Days::new(7)),
        Dimension::Month => first.checked_add_months(Months::new(1)),
        _ => first.checked_add_days(Days::new(1)),
    };
    let next = next.unwrap_or(first);
    // The range knows where a day begins in its zone.
    (Range::days(first, first, range.zone).from_ms, Range::days(next, next, range.zone).from_ms)
}

fn first_day(day: NaiveDate, by: Dimension) -> NaiveDate {
    match by {
        Dimension::Week => {
            let back = u64::from(day.weekday().num_days_from_monday());
            day.checked_sub_days(Days::new(back)).unwrap_or(day)
        }
        Dimension::Month => day.with_day(1).unwrap_or(day),
        _ => day,
    }
}

fn key(range: Range, start: i64, by: Dimension) -> String {
    match by {
        Dimension::Minute | Dimension::Hour => {
            local(range, start).to_rfc3339_opts(SecondsFormat::Secs, true)
        }
        _ => first_day(range.day(start), by).to_string(),
    }
}

fn local(range: Range, at: i64) -> DateTime<chrono_tz::Tz> {
    range.zone.from_utc_datetime(&instant(at).naive_utc())
}

fn instant(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default()
}

impl Step {
    /// As a table writes it, and as an axis does.
    pub(super) fn labels(&self, t: Text, range: Range, by: Dimension) -> (String, String) {
        let start = local(range, self.span_ms.0);
        let day = start.date_naive();
        match by {
            Dimension::Minute | Dimension::Hour => {
                let time = start.format("%H:%M").to_string();
                let long = format!("{}, {time}", t.short_day(day));
                let one_day = range.to_ms - range.from_ms <= 25 * HOUR_MS;
                let short = if one_day || time != "00:00" { time } else { t.short_day(day) };
                (long, short)
            }
            Dimension::Week => {
                let last = local(range, self.span_ms.1) - TimeDelta::milliseconds(1);
                let long = format!("{} – {}", t.short_day(day), t.day(last.date_naive()));
                (long, t.short_day(day))
            }
            Dimension::Month => (t.month(day), t.month(day)),
            _ => (t.day(day), t.short_day(day)),
        }
    }

    /// Both ends as a URL carries them.
    pub(super) fn ends(&self) -> (String, String) {
        let text = |at| instant(at).to_rfc3339_opts(SecondsFormat::AutoSi, true);
        (text(self.span_ms.0), text(self.span_ms.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Tz;

    fn range(from: &str, to: &str, zone: Tz) -> Range {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        Range::days(day(from), day(to), zone)
    }

    #[test]
    fn a_day_on_which_clocks_change_has_its_own_hours() {
        let zone = Tz::Europe__Paris;
        assert_eq!(steps(range("2026-03-29", "2026-03-29", zone), Dimension::Hour).len(), 23);
        let long = steps(range("2026-10-25", "2026-10-25", zone), Dimension::Hour);
        assert_eq!(long.len(), 25);
        assert_eq!(long[2].key, "2026-10-25T02:00:00+02:00");
        assert_eq!(long[3].key, "2026-10-25T02:00:00+01:00");
        let steps = steps(range("2026-10-24", "2026-10-26", zone), Dimension::Day);
        assert_eq!(
            steps.iter().map(|step| step.key.as_str()).collect::<Vec<_>>(),
            ["2026-10-24", "2026-10-25", "2026-10-26"]
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_their_first_day() {
        let year = range("2026-01-01", "2026-03-15", Tz::UTC);
        let weeks = steps(year, Dimension::Week);
        assert_eq!(weeks[0].key, "2025-12-29");
        assert_eq!(weeks[0].span_ms.0, year.from_ms);
        assert_eq!(weeks.last().unwrap().span_ms.1, year.to_ms);
        let months = steps(year, Dimension::Month);
        assert_eq!(
            months.iter().map(|step| step.key.as_str()).collect::<Vec<_>>(),
            ["2026-01-01", "2026-02-01", "2026-03-01"]
        );
    }

    #[test]
    fn every_key_names_its_step_beyond_what_a_chart_shows() {
        let zone = Tz::Europe__Paris;
        let quarter = range("2026-09-01", "2026-11-30", zone);
        let late = step(quarter, Dimension::Hour, "2026-11-30T23:00:00+01:00").unwrap();
        assert_eq!(late.span_ms.1, quarter.to_ms);
        for by in [Dimension::Hour, Dimension::Day, Dimension::Week, Dimension::Month] {
            for one in steps(quarter, by) {
                assert_eq!(step(quarter, by, &one.key).as_ref(), Some(&one));
            }
        }
        for key in ["2026-12-01", "2026-08-31", "yesterday", ""] {
            assert_eq!(step(quarter, Dimension::Day, key), None, "{key}");
        }
    }

    #[test]
    fn half_hour_zones_cut_at_their_own_hours() {
        let steps = steps(range("2026-11-23", "2026-11-23", Tz::Asia__Kolkata), Dimension::Hour);
        assert_eq!(steps.len(), 24);
        assert_eq!(steps[0].key, "2026-11-23T00:00:00+05:30");
    }

    #[test]
    fn a_chart_never_has_too_many_steps() {
        for (from, to) in [
            ("2026-11-23", "2026-11-23"),
            ("2026-01-01", "2026-12-31"),
            ("2024-01-01", "2026-12-31"),
        ] {
            let range = range(from, to, Tz::UTC);
            assert!(steps(range, grain(range)).len() <= 120);
        }
    }
}
